//! `ultra completions`.

use clap::Args;
use clap_complete::Shell;

/// Print the completion script of a shell.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
