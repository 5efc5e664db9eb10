//! The store on SQLite: one writing connection, a few reading ones, other processes allowed.

mod errors;
mod file;
mod fleet;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod usage_daily;
mod usage_report;

use super::migrations::{AppliedMigration, SchemaStatus};
use super::{
    Heartbeat, PublishedHead, PublishedVault, ServiceKey, Store, StoreError, StoreKind, UsageQuery,
    UsageRow, UsageSum,
};
use crate::base::Timestamp;
use crate::settings::groups::MigrateMode;
use errors::translate;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Connections for reading. WAL lets them work beside the writer.
const READERS: u32 = 4;

/// The store on SQLite.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    path: PathBuf,
    location: String,
    timeout: Duration,
    mode: MigrateMode,
    /// One connection: writers of this process queue for it fairly instead of polling for the
    /// file lock.
    writer: SqlitePool,
    readers: SqlitePool,
    /// Whether the schema was found to be usable; it does not become unusable by itself.
    prepared: AtomicBool,
}

impl SqliteStore {
    /// Opens the database, after looking at the file without changing it. In mode `auto` it is
    /// created and migrated if need be; in mode `check` neither.
    ///
    /// # Errors
    /// See [`super::open()`].
    pub(crate) async fn open(
        path: &Path,
        timeout: Duration,
        mode: MigrateMode,
    ) -> Result<Self, StoreError> {
        let location = path.display().to_string();
        file::inspect(path, &location)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // Below our own deadline, so that a held lock is told from a frozen disk.
            .busy_timeout(timeout.mul_f32(0.8))
            .create_if_missing(false);
        let pool = |size: u32| {
            SqlitePoolOptions::new()
                .max_connections(size)
                .min_connections(0)
                .acquire_timeout(timeout)
                .max_lifetime(None)
        };
        let store = Self {
            path: path.to_owned(),
            writer: pool(1).connect_lazy_with(options.clone()),
            readers: pool(READERS).connect_lazy_with(options),
            location,
            timeout,
            mode,
            prepared: AtomicBool::new(false),
        };
        if file::exists(path) {
            store.within(store.examine()).await?;
        }
        if mode == MigrateMode::Auto {
            match store.ready().await {
                // Somebody else is at work on the file; that passes.
                Err(e @ StoreError::Timeout { .. }) => {
                    tracing::warn!(error = %e, "the store is busy");
                }
                other => other?,
            }
        }
        Ok(store)
    }

    /// Runs `work` within the deadline of the store.
    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(StoreError::Timeout { at: self.location.clone(), after: self.timeout }),
        }
    }

    /// Makes sure once that the schema is the one this program works with.
    async fn ready(&self) -> Result<(), StoreError> {
        if self.prepared.load(Ordering::Acquire) {
            return Ok(());
        }
        let status = match self.mode {
            MigrateMode::Auto => {
                self.apply().await?;
                self.status().await?
            }
            MigrateMode::Check => self.status().await?,
        };
        status.usable(&self.location)?;
        self.prepared.store(true, Ordering::Release);
        Ok(())
    }

    /// A transaction that takes the write lock at once: one that begins by reading could fail
    /// half-way because another process wrote in between.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(|e| self.error(e))
    }

    fn error(&self, error: sqlx::Error) -> StoreError {
        translate(error, &self.location, self.timeout)
    }
}

#[async_trait::async_trait]
impl Store for SqliteStore {
    fn kind(&self) -> StoreKind {
        StoreKind::Sqlite
    }

    fn location(&self) -> &str {
        &self.location
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.within(async {
            // A file that was deleted below us would still answer.
            if self.prepared.load(Ordering::Acquire) && !file::exists(&self.path) {
                let why = "the file is gone".to_owned();
                return Err(StoreError::Damaged { at: self.location.clone(), why });
            }
            self.ready().await?;
            sqlx::query("SELECT 1").execute(&self.readers).await.map_err(|e| self.error(e))?;
            Ok(())
        })
        .await
    }

    async fn schema(&self) -> Result<SchemaStatus, StoreError> {
        self.within(self.status()).await
    }

    async fn migrate(&self) -> Result<Vec<AppliedMigration>, StoreError> {
        self.apply().await
    }

    async fn service_keys(&self) -> Result<Vec<ServiceKey>, StoreError> {
        self.within(async {
            self.ready().await?;
            rows::service_keys(&self.readers).await.map_err(|e| self.error(e))
        })
        .await
    }

    async fn create_service_key(&self, key: &ServiceKey) -> Result<(), StoreError> {
        self.within(async {
            self.ready().await?;
            let mut tx = self.begin().await?;
            match rows::insert_service_key(&mut tx, key).await {
                Err(e) if errors::is_duplicate(&e) => Err(StoreError::Conflict {
                    what: format!("a service key named `{}`", key.name),
                }),
                other => {
                    other.map_err(|e| self.error(e))?;
                    tx.commit().await.map_err(|e| self.error(e))
                }
            }
        })
        .await
    }

