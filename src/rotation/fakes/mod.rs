//! What a rotation deals with, in memory: a clock that can end the process at any look at it, a
//! provider that issues keys, and servers.

mod life;
mod place;
mod provider;
mod server;

pub(crate) use life::Killed;
pub(crate) use place::Place;
pub(crate) use provider::Mood;
