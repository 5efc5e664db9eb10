//! What SQLite's result codes mean here (<https://www.sqlite.org/rescode.html>).

use crate::store::StoreError;
use std::time::Duration;

/// The store's error for an error of the library, whose text is not passed on.
pub(super) fn translate(error: sqlx::Error, at: &str, timeout: Duration) -> StoreError {
    let at = at.to_owned();
    match error {
        sqlx::Error::Database(e) => {
            let extended: i32 = e.code().and_then(|c| c.parse().ok()).unwrap_or(1);
            by_code(extended, at, timeout)
        }
        sqlx::Error::PoolTimedOut => StoreError::Timeout { at, after: timeout },
        sqlx::Error::PoolClosed => StoreError::Unreachable { at, why: "it was closed".to_owned() },
        sqlx::Error::WorkerCrashed => {
            StoreError::Failed { at, why: "the thread of its connection ended".to_owned() }
        }
        sqlx::Error::Io(e) => StoreError::Unreachable { at, why: e.kind().to_string() },
        sqlx::Error::ColumnDecode { index, .. } => StoreError::Damaged {
            at,
            why: format!("column `{index}` holds a value of another type"),
        },
        _ => StoreError::Failed { at, why: "the database library failed".to_owned() },
    }
}

fn by_code(extended: i32, at: String, timeout: Duration) -> StoreError {
    let damaged = |why: &str| StoreError::Damaged { at: at.clone(), why: why.to_owned() };
    let denied = |why: &str| StoreError::Denied { at: at.clone(), why: why.to_owned() };
    match extended & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED
        5 | 6 => StoreError::Timeout { at, after: timeout },
        // SQLITE_CORRUPT, SQLITE_NOTADB
        11 => damaged("the file is corrupt"),
        26 => damaged("the file is not a SQLite database"),
        // SQLITE_PERM, SQLITE_READONLY, SQLITE_AUTH
        3 | 23 => denied("permission denied"),
        8 => denied("the file or its directory cannot be written"),
        // SQLITE_CANTOPEN
        14 => StoreError::Unreachable { at, why: "the file cannot be opened".to_owned() },
        // SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE: what a quota or a limit of file sizes comes to,
        // where a full disk is SQLITE_FULL.
        10 if matches!(extended >> 8, 3 | 19) => {
            StoreError::Full { at, why: format!("a write failed (SQLite result code {extended})") }
        }
        // SQLITE_IOERR, SQLITE_FULL
        10 => StoreError::Unreachable { at, why: format!("input/output error {extended}") },
        13 => StoreError::Full { at, why: "the disk is full".to_owned() },
        // SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG, SQLITE_RANGE
        19 | 20 | 18 | 25 => StoreError::Rejected { at, code: extended.to_string() },
        _ => StoreError::Failed { at, why: format!("SQLite result code {extended}") },
    }
}

/// Whether a row of that key is there already.
pub(super) fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_takes_no_more_is_full_and_one_that_fails_out_of_reach() {
        let of = |code| by_code(code, "x".to_owned(), Duration::ZERO);
        for code in [13, 778, 4874] {
            assert!(matches!(of(code), StoreError::Full { .. }), "{code}");
        }
        for code in [10, 266, 1034] {
            assert!(matches!(of(code), StoreError::Unreachable { .. }), "{code}");
        }
    }
}
