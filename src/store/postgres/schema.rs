//! Migrations of the PostgreSQL database.

use super::PostgresStore;
use super::connection::Lease;
use crate::base::Timestamp;
use crate::store::StoreError;
use crate::store::migrations::{AppliedMigration, Migration, Recorded, SchemaStatus};
use sqlx::{Connection as _, PgConnection, Row as _};

/// All migrations, oldest first.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "init", sql: include_str!("migrations/0001_init.sql") },
    Migration { version: 2, name: "fleet", sql: include_str!("migrations/0002_fleet.sql") },
    Migration {
        version: 3,
        name: "successors",
        sql: include_str!("migrations/0003_successors.sql"),
    },
    Migration {
        version: 4,
        name: "usage-costs",
        sql: include_str!("migrations/0004_usage_costs.sql"),
    },
    Migration {
        version: 5,
        name: "usage-daily",
        sql: include_str!("migrations/0005_usage_daily.sql"),
    },
];

/// The advisory lock that whoever migrates holds: any number nobody else uses.
const LOCK: i64 = 0x756c_7472_6100_0001;

impl PostgresStore {
    /// Compares the database with the migrations.
    pub(super) async fn status(&self, lease: &mut Lease) -> Result<SchemaStatus, StoreError> {
        let recorded = recorded(lease.connection()?).await.map_err(|e| self.error(&e))?;
        Ok(SchemaStatus::compare(MIGRATIONS, &recorded))
    }

    /// Applies what is pending in one transaction. Replicas that start together: one migrates,
    /// the others wait for it and find nothing left to do.
    pub(super) async fn apply(
        &self,
        lease: &mut Lease,
    ) -> Result<Vec<AppliedMigration>, StoreError> {
        let status = self.status(lease).await?;
        status.not_foreign(&self.location)?;
        if status.pending.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = lease.connection()?.begin().await.map_err(|e| self.error(&e))?;
        lock(&mut tx).await.map_err(|e| self.error(&e))?;
        let recorded = recorded(&mut tx).await.map_err(|e| self.error(&e))?;
        SchemaStatus::compare(MIGRATIONS, &recorded).not_foreign(&self.location)?;
        let applied = apply_pending(&mut tx, &recorded).await.map_err(|e| self.error(&e))?;
        tx.commit().await.map_err(|e| self.error(&e))?;
        Ok(applied)
    }
}

async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(connection).await?;
    Ok(())
}

async fn recorded(connection: &mut PgConnection) -> Result<Vec<Recorded>, sqlx::Error> {
    // Not `to_regclass`: its answer comes from a cache of the session, which need not have heard
    // of the tables that another session made while this one waited for the lock.
    let there: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'ultra' AND c.relname = 'migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !there {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "SELECT version, name, checksum, applied_at FROM ultra.migrations ORDER BY version",
    )
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Recorded {
                applied: AppliedMigration {
                    version: row.try_get("version")?,
                    name: row.try_get("name")?,
                    applied_at: super::rows::time(row.try_get("applied_at")?),
                },
                checksum: row.try_get("checksum")?,
            })
        })
        .collect()
}

async fn apply_pending(
    connection: &mut PgConnection,
    recorded: &[Recorded],
) -> Result<Vec<AppliedMigration>, sqlx::Error> {
    // `IF NOT EXISTS` would still ask for the privilege to create schemas, which an operator may
    // have kept to himself after creating this one.
    let schema: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'ultra')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !schema {
        sqlx::raw_sql("CREATE SCHEMA ultra").execute(&mut *connection).await?;
    }
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS ultra.migrations (\
            version bigint NOT NULL PRIMARY KEY, name text NOT NULL, \
            checksum bytea NOT NULL, applied_at bigint NOT NULL)",
    )
    .execute(&mut *connection)
    .await?;
    let mut applied = Vec::new();
    for migration in MIGRATIONS {
        if recorded.iter().any(|r| r.applied.version == migration.version) {
            continue;
        }
        sqlx::raw_sql(migration.sql).execute(&mut *connection).await?;
        let applied_at = Timestamp::now();
        sqlx::query(
            "INSERT INTO ultra.migrations (version, name, checksum, applied_at) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(migration.version)
        .bind(migration.name)
        .bind(migration.checksum())
        .bind(applied_at.as_microsecond())
        .execute(&mut *connection)
        .await?;
        applied.push(AppliedMigration {
            version: migration.version,
            name: migration.name.to_owned(),
            applied_at,
        });
    }
    Ok(applied)
}
