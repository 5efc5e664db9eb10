//! `ultra env init`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Start a project: profiles, their editor schema, `.gitignore` and `.env.example`. A file that is
/// there is kept as it is.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ultra env init                                  ask, then write\n  \
    ultra env init --yes                            take the defaults\n  \
    ultra env init app --provider openai --database postgres --cache redis\n  \
    ultra env init --yes --dry-run                  only say what would be written")]
pub(crate) struct InitArgs {
    /// The directory of the project; made if missing. The current one if left out.
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Which profiles to start with.
    #[arg(long, value_enum, value_name = "SET", default_value_t = ProfileSet::All)]
    pub(crate) profile_set: ProfileSet,
    /// Providers whose keys production will need, separated by commas; `none` for none yet.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub(crate) provider: Vec<String>,
    /// Where production keeps its data.
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) database: Option<Database>,
    /// What production remembers answers in.
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) cache: Option<Cache>,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Profiles to start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileSet {
    /// dev, test, staging and prod.
    All,
    /// dev and prod.
    Small,
}

/// Where data is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    /// A PostgreSQL server, which more than one replica needs.
    Postgres,
    /// A file in the state directory.
    Sqlite,
}

/// What answers are remembered in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cache {
    /// A Redis server, shared by replicas.
    Redis,
    /// Bounded memory of each process.
    Memory,
}
