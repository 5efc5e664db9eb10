//! `ultra db`.

use clap::Subcommand;

/// The store: its schema and its state.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum DbCommand {
    /// Apply pending migrations, all or none.
    Migrate,
    /// Say where the store is, whether it answers, and which migrations it has.
    Status,
}
