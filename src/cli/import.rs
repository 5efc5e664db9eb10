//! `ultra env import`, and what `ultra keys import` has in common with it.

use super::keys::Backend;
use clap::Args;
use std::path::PathBuf;

/// Take over a dotenv file: secrets into the vault, other values into a dotenv file of the profile,
/// under the names they have here. Everything is examined before anything is written.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env import .env.development --dry-run            say what would become of each line\n  \
    ultra env import .env.production --profile prod        ask, then take it over\n  \
    ultra env import .env.prod.local --profile prod --yes  move its secrets into the vault\n  \
    pass show app/env | ultra env import -                 from standard input")]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) intake: IntakeArgs,
    /// Where values that are no secrets go; `.env.<profile>.local` if left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) into: Option<PathBuf>,
    /// Keep names that do nothing here, for an application that reads them.
    #[arg(long)]
    pub(crate) keep_unused: bool,
    /// Keep the names of the file where `ultra` reads them too, for an application that knows no
    /// others; a secret that has another name here then stays in the file.
    #[arg(long)]
    pub(crate) keep_names: bool,
}

/// What is taken over, and how.
#[derive(Args, Debug)]
pub(crate) struct IntakeArgs {
    /// The file; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Names to leave out, separated by commas.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub(crate) except: Vec<String>,
    /// Replace values that are there and differ.
    #[arg(long)]
    pub(crate) replace: bool,
    /// Keep keys without asking their providers.
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// Write secrets although another layer wins over the vault.
    #[arg(long)]
    pub(crate) shadowed: bool,
    /// What keeps the identity of a new vault.
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub(crate) backend: Option<Backend>,
    /// Remove the file once all of it is taken over; refused while it says anything that is not.
    #[arg(long)]
    pub(crate) remove_source: bool,
    /// Say what would become of each entry; send and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
