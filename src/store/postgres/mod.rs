//! The store on PostgreSQL, in a schema `ultra` of its own, so that it can share a database with
//! the application it serves.

mod connection;
mod errors;
mod fleet;
mod migrating;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod usage_report;

use super::migrations::{AppliedMigration, SchemaStatus};
use super::{
    DatabaseOptions, Heartbeat, PublishedHead, PublishedVault, ServiceKey, Store, StoreError,
    StoreKind, UsageQuery, UsageRow, UsageSum,
};
use crate::base::{Secret, Timestamp, redact};
use crate::settings::groups::MigrateMode;
use connection::Lease;
use migrating::Migration;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use url::Url;

/// The store on PostgreSQL. It connects when it is used, not when it is opened.
#[derive(Clone, Debug)]
pub(crate) struct PostgresStore {
    location: String,
    timeout: Duration,
    mode: MigrateMode,
    pool: PgPool,
    /// Whether the schema was found to be usable.
    prepared: Arc<AtomicBool>,
    /// The migration that this process is at.
    migration: Arc<Migration>,
}

impl PostgresStore {
    /// A handle on the database that `url` names. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] for a URL that cannot be understood.
    pub(crate) fn open(url: &Secret, options: &DatabaseOptions) -> Result<Self, StoreError> {
        let (timeout, mode) = (options.timeout, options.mode());
        let location = redact::url(url.expose());
        // The library's message may quote the URL, so it is left out.
        let mut connection = PgConnectOptions::from_str(url.expose())
            .map_err(|_| StoreError::Unsuitable {
                at: location.clone(),
                why: "the URL is malformed or has an unknown option".to_owned(),
            })?
            .application_name("ultra");
        if options.url_by_root && !has_password(url) {
            // Else the library takes what `PGPASSWORD` or `~/.pgpass` say.
            connection = connection.password("");
        }
        let pool = PgPoolOptions::new()
            .max_connections(options.pool_size)
            .min_connections(0)
            // What is left of the time-out is for asking why there is no connection.
            .acquire_timeout(timeout.mul_f32(0.75))
            .connect_lazy_with(connection);
        Ok(Self {
            location,
            timeout,
            mode,
            pool,
            prepared: Arc::default(),
            migration: Arc::default(),
        })
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(outcome) => outcome,
            Err(_) if self.migration.is_under_way() => {
                Err(StoreError::Migrating { at: self.location.clone() })
            }
            Err(_) => Err(StoreError::Timeout { at: self.location.clone(), after: self.timeout }),
        }
    }

    /// A connection to a database whose schema can be worked with.
    async fn ready(&self) -> Result<Lease, StoreError> {
        let mut lease = self.lease().await?;
        if !self.prepared.load(Ordering::Acquire) {
            let mut status = self.status(&mut lease).await?;
            if self.mode == MigrateMode::Auto && !status.pending.is_empty() {
                status.not_foreign(&self.location)?;
                // It may take longer than any operation: it goes on where this one is given up,
                // and with a connection of its own, of which there may be but one.
                lease.give_back();
                self.migration.done(self).await?;
                lease = self.lease().await?;
                status = self.status(&mut lease).await?;
            }
            status.usable(&self.location)?;
            self.prepared.store(true, Ordering::Release);
        }
        Ok(lease)
    }

    fn error(&self, error: &sqlx::Error) -> StoreError {
        let translated = errors::translate(error, &self.location, self.timeout);
        if errors::is_missing_table(error) {
            // Somebody dropped our tables: look again before the next operation.
            self.prepared.store(false, Ordering::Release);
        }
        translated
    }
}

/// Whether a URL itself says a password, in either of the places where the library looks for one.
fn has_password(url: &Secret) -> bool {
    Url::parse(url.expose()).is_ok_and(|url| {
        url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
    })
}

#[async_trait::async_trait]
impl Store for PostgresStore {
    fn kind(&self) -> StoreKind {
        StoreKind::Postgres
    }

    fn location(&self) -> &str {
        &self.location
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = rows::ping(lease.connection()?).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn schema(&self) -> Result<SchemaStatus, StoreError> {
        self.within(async {
            let mut lease = self.lease().await?;
            self.status(&mut lease).await
        })
        .await
    }

    async fn migrate(&self) -> Result<Vec<AppliedMigration>, StoreError> {
        let mut lease = self.lease().await?;
        self.apply(&mut lease).await
    }

    async fn service_keys(&self) -> Result<Vec<ServiceKey>, StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = rows::service_keys(lease.connection()?).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn create_service_key(&self, key: &ServiceKey) -> Result<(), StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = rows::insert_service_key(lease.connection()?, key).await;
            lease.finish(answer).map_err(|e| {
                if errors::is_duplicate(&e) {
                    let what = format!("a service key named `{}`", key.name);
                    StoreError::Conflict { what }
                } else {
                    self.error(&e)
                }
            })
        })
        .await
    }

    async fn revoke_service_key(&self, id: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = rows::revoke(lease.connection()?, id, at).await;
            lease.finish(answer).map_err(|e| self.error(&e))
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
            let mut lease = self.ready().await?;
            let answer = rows::replace(lease.connection()?, id, until, new).await;
            lease.finish(answer).map_err(|e| {
                if errors::is_duplicate(&e) {
                    let what = format!("a service key named `{}`", new.name);
                    StoreError::Conflict { what }
                } else {
                    self.error(&e)
                }
            })
        })
        .await
    }

    async fn service_key_uses(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = rows::last_uses(lease.connection()?).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn record_usage(&self, batch: &[UsageRow]) -> Result<u64, StoreError> {
        if batch.is_empty() {
            return Ok(0);
        }
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = rows::insert_usage(lease.connection()?, batch).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn recent_usage(&self, limit: u32) -> Result<Vec<UsageRow>, StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = rows::recent_usage(lease.connection()?, limit).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn count_usage(&self) -> Result<u64, StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = rows::count_usage(lease.connection()?).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn usage_report(&self, query: &UsageQuery) -> Result<Vec<UsageSum>, StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = usage_report::sums(lease.connection()?, query).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn beat(&self, heartbeat: &Heartbeat) -> Result<(), StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = fleet::beat(lease.connection()?, heartbeat).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn heartbeats(&self, within: Duration) -> Result<Vec<Heartbeat>, StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = fleet::heartbeats(lease.connection()?, within).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn leave(&self, instance: &str) -> Result<(), StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = fleet::leave(lease.connection()?, instance).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn publish_vault(&self, vault: &PublishedVault) -> Result<Option<u64>, StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = fleet::publish(lease.connection()?, vault).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn published_heads(&self) -> Result<Vec<PublishedHead>, StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = fleet::published_heads(lease.connection()?).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn published_vault(&self, vault_id: &str) -> Result<Option<PublishedVault>, StoreError> {
        self.within(async {
            let mut lease = self.ready().await?;
            let answer = fleet::published(lease.connection()?, vault_id).await;
            lease.finish(answer).map_err(|e| self.error(&e))
        })
        .await
    }

    async fn close(&self) {
        // A frozen server must not keep a process from ending.
        let _ = tokio::time::timeout(self.timeout, self.pool.close()).await;
    }
}
