//! `env run` and `env export`.

use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Run a command with the variables and secrets of the profile, which only it gets to see.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  ultra env run -- npm start
  ultra env run --profile staging --only DATABASE_URL -- psql
  ultra env run --redact -- ./deploy.sh
  ultra env run --gateway -- python app.py

Exit code: that of the command, 128+n if signal n ended it, 127 if it is not found, 126 if it cannot be started.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) what: WhatArgs,
    /// Mask secrets in what the command writes, in every usual encoding.
    #[arg(long)]
    pub(crate) redact: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// Write the variables of the profile as code for a shell, or as JSON or dotenv.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  eval \"$(ultra env export)\"
  ultra env export --shell fish | source
  ultra env export --shell pwsh | Out-String | Invoke-Expression
  eval \"$(ultra env export --gateway)\"
  eval \"$(ultra env export --undo)\"")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) what: WhatArgs,
    /// Who reads it.
    #[arg(long, value_name = "SHELL", value_enum, default_value = "posix")]
    pub(crate) shell: ShellArg,
    /// Write secrets too; never to a terminal.
    #[arg(long)]
    pub(crate) with_secrets: bool,
    /// Write what takes the last export back: variables that still have its values get their
    /// earlier ones.
    #[arg(long, conflicts_with_all = ["file", "only", "with_secrets", "gateway"])]
    pub(crate) undo: bool,
}

/// Which variables are handed on.
#[derive(Args, Debug)]
pub(crate) struct WhatArgs {
    /// One more dotenv file: above the vault, below the process environment; a later one wins.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,
    /// Only these variables of the profile.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Send OpenAI and Anthropic clients to the running `ultra serve`, and keep providers' keys.
    #[arg(long)]
    pub(crate) gateway: bool,
}

/// Who reads an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShellArg {
    /// Any POSIX shell.
    Posix,
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
    /// PowerShell 7.
    Pwsh,
    /// Nushell.
    Nu,
    /// One JSON object.
    Json,
    /// A dotenv file.
    Dotenv,
}
