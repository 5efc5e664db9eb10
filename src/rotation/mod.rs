//! Rotation: a key is replaced step by step, each step on record before and after it is taken.

pub(crate) mod control;
pub(crate) mod fleet;
pub(crate) mod journal;
pub(crate) mod machine;
mod refusals;
mod store_fleet;
#[cfg(test)]
mod tests;

pub(crate) use journal::{Journal, Kind};
pub(crate) use machine::{Ended, Rotation, Tested};
pub(crate) use store_fleet::StoreFleet;
