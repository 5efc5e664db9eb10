//! Migrations: an ordered list of scripts in the binary, and how a database compares with it.

use super::StoreError;
use crate::base::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A script that leads from one version of the schema to the next. Scripts are never edited once
/// released: their checksums are kept in the database.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migration {
    /// Its number, from 1, without gaps.
    pub(super) version: i64,
    /// What it is about, in kebab case.
    pub(super) name: &'static str,
    /// Its statements.
    pub(super) sql: &'static str,
}

impl Migration {
    /// SHA-256 of the statements.
    pub(super) fn checksum(&self) -> Vec<u8> {
        Sha256::digest(self.sql.as_bytes()).to_vec()
    }

    /// How it is called: `0001-init`.
    pub(super) fn label(&self) -> String {
        format!("{:04}-{}", self.version, self.name)
    }
}

/// A migration that a database has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AppliedMigration {
    /// Its number.
    pub(crate) version: i64,
    /// What it is about.
    pub(crate) name: String,
    /// When it was applied.
    pub(crate) applied_at: Timestamp,
}

/// A migration as the database has recorded it.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) applied: AppliedMigration,
    pub(super) checksum: Vec<u8>,
}

/// How a database compares with the migrations in this binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SchemaStatus {
    /// The newest version this binary knows.
    pub(crate) known: i64,
    /// What the database has, oldest first.
    pub(crate) applied: Vec<AppliedMigration>,
    /// What it lacks, oldest first, such as `0002-sessions`.
    pub(crate) pending: Vec<String>,
    /// The newest version of the database, if this binary does not know it.
    pub(crate) newer: Option<i64>,
    /// Migrations whose recorded checksum is not that of this binary.
    pub(crate) changed: Vec<String>,
}

impl SchemaStatus {
    /// Compares what the database has with what the binary knows.
    pub(super) fn compare(known: &[Migration], recorded: &[Recorded]) -> Self {
        let newest = known.last().map_or(0, |migration| migration.version);
        let find = |version: i64| recorded.iter().find(|r| r.applied.version == version);
        Self {
            known: newest,
            applied: recorded.iter().map(|r| r.applied.clone()).collect(),
            pending: known
                .iter()
                .filter(|m| find(m.version).is_none())
                .map(Migration::label)
                .collect(),
            newer: recorded.iter().map(|r| r.applied.version).max().filter(|v| *v > newest),
            changed: known
                .iter()
                .filter(|m| find(m.version).is_some_and(|r| r.checksum != m.checksum()))
                .map(Migration::label)
                .collect(),
        }
    }

    /// Whether a process that knows these migrations may work with the database.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`], [`StoreError::Damaged`] for a changed history, and
    /// [`StoreError::Pending`].
    pub(super) fn usable(&self, at: &str) -> Result<(), StoreError> {
        self.not_foreign(at)?;
        if self.pending.is_empty() {
            return Ok(());
        }
        Err(StoreError::Pending { at: at.to_owned(), pending: self.pending.clone() })
    }

    /// Whether pending migrations may be applied on top of what is there.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] and [`StoreError::Damaged`] for a changed history.
    pub(super) fn not_foreign(&self, at: &str) -> Result<(), StoreError> {
        if let Some(found) = self.newer {
            return Err(StoreError::NewerSchema { at: at.to_owned(), found, known: self.known });
        }
        if !self.changed.is_empty() {
            let why = format!(
                "it was migrated by other scripts than this program has: {}",
                self.changed.join(", ")
            );
            return Err(StoreError::Damaged { at: at.to_owned(), why });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration { version: 1, name: "init", sql: "one" },
        Migration { version: 2, name: "more", sql: "two" },
    ];

    fn recorded(version: i64, sql: &'static str) -> Recorded {
        let applied =
            AppliedMigration { version, name: "x".into(), applied_at: Timestamp::UNIX_EPOCH };
        Recorded { applied, checksum: Migration { version, name: "x", sql }.checksum() }
    }

    #[test]
    fn pending_newer_and_changed_are_told_apart() {
        let status = SchemaStatus::compare(KNOWN, &[recorded(1, "one")]);
        assert_eq!(status.pending, ["0002-more"]);
        assert!(matches!(status.usable("db"), Err(StoreError::Pending { .. })));
        assert!(status.not_foreign("db").is_ok());

        let all = [recorded(1, "one"), recorded(2, "two")];
        assert!(SchemaStatus::compare(KNOWN, &all).usable("db").is_ok());

        let newer = [recorded(1, "one"), recorded(2, "two"), recorded(3, "three")];
        let status = SchemaStatus::compare(KNOWN, &newer);
        assert!(matches!(status.usable("db"), Err(StoreError::NewerSchema { found: 3, .. })));

        let status = SchemaStatus::compare(KNOWN, &[recorded(1, "other"), recorded(2, "two")]);
        assert!(matches!(status.not_foreign("db"), Err(StoreError::Damaged { .. })));
    }
}
