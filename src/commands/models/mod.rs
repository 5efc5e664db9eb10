//! `ultra models`.

mod asking;
mod judging;
pub(crate) mod list;
mod seen;
pub(crate) mod test;

pub(crate) use seen::Server;
