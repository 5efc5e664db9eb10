//! `ultra env`.

use super::diff::DiffArgs;
use super::fmt::FmtArgs;
use super::import::ImportArgs;
use super::init::InitArgs;
use super::lint::LintArgs;
use super::render::RenderArgs;
use super::run::{ExportArgs, RunArgs};
use super::switch::{HistoryArgs, SwitchArgs, UndoArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Environment profiles.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum EnvCommand {
    /// The profiles.
    List,
    /// The profile in use, and who decided so.
    Current,
    /// The settings as they are resolved. Secrets are never shown.
    Show(ShowArgs),
    /// Everything that is wrong with a profile, at once.
    Validate(ValidateArgs),
    /// What a variable means, where it is needed, what every layer says of it, and whether the
    /// servers that run would take a new value.
    Explain(ExplainArgs),
    /// What is wrong in dotenv files, and what other programs would read in them.
    Lint(LintArgs),
    /// What differs between two profiles, files, or a running server.
    Diff(DiffArgs),
    /// Run a command with the variables and secrets of the profile, which only it gets to see.
    Run(RunArgs),
    /// Write the variables of the profile as code for a shell, or as JSON or dotenv.
    Export(ExportArgs),
    /// Bring dotenv files into normal form; values, comments and order stay.
    Fmt(FmtArgs),
    /// Make another profile the one in use.
    Switch(SwitchArgs),
    /// Go back to what was before the last switch.
    Undo(UndoArgs),
    /// The switches so far, newest first.
    History(HistoryArgs),
    /// See what the profiles of this root send where, and agree to it.
    Trust,
    /// Start a project: profiles, their editor schema, `.gitignore` and `.env.example`. A file that
    /// is there is kept as it is.
    Init(InitArgs),
    /// Take over a dotenv file: secrets into the vault, other values into a dotenv file of the
    /// profile, under the names they have here. Everything is examined before anything is written.
    Import(ImportArgs),
    /// Fill a template from a profile: Docker Compose, systemd, Kubernetes, dotenv, or one of your
    /// own. Secrets never get into it as values, only by name.
    Render(RenderArgs),
}

/// The settings as they are resolved. Secrets are never shown.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env show\n  \
    ultra env show --origins --profile prod\n  \
    ultra env show ULTRA_PORT --origins -o json")]
pub(crate) struct ShowArgs {
    /// One variable instead of all.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Say which layer, file, line and column each value comes from, and what it wins over; what is
    /// secret by its keyed fingerprint.
    #[arg(long)]
    pub(crate) origins: bool,
}

/// Everything that is wrong with a profile, at once.
#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// The profile; the one in use if left out.
    #[arg(value_name = "PROFILE")]
    pub(crate) target: Option<String>,
    /// One more dotenv file, as `env run --file` reads it.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,
}

/// What a variable means, where it is needed, what every layer says of it, and whether the servers
/// that run would take a new value.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env explain ULTRA_PORT\n  \
    ultra env explain openai --profile prod\n  \
    ultra env explain DATABASE_URL -o json")]
pub(crate) struct ExplainArgs {
    /// The variable, such as `ULTRA_PORT`, or a name in the vault, such as `openai`.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
