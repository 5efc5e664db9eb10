//! The store: what outlives a process and is shared between replicas. The only module with SQL.
//!
//! One trait, two implementations with migrations of their own, one suite of tests for both
//! (`suite`). Everything here goes in and comes out as types of the domain.

mod error;
mod migrations;
mod model;
mod open;
mod postgres;
mod published;
mod sqlite;
#[cfg(test)]
mod suite;
#[cfg(test)]
pub(crate) mod testing;
mod usage_report;
#[cfg(test)]
mod usage_suite;

pub(crate) use error::StoreError;
pub(crate) use migrations::{AppliedMigration, SchemaStatus};
pub(crate) use model::{Heartbeat, Outcome, Scope, Scopes, ServiceKey, UsageRow};
pub(crate) use open::{DatabaseOptions, open};
pub(crate) use published::{PublishedHead, PublishedVault};
pub(crate) use usage_report::{UsageBy, UsageQuery, UsageSum};

use crate::base::Timestamp;
use std::fmt::Debug;
use std::time::Duration;

/// Which database is behind a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreKind {
    /// The embedded SQLite database.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// What outlives a process. Every operation ends within the time-out the store was opened with.
#[async_trait::async_trait]
pub(crate) trait Store: Debug + Send + Sync {
    /// Which database it is.
    fn kind(&self) -> StoreKind;

    /// Where it is, fit for people: a path, or a URL without credentials.
    fn location(&self) -> &str;

    /// Whether it answers and its schema can be worked with.
    ///
    /// # Errors
    /// Any [`StoreError`]; [`StoreError::Pending`] while migrations are pending in mode `check`.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Which migrations are applied, pending or unknown. Applies none.
    ///
    /// # Errors
    /// The database cannot be reached or read.
    async fn schema(&self) -> Result<SchemaStatus, StoreError>;

    /// Applies every pending migration, all or none, and says which they were.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`], or the database cannot be reached or written.
    async fn migrate(&self) -> Result<Vec<AppliedMigration>, StoreError>;

    /// All service keys, revoked and expired ones too, oldest first.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn service_keys(&self) -> Result<Vec<ServiceKey>, StoreError>;

    /// Adds a service key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a key that is neither revoked nor being replaced has the same
    /// name, or any key the same id.
    async fn create_service_key(&self, key: &ServiceKey) -> Result<(), StoreError>;

    /// Revokes the key with this id from `at` on; an earlier revocation stands. `false` if there
    /// is no such key.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn revoke_service_key(&self, id: &str, at: Timestamp) -> Result<bool, StoreError>;

    /// Adds `new` and gives the key with this id an end, both or neither: it ends at `until` or when
    /// it would have ended anyway, whichever is sooner; without `until` it is revoked when `new` was
    /// made. Until it ends, both are good. `false`, and nothing is changed, if there is no such key,
    /// it has ended by the time `new` was made, or another that is not revoked replaces it already.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another key has the name of `new` and is not being replaced.
    async fn replace_service_key(
        &self,
        id: &str,
        until: Option<Timestamp>,
        new: &ServiceKey,
    ) -> Result<bool, StoreError>;

    /// When each service key was last used, as far as usage was recorded; those that never were are
    /// left out.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn service_key_uses(&self) -> Result<Vec<(String, Timestamp)>, StoreError>;

    /// Adds usage rows, all or none; rows whose id is already there are passed over, so that a
    /// batch can be sent again. Returns how many were new.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if the database will never take one of these rows, else any
    /// [`StoreError`].
    async fn record_usage(&self, rows: &[UsageRow]) -> Result<u64, StoreError>;

    /// The latest usage rows, newest first, at most `limit`.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn recent_usage(&self, limit: u32) -> Result<Vec<UsageRow>, StoreError>;

    /// How many usage rows there are.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn count_usage(&self) -> Result<u64, StoreError>;

    /// Usage rows summed up by group, in the order of the groups: of texts by their bytes, those of
    /// none first.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn usage_report(&self, query: &UsageQuery) -> Result<Vec<UsageSum>, StoreError>;

    /// Replaces the heartbeat of an instance.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn beat(&self, heartbeat: &Heartbeat) -> Result<(), StoreError>;

    /// The heartbeats that came within the last `within`, by instance. The store's own clock
    /// judges: those of the machines may differ.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn heartbeats(&self, within: Duration) -> Result<Vec<Heartbeat>, StoreError>;

    /// Forgets the heartbeat of an instance that ends: nobody has to wait for it any more.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn leave(&self, instance: &str) -> Result<(), StoreError>;

    /// Keeps a sealed vault for servers that do not see its file, unless a later generation of it
    /// is there already, or another vault of the same generation: servers would take only one of
    /// the two. Says which generation that is; `None` if the vault is there now.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn publish_vault(&self, vault: &PublishedVault) -> Result<Option<u64>, StoreError>;

    /// Which vaults are published, by id: small, to be asked often.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn published_heads(&self) -> Result<Vec<PublishedHead>, StoreError>;

    /// A published vault, if there is one with this id.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn published_vault(&self, vault_id: &str) -> Result<Option<PublishedVault>, StoreError>;

    /// Ends all connections; operations that come later are [`StoreError::Unreachable`].
    async fn close(&self);
}
