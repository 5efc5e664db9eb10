//! What each subcommand does: from a request and the workspace to a report. No clap, no printing.

pub(crate) mod auth;
mod backing;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod db;
pub(crate) mod env;
pub(crate) mod generate;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod man;
mod probe;
pub(crate) mod serve;
pub(crate) mod switch;
pub(crate) mod switching;
pub(crate) mod trust;
pub(crate) mod undo;
