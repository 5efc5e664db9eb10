//! Tasks that run beside the requests.

use super::auth::{self, LastGood, SnapshotSource};
use super::state::App;
use super::{fleet, health, published, reload, signals, watch};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::Signal;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often a sign of life is written.
const BEAT: Duration = Duration::from_secs(5);

/// How often callers whose limit is whole again are forgotten.
const FORGET: Duration = Duration::from_secs(60);

/// How often it is looked whether the store has come.
const COME: Duration = Duration::from_secs(1);

/// How long after a service key for development could not be kept it is tried again.
const KEEP_AGAIN: Duration = Duration::from_secs(30);

/// Starts them all; they end with `stop`. `lacks_key` says whether a developer's server is still
/// without the service key of its own.
pub(crate) fn start(
    app: &Arc<App>,
    last_good: Option<LastGood>,
    lacks_key: bool,
    hangup: Signal,
    stop: &CancellationToken,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(auth::follow(
        Arc::clone(&app.auth),
        Arc::clone(&app.store),
        last_good,
        Arc::clone(&app.clock),
        stop.clone(),
    ));
    tasks.spawn(health::watch(Arc::clone(app), stop.clone()));
    tasks.spawn(watch::watch(Arc::clone(app), stop.clone()));
    tasks.spawn(signals::follow_hangups(Arc::clone(app), hangup, stop.clone()));
    tasks.spawn(Arc::clone(&app.overload).watch(stop.clone()));
    tasks.spawn(beat(Arc::clone(app), stop.clone()));
    tasks.spawn(forget(Arc::clone(app), stop.clone()));
    if lacks_key {
        tasks.spawn(keep_dev_key(Arc::clone(app), stop.clone()));
    }
    tasks.spawn(reload_signing_keys(Arc::clone(app), stop.clone()));
    tasks
}

async fn beat(app: Arc<App>, stop: CancellationToken) {
    loop {
        if let Err(error) = app.store.beat(&fleet::heartbeat(&app)).await {
            tracing::debug!(%error, "no heartbeat");
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            // Whoever rotates keys waits for it.
            () = app.reloader.applied.notified() => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn forget(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(FORGET) => app.limiter.retain_recent(),
            () = stop.cancelled() => return,
        }
    }
}

/// A token that was signed with an unknown key calls for the keys to be loaded.
async fn reload_signing_keys(app: Arc<App>, stop: CancellationToken) {
    let mut told = None;
    loop {
        tokio::select! {
            () = app.auth.reload_wanted() => {
                published::look_and_tell(&app, &mut told).await;
                reload::reload_and_tell(&app, "unknown signing key").await;
            }
            () = stop.cancelled() => return,
        }
    }
}

/// Makes the service key of a developer's own server that was started while its store was away,
/// once that has come. The line that said that the server listens could name none.
async fn keep_dev_key(app: Arc<App>, stop: CancellationToken) {
    let work = async {
        loop {
            tokio::time::sleep(COME).await;
            let snapshot = app.auth.snapshot();
            if snapshot.is_none_or(|known| known.source() != SnapshotSource::Store) {
                continue;
            }
            match auth::dev_key(app.reloader.state_dir(), &*app.store, app.clock.now()).await {
                Ok(key) => {
                    let (file, id) = (key.path.display(), key.id);
                    tracing::info!(%file, id, "the service key for development is in its file");
                    if key.exposed {
                        tracing::warn!("others could read the one before; it is a new one now");
                    }
                    return;
                }
                Err(problem) => tracing::warn!(error = %problem, "no service key for development"),
            }
            tokio::time::sleep(KEEP_AGAIN).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}