    async fn revoke_service_key(&self, id: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.within(async {
            self.ready().await?;
            let mut tx = self.begin().await?;
            let found = rows::revoke(&mut tx, id, at).await.map_err(|e| self.error(e))?;
            tx.commit().await.map_err(|e| self.error(e))?;
            Ok(found)
        })
        .await
    }

    async fn replace_service_key(
        &self,
        id: &str,
        until: Option<Timestamp>,
        new: &ServiceKey,
    ) -> Result<bool, StoreError> {
        self.within(async {
            self.ready().await?;
            let mut tx = self.begin().await?;
            match rows::replace(&mut tx, id, until, new).await {
                Err(e) if errors::is_duplicate(&e) => Err(StoreError::Conflict {
                    what: format!("a service key named `{}`", new.name),
                }),
                other => {
                    let replaced = other.map_err(|e| self.error(e))?;
                    tx.commit().await.map_err(|e| self.error(e))?;
                    Ok(replaced)
                }
            }
        })
        .await
    }

    async fn service_key_uses(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.within(async {
            self.ready().await?;
            rows::last_uses(&self.readers).await.map_err(|e| self.error(e))
        })
        .await
    }

    async fn record_usage(&self, rows: &[UsageRow]) -> Result<u64, StoreError> {
        self.within(async {
            self.ready().await?;
            let mut tx = self.begin().await?;
            let new = rows::insert_usage(&mut tx, rows).await.map_err(|e| self.error(e))?;
            tx.commit().await.map_err(|e| self.error(e))?;
            Ok(new)
        })
        .await
    }

    async fn recent_usage(&self, limit: u32) -> Result<Vec<UsageRow>, StoreError> {
        self.within(async {
            self.ready().await?;
            rows::recent_usage(&self.readers, limit).await.map_err(|e| self.error(e))
        })
        .await
    }

    async fn count_usage(&self) -> Result<u64, StoreError> {
        self.within(async {
            self.ready().await?;
            rows::count_usage(&self.readers).await.map_err(|e| self.error(e))
        })
        .await
    }

    async fn usage_report(&self, query: &UsageQuery) -> Result<Vec<UsageSum>, StoreError> {
        self.within(async {
            self.ready().await?;
            while usage_daily::is_late(&self.readers).await.map_err(|e| self.error(e))? {
                let mut tx = self.begin().await?;
                usage_daily::add_late(&mut tx).await.map_err(|e| self.error(e))?;
                tx.commit().await.map_err(|e| self.error(e))?;
            }
            usage_report::sums(&self.readers, query).await.map_err(|e| self.error(e))
        })
        .await
    }

    async fn beat(&self, heartbeat: &Heartbeat) -> Result<(), StoreError> {
        self.within(async {
            self.ready().await?;
            let mut tx = self.begin().await?;
            let answer = fleet::beat(&mut tx, heartbeat).await.map_err(|e| self.error(e))?;
            tx.commit().await.map_err(|e| self.error(e))?;
            Ok(answer)
        })
        .await
    }

    async fn heartbeats(&self, within: Duration) -> Result<Vec<Heartbeat>, StoreError> {
        self.within(async {
            self.ready().await?;
            fleet::heartbeats(&self.readers, within).await.map_err(|e| self.error(e))
        })
        .await
    }

    async fn leave(&self, instance: &str) -> Result<(), StoreError> {
        self.within(async {
            self.ready().await?;
            let mut tx = self.begin().await?;
            let answer = fleet::leave(&mut tx, instance).await.map_err(|e| self.error(e))?;
            tx.commit().await.map_err(|e| self.error(e))?;
            Ok(answer)
        })
        .await
    }

    async fn publish_vault(&self, vault: &PublishedVault) -> Result<Option<u64>, StoreError> {
        self.within(async {
            self.ready().await?;
            let mut tx = self.begin().await?;
            let answer = fleet::publish(&mut tx, vault).await.map_err(|e| self.error(e))?;
            tx.commit().await.map_err(|e| self.error(e))?;
            Ok(answer)
        })
        .await
    }

    async fn published_heads(&self) -> Result<Vec<PublishedHead>, StoreError> {
        self.within(async {
            self.ready().await?;
            fleet::published_heads(&self.readers).await.map_err(|e| self.error(e))
        })
        .await
    }

    async fn published_vault(&self, vault_id: &str) -> Result<Option<PublishedVault>, StoreError> {
        self.within(async {
            self.ready().await?;
            fleet::published(&self.readers, vault_id).await.map_err(|e| self.error(e))
        })
        .await
    }

    async fn close(&self) {
        // A frozen disk must not keep a process from ending.
        let both = async {
            self.readers.close().await;
            self.writer.close().await;
        };
        let _ = tokio::time::timeout(self.timeout, both).await;
    }
}
