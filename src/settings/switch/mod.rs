//! Switching profiles: one transaction, whose commit is the rename of `switch.json`.
//!
//! [`session::Session`] holds the lock and commits; what follows from a record (the generated
//! `.env`, the entry of the history) is done by [`follow`], at once or by the next command.
//! [`present`] tells a generated `.env` from one that belongs to somebody, [`generated`] writes
//! it, [`history`] finds what an undo goes back to.

mod files;
mod follow;
pub(crate) mod generated;
pub(crate) mod history;
pub(crate) mod present;
pub(crate) mod session;
mod wrote;

pub(crate) use follow::complete;
pub(crate) use present::Present;
pub(crate) use session::{Last, Session};
pub(super) use wrote::wrote;
