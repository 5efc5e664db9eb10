//! Readiness: facts about a profile, its project and its server, and the checks that judge them.
//!
//! [`facts`] are gathered once, when first asked for; [`checks`] are pure functions over them;
//! [`engine`] runs a [`select`]ion in parallel and [`verdict`] says what it means.

mod ask;
pub(crate) mod checks;
pub(crate) mod engine;
pub(crate) mod facts;
mod files;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod gather;
pub(crate) mod live;
pub(crate) mod model;
pub(crate) mod select;
pub(crate) mod target;
pub(crate) mod tree;
pub(crate) mod verdict;

pub(crate) use checks::all;
pub(crate) use facts::Facts;
pub(crate) use model::{Check, CheckMeta, Group, Judged, Judgement, Severity, Stage};
