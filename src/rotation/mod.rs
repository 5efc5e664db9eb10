//! Rotation: a key is replaced step by step, each step on record before and after it is taken.

mod abort;
mod aside;
pub(crate) mod control;
mod cutover;
#[cfg(test)]
mod fakes;
pub(crate) mod fed;
pub(crate) mod fleet;
mod issue;
#[cfg(test)]
mod issuer_tests;
pub(crate) mod journal;
#[cfg(test)]
mod kills;
pub(crate) mod machine;
#[cfg(test)]
mod model;
mod record;
mod refusals;
mod retire;
mod store_fleet;
#[cfg(test)]
mod tests;
mod unowned;

pub(crate) use fed::{Awaited, Fed};
pub(crate) use fleet::{Acknowledgement, Fleet, Has, Replica, ReplicaSlot, acknowledged};
pub(crate) use journal::{Aim, Journal, Kind, Order, Plan, Step};
pub(crate) use machine::{Ended, Rotation, Tested, World};
pub(crate) use store_fleet::StoreFleet;
pub(crate) use unowned::Unowned;
