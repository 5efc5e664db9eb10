//! The command line as clap types: data only, one file a subcommand. `app` turns it into
//! requests.

pub(crate) mod auth;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod db;
pub(crate) mod diff;
pub(crate) mod env;
pub(crate) mod fmt;
pub(crate) mod generate;
mod group;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod lint;
pub(crate) mod man;
pub(crate) mod models;
#[cfg(test)]
mod quoted;
pub(crate) mod render;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod switch;
pub(crate) mod usage;

use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use group::Group;
use std::path::PathBuf;

/// Environment profiles, API keys, production readiness and an LLM gateway in one binary.
#[derive(Debug, Parser)]
#[command(name = "ultra", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Act on this profile instead of the one in use.
    #[arg(long, global = true, value_name = "PROFILE", help_heading = "Global options")]
    pub(crate) profile: Option<String>,
    /// The root: the directory with `profiles/`.
    #[arg(long, global = true, value_name = "ROOT", help_heading = "Global options")]
    pub(crate) dir: Option<PathBuf>,
    /// How the answer is written.
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value = "human",
        help_heading = "Global options"
    )]
    pub(crate) output: OutputFormat,
    /// Leave out notes about what is going on.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Say more about what is going on.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) verbose: bool,
    /// Write without colour.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_color: bool,
    /// Give every confirmation in advance.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) yes: bool,
    /// Ask nothing; refuse where an answer is needed.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_input: bool,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Text for people; `table` is the same.
    #[value(alias = "table")]
    Human,
    /// One JSON document.
    Json,
    /// Comma-separated values, of `ultra usage report`.
    Csv,
}

/// What to do. What the description of a command is stands at the variant: the rest of a command is
/// built only when it is called.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Environment profiles.
    Env(Group<env::EnvCommand>),
    /// Give, see, test, rotate and roll back keys. No argument ever carries a value.
    Keys(keys::KeysArgs),
    /// Serve the API, with the mock or with real providers.
    Serve(serve::ServeArgs),
    /// Who may use the server: service keys and access tokens.
    Auth(Group<auth::AuthCommand>),
    /// The store: its schema and its state.
    Db(Group<db::DbCommand>),
    /// Models: what answers for each, and whether it does.
    Models(Group<models::ModelsCommand>),
    /// What was used, and what it cost.
    Usage(Group<usage::UsageCommand>),
    /// Readiness, status, smoke tests and scans.
    Check(Group<check::CheckCommand>),
    /// Write the files that are made from the program's own declarations, or check them.
    Generate(generate::GenerateArgs),
    /// Print the completion script of a shell.
    Completions(completions::CompletionsArgs),
    /// Print a manual page (`ultra man env switch | man -l -`), or write all of them.
    Man(man::ManArgs),
}
