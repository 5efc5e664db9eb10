//! `ultra env`.

use super::diff::DiffArgs;
use super::fmt::FmtArgs;
use super::import::ImportArgs;
use super::init::InitArgs;
use super::lint::LintArgs;
use super::render::RenderArgs;
use super::run::{ExportArgs, RunArgs};
use super::switch::{SwitchArgs, UndoArgs};
use clap::{Args, Subcommand};

/// Environment profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    /// The profiles.
    List,
    /// The profile in use, and who decided so.
    Current,
    Show(ShowArgs),
    Validate(ValidateArgs),
    Explain(ExplainArgs),
    Lint(LintArgs),
    Diff(DiffArgs),
    Run(RunArgs),
    Export(ExportArgs),
    Fmt(FmtArgs),
    Switch(SwitchArgs),
    Undo(UndoArgs),
    /// The switches so far, newest first.
    History,
    /// See what the profiles of this root send where, and agree to it.
    Trust,
    Init(InitArgs),
    Import(ImportArgs),
    Render(RenderArgs),
}

/// The settings as they are resolved, and where each comes from. Secrets are never shown.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// One variable instead of all.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// Everything that is wrong with a profile, at once.
#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// The profile; the one in use if left out.
    #[arg(value_name = "PROFILE")]
    pub(crate) target: Option<String>,
}

/// What a variable means, and what every layer says of it.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The variable, such as `ULTRA_PORT`, or a name in the vault, such as `openai`.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
