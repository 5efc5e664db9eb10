//! The store.

use crate::settings::catalogue::{Alias, settings};
use crate::settings::secret::SecretRef;
use crate::settings::value::{Count, choice};
use std::time::Duration;

choice! {
    /// What a server does about pending migrations.
    MigrateMode {
        /// Applies them at start-up.
        Auto = "auto",
        /// Is not ready while any is pending.
        Check = "check",
    }
}

settings! {
    /// The store: SQLite in the state directory unless `DATABASE_URL` names another.
    pub(crate) struct DatabaseSettings in "database" {
        /// The database: `postgres://…` or `sqlite:PATH`. The embedded SQLite database
        /// `data/<profile>.db` of the state directory if unset.
        url: Option<SecretRef> = "DATABASE_URL" { example: Some("postgres://ultra@db.example.com/ultra?sslmode=verify-full"), vault: Some("database") },
        /// What a server does about pending migrations: `auto` for SQLite and unprotected
        /// profiles if unset, else `check`.
        migrate: Option<MigrateMode> = "ULTRA_DB_MIGRATE" { example: Some("check") },
        /// Connections to PostgreSQL.
        pool_size: Count<1, 1_000> = "ULTRA_DB_POOL_SIZE" { default: Some("10"), aliases: &[Alias::same("DATABASE_POOL_SIZE")] },
        /// How long a request of the control plane waits for the store.
        timeout: Duration = "ULTRA_DB_TIMEOUT" { default: Some("2s") },
    }
}
