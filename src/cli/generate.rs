//! `ultra generate`.

use clap::Args;

/// Write the files that are made from the program's own declarations, or check them.
#[derive(Args, Debug)]
pub(crate) struct GenerateArgs {
    /// Only these files or folders, named as below the root.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Write nothing; say which files differ, and exit 3 if any does.
    #[arg(long)]
    pub(crate) check: bool,
}
