//! Migrations that an operation waits for: they have a patience of their own.
//!
//! To fill a new table from millions of rows takes minutes, an operation two seconds. So a migration
//! runs apart from the operation that finds it pending; operations wait for it as long as they may.
//! All of it is one transaction under a lock of the database: whoever is killed leaves nothing half
//! done, and of several processes one migrates while the others wait.

use super::PostgresStore;
use crate::store::StoreError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// How long a migration may take, the wait for that of another process included. What is not done
/// by then is taken back, and begun anew.
const PATIENCE: Duration = Duration::from_secs(4 * 60 * 60);

/// The migration that a process is at, if it is at one.
#[derive(Debug, Default)]
pub(super) struct Migration {
    task: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
    under_way: AtomicBool,
}

impl Migration {
    /// Whether one is under way.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::Acquire)
    }

    /// Waits until pending migrations are applied, and begins with them if nobody has. Given up, it
    /// leaves them to themselves.
    ///
    /// # Errors
    /// They could not be applied.
    pub(super) async fn done(&self, store: &PostgresStore) -> Result<(), StoreError> {
        let mut task = self.task.lock().await;
        // One that ended while nobody waited says nothing of what is pending now.
        if task.as_ref().is_some_and(JoinHandle::is_finished) {
            *task = None;
        }
        let running = task.get_or_insert_with(|| {
            self.under_way.store(true, Ordering::Release);
            tokio::spawn(migrate(store.clone()))
        });
        let outcome = running.await;
        *task = None;
        outcome.unwrap_or_else(|_| {
            let why = "the migration broke off".to_owned();
            Err(StoreError::Failed { at: store.location.clone(), why })
        })
    }
}

/// Says that a migration is over, however it ends.
struct Over<'a>(&'a Migration);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.under_way.store(false, Ordering::Release);
    }
}

async fn migrate(store: PostgresStore) -> Result<(), StoreError> {
    let _over = Over(&store.migration);
    tracing::info!(store = %store.location, "migrating the store");
    let work = async {
        let mut lease = store.lease().await?;
        let answer = store.apply(&mut lease).await;
        if answer.is_ok() {
            lease.give_back();
        }
        answer
    };
    let outcome = match tokio::time::timeout(PATIENCE, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StoreError::Timeout { at: store.location.clone(), after: PATIENCE }),
    };
    match outcome {
        Ok(applied) => {
            tracing::info!(store = %store.location, migrations = applied.len(), "store migrated");
            Ok(())
        }
        Err(error) => {
            tracing::warn!(store = %store.location, %error, "the store was not migrated");
            Err(error)
        }
    }
}
