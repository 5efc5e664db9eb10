//! What PostgreSQL's error codes mean here
//! (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).

use crate::store::StoreError;
use std::time::Duration;

/// The store's error for an error of the library, whose text is not passed on: it can quote
/// statements, values and addresses.
pub(super) fn translate(error: &sqlx::Error, at: &str, timeout: Duration) -> StoreError {
    let at = at.to_owned();
    let unreachable = |why: String| StoreError::Unreachable { at: at.clone(), why };
    match error {
        sqlx::Error::Database(e) => by_code(e.code().as_deref().unwrap_or("XX000"), at, timeout),
        sqlx::Error::PoolTimedOut => StoreError::Timeout { at, after: timeout },
        sqlx::Error::PoolClosed => unreachable("it was closed".to_owned()),
        sqlx::Error::Io(e) => unreachable(e.kind().to_string()),
        sqlx::Error::Tls(_) => unreachable(
            "no TLS connection: the server speaks none, or its certificate is not trusted"
                .to_owned(),
        ),
        sqlx::Error::Protocol(_) => {
            unreachable("it does not speak PostgreSQL's protocol as expected".to_owned())
        }
        sqlx::Error::Configuration(_) => {
            StoreError::Unsuitable { at, why: "its URL cannot be used".to_owned() }
        }
        sqlx::Error::ColumnDecode { index, .. } => StoreError::Damaged {
            at,
            why: format!("column `{index}` holds a value of another type"),
        },
        _ => StoreError::Failed { at, why: "the database library failed".to_owned() },
    }
}

fn by_code(code: &str, at: String, timeout: Duration) -> StoreError {
    let denied = |why: &str| StoreError::Denied { at: at.clone(), why: why.to_owned() };
    let unreachable = |why: &str| StoreError::Unreachable { at: at.clone(), why: why.to_owned() };
    match (code, code.get(..2).unwrap_or("")) {
        ("42501", _) => denied("the user lacks a privilege"),
        ("3D000", _) => denied("there is no database of that name"),
        ("25006", _) => denied("it is read-only"),
        ("53100", _) => StoreError::Full { at, why: "the server's disk is full".to_owned() },
        ("57014" | "55P03" | "25P03", _) => StoreError::Timeout { at, after: timeout },
        ("57P01" | "57P02" | "57P03" | "57P04", _) => {
            unreachable("the server is starting or shutting down")
        }
        ("XX001" | "XX002", _) => {
            StoreError::Damaged { at, why: "the server found corrupt data".to_owned() }
        }
        (_, "28") => denied("it does not accept the credentials"),
        (_, "08") => unreachable("the connection broke"),
        (_, "53") => unreachable("the server has no resources left for another connection"),
        (_, "22" | "23") => StoreError::Rejected { at, code: code.to_owned() },
        _ => StoreError::Failed { at, why: format!("SQLSTATE {code}") },
    }
}

/// Whether a row of that key is there already.
pub(super) fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Whether one of our tables or our schema is not there.
pub(super) fn is_missing_table(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| matches!(code.as_ref(), "42P01" | "3F000" | "42703"))
}
