//! Keeping the snapshot young: from the store, every few seconds, off every request's path.

use super::sealed::LastGood;
use super::{Authenticator, Snapshot, SnapshotSource};
use crate::base::{Clock, Timestamp};
use crate::store::{ServiceKey, Store, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long the store is left alone at least, whoever wants it read.
const SOONEST: Duration = Duration::from_millis(200);
/// The same as a multiple of what a read takes: unknown keys never make up most of its work.
const PAUSE: u32 = 4;
/// How old the sealed copy may become while nothing changes.
const RESEAL: Duration = Duration::from_secs(60);

/// What was read and sealed last.
#[derive(Debug, Default)]
pub(crate) struct Refresher {
    keys: Option<Vec<ServiceKey>>,
    sealed_at: Option<Timestamp>,
}

impl Refresher {
    /// Reads the store once, and keeps what it says in `authenticator` and in the sealed copy.
    ///
    /// # Errors
    /// The store's; what is known stays as it is and grows older.
    pub(crate) async fn refresh(
        &mut self,
        authenticator: &Authenticator,
        store: &dyn Store,
        last_good: Option<&LastGood>,
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        // Before the read: the snapshot is at least as young as it claims.
        let taken_at = clock.now();
        let keys = store.service_keys().await?;
        let changed = self.keys.as_ref() != Some(&keys);
        let snapshot = match authenticator.snapshot() {
            Some(known) if !changed => known.seen_again(taken_at),
            _ => Snapshot::new(&keys, taken_at, SnapshotSource::Store),
        };
        authenticator.set_snapshot(snapshot);
        let due = self.sealed_at.is_none_or(|then| {
            Duration::try_from(taken_at.duration_since(then)).is_ok_and(|age| age >= RESEAL)
        });
        if let Some(last_good) = last_good.filter(|_| changed || due) {
            match last_good.save(&keys, taken_at).await {
                Ok(()) => self.sealed_at = Some(taken_at),
                Err(e) => tracing::warn!(error = %e.kind(), "the identity snapshot was not sealed"),
            }
        }
        self.keys = Some(keys);
        Ok(())
    }
}

/// The first snapshot of a process: from the store, else the sealed copy of an earlier one. Says
/// which it was, or `None` if nobody is known yet.
pub(crate) async fn start_up(
    authenticator: &Authenticator,
    store: &dyn Store,
    last_good: Option<&LastGood>,
    clock: &dyn Clock,
) -> Option<SnapshotSource> {
    match Refresher::default().refresh(authenticator, store, last_good, clock).await {
        Ok(()) => return Some(SnapshotSource::Store),
        Err(e) => tracing::warn!(error = %e, "callers cannot be read from the store"),
    }
    match last_good?.load() {
        Ok(snapshot) => {
            authenticator.set_snapshot(snapshot?);
            Some(SnapshotSource::Sealed)
        }
        Err(e) => {
            tracing::warn!(error = %e.kind(), "the sealed identity snapshot cannot be read");
            None
        }
    }
}

/// Refreshes the snapshot until `stop`: every [`super::AuthOptions::refresh`], and sooner when a
/// key is presented that the snapshot does not know.
pub(crate) async fn follow(
    authenticator: Arc<Authenticator>,
    store: Arc<dyn Store>,
    last_good: Option<LastGood>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut refresher = Refresher::default();
    let mut away = false;
    loop {
        let begin = Instant::now();
        authenticator.look_begins();
        let outcome = refresher.refresh(&authenticator, &*store, last_good.as_ref(), &*clock).await;
        authenticator.look_ends(outcome.is_ok());
        let took = begin.elapsed();
        match outcome {
            Ok(()) if away => {
                tracing::info!("callers are read from the store again");
                away = false;
            }
            Err(e) if !away => {
                tracing::warn!(error = %e, "callers are judged by the last good snapshot");
                away = true;
            }
            _ => {}
        }
        let rest = async {
            let usual = authenticator.options().refresh;
            let pause = took.saturating_mul(PAUSE).min(usual).max(SOONEST);
            tokio::time::sleep(pause).await;
            let patience = usual.saturating_sub(pause);
            let _ = tokio::time::timeout(patience, authenticator.refresh_wanted()).await;
        };
        tokio::select! {
            () = rest => {}
            () = stop.cancelled() => return,
        }
    }
}
