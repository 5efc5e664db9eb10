//! `ultra env fmt`.

use clap::Args;
use std::path::PathBuf;

/// Bring dotenv files into normal form; values, comments and order stay.
///
/// No byte order mark, LF at the end of every line, no needless blanks, and values quoted so that
/// other programs read them too, where that can be. That the values are the same is verified
/// before anything is written; a file with errors is not touched, and a generated one neither.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env fmt .env.local\n  \
    ultra env fmt --check .env .env.*\n  \
    ultra env fmt --stdout .env.example\n  \
    ultra env fmt - < .env.local")]
pub(crate) struct FmtArgs {
    /// The files; `-` is standard input, whose normal form goes to standard output.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing; show what would change, and end with 3 if anything would.
    #[arg(long)]
    pub(crate) check: bool,
    /// Write the normal form, secrets included, to standard output instead of the file.
    #[arg(long, conflicts_with = "check")]
    pub(crate) stdout: bool,
}
