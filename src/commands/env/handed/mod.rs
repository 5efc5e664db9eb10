//! What `env run` and `env export` hand on: the variables of a profile with their values, and the
//! names that must not be handed on.

mod collect;
mod collector;

pub(crate) use collect::{Selection, collect};
pub(crate) use collector::{Given, Handed};
