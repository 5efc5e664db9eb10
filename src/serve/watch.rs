//! The watch on the files that hold keys and settings, and how things stood before they were read.

use super::reload::reload_and_tell;
use super::routing;
use super::state::App;
use crate::secrets::Followed;
use crate::settings::Workspace;
use notify::Watcher as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How often files are looked at, however quiet the watch is: network file systems and the
/// symbolic links of Kubernetes do not always tell.
const POLL: Duration = Duration::from_secs(5);

/// How often a key that could not be read is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// How long a burst of changes is waited out.
const SETTLE: Duration = Duration::from_millis(50);

/// A file, and what told its content from another.
pub(super) type Watched = (PathBuf, Option<Stamp>);

/// How things stood before anything was read: what was loaded is at least as late.
#[derive(Debug)]
pub(crate) struct Before {
    pub(super) generation: Option<u64>,
    pub(super) files: Vec<Watched>,
}

impl Before {
    /// How the vault stands now, and those files.
    pub(super) fn with(vault: &Followed, files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut files: Vec<PathBuf> = files.into_iter().chain([vault.own().vault_path()]).collect();
        files.sort();
        files.dedup();
        let stamped = |file: PathBuf| {
            let now = stamp(&file);
            (file, now)
        };
        let files = files.into_iter().map(stamped).collect();
        Self { generation: vault.generation().ok().flatten(), files }
    }

    /// How the vault and the files of the configuration stand now.
    pub(crate) fn of(vault: &Followed, workspace: &Workspace) -> Self {
        Self::with(vault, routing::files(workspace, None))
    }
}

/// Device, inode, size and time of a file.
pub(super) type Stamp = (u64, u64, u64, i64, i64);

/// Tells one content of a file from another: by what it resolves to, so that a link that is
/// swapped counts.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
}

/// Reloads when a file that holds keys or settings has changed, until `stop`.
pub(crate) async fn watch(app: Arc<App>, stop: CancellationToken) {
    let touched = Arc::new(Notify::new());
    let mut watcher = None;
    let mut files: Vec<PathBuf> = Vec::new();
    // What did not hold when it was tried: that changes nothing, and is not tried again before
    // something was taken over.
    let mut in_vain: Vec<Watched> = Vec::new();
    let mut taken = 0;
    let mut tried = Instant::now();
    let loaded = || app.reloader.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
    loop {
        let wanted: Vec<PathBuf> = loaded().into_iter().map(|(file, _)| file).collect();
        if wanted != files {
            files = wanted;
            watcher = watch_folders(&files, &touched);
        }
        tokio::select! {
            () = touched.notified() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(POLL) => {}
            () = app.reloader.watched.notified() => {}
            () = stop.cancelled() => break,
        }
        let standing = &app.reloader.standing;
        let taken_now = standing.counts().0;
        if taken_now != taken {
            taken = taken_now;
            in_vain.clear();
        }
        let known = loaded();
        let now: Vec<Watched> = known.iter().map(|(f, _)| (f.clone(), stamp(f))).collect();
        // Files that are moved away and back are as they were, and nothing but a reload says so.
        let (same, refused) = (now == known, standing.is_refused());
        let due = tried.elapsed() >= RETRY;
        if (!same || refused) && now != in_vain {
            in_vain = now;
            tried = Instant::now();
            reload_and_tell(&app, "file changed").await;
        } else if same && refused && due {
            // They have held before, so it was not they.
            tried = Instant::now();
            reload_and_tell(&app, "what was refused may hold again").await;
        } else if app.reloader.wanting.load(Ordering::Relaxed) && due {
            tried = Instant::now();
            reload_and_tell(&app, "a key was not to be had").await;
        }
        for provider in app.gateway.table().providers() {
            provider.slots.retire(Instant::now());
        }
    }
    drop(watcher);
}

/// Watches the folders of `files`: files that are replaced are not seen on themselves.
fn watch_folders(files: &[PathBuf], touched: &Arc<Notify>) -> Option<notify::RecommendedWatcher> {
    if files.is_empty() {
        return None;
    }
    let touched = Arc::clone(touched);
    let told = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|e| !e.kind.is_access()) {
            touched.notify_one();
        }
    };
    // Without a watch the poll remains.
    let mut watcher = notify::recommended_watcher(told).ok()?;
    for file in files {
        if let Some(folder) = file.parent() {
            let _ = watcher.watch(folder, notify::RecursiveMode::NonRecursive);
        }
    }
    Some(watcher)
}
