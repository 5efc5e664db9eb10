//! What each subcommand does: from a request and the workspace to a report. No clap, no printing.

pub(crate) mod auth;
mod backing;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod db;
pub(crate) mod env;
pub(crate) mod generate;
pub(crate) mod keys;
pub(crate) mod man;
pub(crate) mod models;
mod on_record;
mod probe;
pub(crate) mod serve;
mod service_keys;
pub(crate) mod usage;
