//! `ultra env`.

use super::switch::{SwitchArgs, UndoArgs};
use clap::Subcommand;

/// Environment profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    Switch(SwitchArgs),
    Undo(UndoArgs),
    /// The switches so far, newest first.
    History,
    /// See what the profiles of this root send where, and agree to it.
    Trust,
}
