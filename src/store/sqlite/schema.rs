//! Migrations of the SQLite database, and what the file tells of itself.

use super::{SqliteStore, file};
use crate::base::Timestamp;
use crate::store::StoreError;
use crate::store::migrations::{AppliedMigration, Migration, Recorded, SchemaStatus};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

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

/// Files up to this size are checked whole when they are opened; larger ones would delay the start.
const QUICK_CHECK_LIMIT: u64 = 32 << 20;

impl SqliteStore {
    /// Looks at an existing database: is it sound, is it ours, is it not too new. Reads only: even
    /// to switch a database of somebody else to write-ahead logging would be to change it.
    pub(super) async fn examine(&self) -> Result<(), StoreError> {
        let mut connection = SqliteConnectOptions::new()
            .filename(&self.path)
            .read_only(true)
            .busy_timeout(self.timeout.mul_f32(0.8))
            .connect()
            .await
            .map_err(|e| self.error(e))?;
        let verdict = self.look(&mut connection).await;
        let _ = connection.close().await;
        match verdict {
            // Statements that always succeed did not: the header asks for what does not exist.
            Err(StoreError::Failed { at, .. }) => {
                let why = "it cannot be read as a SQLite database".to_owned();
                Err(StoreError::Damaged { at, why })
            }
            other => other,
        }
    }

    async fn look(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let recorded = self.recorded(connection).await?;
        SchemaStatus::compare(MIGRATIONS, &recorded).not_foreign(&self.location)?;
        let size = std::fs::metadata(&self.path).map_or(0, |meta| meta.len());
        if size > QUICK_CHECK_LIMIT {
            return Ok(());
        }
        let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(connection)
            .await
            .map_err(|e| self.error(e))?;
        if found == "ok" {
            return Ok(());
        }
        let why = "the check of its pages failed".to_owned();
        Err(StoreError::Damaged { at: self.location.clone(), why })
    }

    /// Compares the database with the migrations; a file that is not there has none of them.
    pub(super) async fn status(&self) -> Result<SchemaStatus, StoreError> {
        if !file::exists(&self.path) {
            return Ok(SchemaStatus::compare(MIGRATIONS, &[]));
        }
        let mut connection = self.readers.acquire().await.map_err(|e| self.error(e))?;
        let recorded = self.recorded(&mut connection).await?;
        Ok(SchemaStatus::compare(MIGRATIONS, &recorded))
    }

    /// Applies what is pending in one transaction, creating the file if need be. Two processes
    /// at once: the second waits for the first and finds nothing left to do.
    pub(super) async fn apply(&self) -> Result<Vec<AppliedMigration>, StoreError> {
        file::create(&self.path, &self.location)?;
        let status = self.status().await?;
        status.not_foreign(&self.location)?;
        if status.pending.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        let recorded = self.recorded(&mut tx).await?;
        SchemaStatus::compare(MIGRATIONS, &recorded).not_foreign(&self.location)?;
        let outcome = apply_pending(&mut tx, &recorded).await.map_err(|e| self.error(e))?;
        tx.commit().await.map_err(|e| self.error(e))?;
        Ok(outcome)
    }

    /// What the database has recorded; an empty database has recorded nothing, and one with
    /// tables but no record is somebody else's.
    async fn recorded(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Vec<Recorded>, StoreError> {
        let (ours, all): (i64, i64) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE name = 'ultra_migrations'), count(*) \
             FROM sqlite_schema WHERE type = 'table'",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(|e| self.error(e))?;
        if ours == 0 && all > 0 {
            let why = "it holds tables of another program".to_owned();
            return Err(StoreError::Damaged { at: self.location.clone(), why });
        }
        if ours == 0 {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT version, name, checksum, applied_at FROM ultra_migrations ORDER BY version",
        )
        .fetch_all(connection)
        .await
        .map_err(|e| self.error(e))?;
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
            .collect::<Result<_, sqlx::Error>>()
            .map_err(|e| self.error(e))
    }
}

async fn apply_pending(
    connection: &mut SqliteConnection,
    recorded: &[Recorded],
) -> Result<Vec<AppliedMigration>, sqlx::Error> {
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS ultra_migrations (\
            version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, \
            checksum BLOB NOT NULL, applied_at INTEGER NOT NULL) STRICT",
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
            "INSERT INTO ultra_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
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
