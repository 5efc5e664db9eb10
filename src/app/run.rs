//! `env run` and `env export`: arguments to requests, and the start of the command.

use super::child;
use crate::cli::run::{ExportArgs, RunArgs, ShellArg};
use crate::commands::env::export::Shell;
use crate::commands::env::{export, run};
use crate::render::Terminal;
use crate::report::{Fault, Report};
use crate::secrets::VaultSource;
use crate::settings::{SecretSource, Workspace};
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

/// `ultra env export`.
pub(super) fn export(
    args: ExportArgs,
    workspace: &Workspace,
    secrets: &VaultSource,
    console: &Terminal,
) -> Result<Report, Fault> {
    let request = export::Request {
        shell: shell(args.shell),
        only: args.what.only,
        with_secrets: args.with_secrets,
        gateway: args.what.gateway,
        undo: args.undo,
        terminal: io::stdout().is_terminal(),
    };
    export::run(&request, workspace, secrets, console)
}

/// `ultra env run`: does not come back if the command takes the place of this process.
///
/// # Errors
/// As [`run::run`]; that the command cannot be started is told on stderr and in the exit code.
pub(super) fn run(
    args: RunArgs,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &Terminal,
) -> Result<ExitCode, Fault> {
    let request = run::Request {
        command: args.command,
        only: args.what.only,
        gateway: args.what.gateway,
        redact: args.redact,
    };
    Ok(child::start(&run::run(request, workspace, secrets, console)?, console))
}

fn shell(arg: ShellArg) -> Shell {
    match arg {
        ShellArg::Posix => Shell::Posix,
        ShellArg::Bash => Shell::Bash,
        ShellArg::Zsh => Shell::Zsh,
        ShellArg::Fish => Shell::Fish,
        ShellArg::Pwsh => Shell::Pwsh,
        ShellArg::Nu => Shell::Nu,
        ShellArg::Json => Shell::Json,
        ShellArg::Dotenv => Shell::Dotenv,
    }
}
