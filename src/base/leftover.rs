//! Temporary files of writers that were killed: told from those of writers at work, and swept.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the names of temporary files begin and end.
const PREFIX: &str = ".ultra-";
pub(super) const SUFFIX: &str = ".tmp";

/// How those begin whose writer holds a lock on them as long as it lives.
pub(super) const HELD: &str = ".ultra-held-";

/// How old one without such a lock must be before it counts as left behind: far longer than any
/// write.
const ABANDONED: Duration = Duration::from_mins(10);

/// How old one with such a lock must be: longer than it takes from making it to locking it.
const UNLOCKED: Duration = Duration::from_secs(2);

/// The name of a temporary file for the file `name`, which [`sweep`] knows too.
pub(crate) fn temporary(name: &str) -> String {
    format!("{PREFIX}{}{SUFFIX}", name.trim_start_matches('.'))
}

/// Whether temporary files are named so.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// What writers that were killed left in `dir`: regular files of ours that are named as temporary
/// files are, and that no process holds or that have not been touched for ten minutes. What cannot
/// be looked at is none.
fn left(dir: &Path) -> Vec<PathBuf> {
    let us = rustix::process::geteuid().as_raw();
    let owner = if us == 0 { dir.metadata().map_or(us, |meta| meta.uid()) } else { us };
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let left = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Of the entry itself: a symbolic link is not followed.
        let Some(meta) = is_temporary(&name).then(|| entry.metadata().ok()).flatten() else {
            return false;
        };
        if !meta.is_file() || (meta.uid() != us && meta.uid() != owner) {
            return false;
        }
        let age = meta.modified().ok().and_then(|at| at.elapsed().ok());
        age.is_some_and(|age| {
            age > ABANDONED || (name.starts_with(HELD) && age > UNLOCKED && is_free(&entry.path()))
        })
    });
    left.map(|entry| entry.path()).collect()
}

/// Whether nobody holds the file.
fn is_free(path: &Path) -> bool {
    super::file::open_to_read(path).ok().flatten().is_some_and(|file: File| file.try_lock().is_ok())
}

/// What was left in the state directory, itself and its folders.
pub(crate) fn in_state(state_dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(state_dir).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut all = left(state_dir);
    all.extend(folders.flat_map(|folder| left(&folder.path())));
    all.sort();
    all
}

/// Removes what writers that were killed left in `dir`. Housekeeping: what cannot be removed stays.
pub(crate) fn sweep(dir: &Path) {
    left(dir).iter().for_each(|path| drop(std::fs::remove_file(path)));
}

/// The same for the state directory: itself and its folders.
pub(crate) fn sweep_state(state_dir: &Path) {
    in_state(state_dir).iter().for_each(|path| drop(std::fs::remove_file(path)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_left_behind_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let ago = |age| std::time::SystemTime::now() - age;
        let make = |name: &str, age| {
            let file = File::create(dir.path().join(name)).unwrap();
            file.set_modified(ago(age)).unwrap();
            file
        };
        let gone = [(".ultra-a.tmp", 2 * ABANDONED), (".ultra-held-a.tmp", 2 * UNLOCKED)];
        let stay = [
            (".ultra-new.tmp", 2 * UNLOCKED),
            (".ultra-held-new.tmp", Duration::ZERO),
            (".ultra-b", 2 * ABANDONED),
            ("c.tmp", 2 * ABANDONED),
            (".env", 2 * ABANDONED),
        ];
        gone.iter().chain(&stay).for_each(|(name, age)| drop(make(name, *age)));
        let held = make(".ultra-held-b.tmp", 2 * UNLOCKED);
        held.lock().unwrap();
        std::fs::create_dir(dir.path().join(".ultra-dir.tmp")).unwrap();
        std::os::unix::fs::symlink(".env", dir.path().join(".ultra-link.tmp")).unwrap();
        assert_eq!(in_state(dir.path()).len(), gone.len());
        sweep(dir.path());
        for (name, _) in gone {
            assert!(!dir.path().join(name).exists(), "{name}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), stay.len() + 3);
        drop(held);
        sweep_state(dir.path());
        assert!(!dir.path().join(".ultra-held-b.tmp").exists());
    }
}
