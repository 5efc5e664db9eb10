//! `ultra`: environment profiles, keys, readiness and the LLM gateway in one binary.
//!
//! Modules import downward only; `tests/it/layers.rs` holds the ranks and enforces them:
//! base, exit · report · settings · secrets, store, cache, provider, scan · rotation, gateway ·
//! smoke · check · serve · commands · cli, render · app.

mod app;
mod base;
mod cache;
mod check;
mod cli;
mod commands;
mod exit;
mod gateway;
mod provider;
mod render;
mod report;
mod rotation;
mod scan;
mod secrets;
mod serve;
mod settings;
mod smoke;
mod store;

/// Runs the command that the process was started with.
pub fn main() -> std::process::ExitCode {
    app::main()
}
