//! `ultra man`.

use clap::Args;
use std::path::PathBuf;

/// Print a manual page (`ultra man env switch | man -l -`), or write all of them.
#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// The command whose page is wanted; that of `ultra` if none.
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    pub(crate) page: Vec<String>,
    /// Write every page into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
}
