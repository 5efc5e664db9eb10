//! Connections on loan: one whose operation was given up is closed, never handed to somebody else.

use super::PostgresStore;
use crate::store::StoreError;
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, PgConnection, Postgres};

/// A connection of the pool. Dropped in the middle of an operation (its deadline passed, the
/// server is frozen or unreachable), it is taken out of the pool and closed: returning it would
/// wait for the rest of an answer that may never come.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Option<PoolConnection<Postgres>>,
}

impl Lease {
    /// The connection, for one operation that ends with [`Lease::finish`].
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, StoreError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            None => Err(StoreError::Failed {
                at: "postgres".to_owned(),
                why: "a connection was used after it was given back".to_owned(),
            }),
        }
    }

    /// Gives the connection back, after an operation that ended well.
    pub(super) fn give_back(&mut self) {
        drop(self.connection.take());
    }

    /// Gives the connection back if the server answered, be it with an error, and passes the
    /// answer on.
    pub(super) fn finish<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if matches!(&answer, Ok(_) | Err(sqlx::Error::Database(_) | sqlx::Error::RowNotFound)) {
            drop(self.connection.take());
        }
        answer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

impl PostgresStore {
    /// A connection, new or used before.
    pub(super) async fn lease(&self) -> Result<Lease, StoreError> {
        match self.pool.acquire().await {
            Ok(connection) => Ok(Lease { connection: Some(connection) }),
            // The pool tries again and again while a connection is refused, and then knows only
            // that time is up. Ask once, directly, for the reason.
            Err(sqlx::Error::PoolTimedOut) if self.pool.num_idle() == 0 => {
                match PgConnection::connect_with(&self.pool.connect_options()).await {
                    Ok(_) => {
                        let at = self.location.clone();
                        Err(StoreError::Timeout { at, after: self.timeout })
                    }
                    Err(e) => Err(self.error(&e)),
                }
            }
            Err(e) => Err(self.error(&e)),
        }
    }
}
