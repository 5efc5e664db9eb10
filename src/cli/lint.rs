//! `ultra env lint`.

use super::check::FailOnArg;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What is wrong in dotenv files, and what other programs would read in them.
///
/// Nothing is run and nothing is taken from the environment: a file is read as if no variable
/// were set. Values that may be secrets are described and never shown.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env lint .env .env.local\n  \
    ultra env lint .env --compat\n  \
    ultra env lint .env --compat compose,node --fail-on warn")]
pub(crate) struct LintArgs {
    /// The files; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Name each line that these programs read differently; all of them if none is named.
    #[arg(long, value_name = "PROGRAM", value_delimiter = ',', value_enum,
          num_args = 0..=1, require_equals = false, default_missing_value = "all")]
    pub(crate) compat: Vec<CompatArg>,
    /// End with 4 if nothing is worse than this; a line that another program reads differently is
    /// a warning.
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub(crate) fail_on: Option<FailOnArg>,
}

/// A program that reads dotenv files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompatArg {
    /// All of them.
    All,
    /// The Rust crate.
    Dotenvy,
    /// The npm package `dotenv`.
    Motdotla,
    /// The PyPI package `python-dotenv`.
    Python,
    /// Node's `--env-file`.
    Node,
    /// Docker Compose.
    Compose,
    /// `set -a; . FILE`.
    Bash,
}
