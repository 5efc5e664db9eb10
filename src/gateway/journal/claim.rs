//! Whose journal is whose: each running instance owns one directory, under a lock that dies with
//! it. What a dead instance left is taken over by the next one that starts.

use super::JournalError;
use crate::base::file::private_folder;
use crate::base::lock::{Lock, LockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// As many instances share a state directory at most.
const MOST: u32 = 9_999;

/// A journal's directory, owned as long as this lives.
#[derive(Debug)]
pub(super) struct Claim {
    /// The directory.
    pub(super) dir: PathBuf,
    #[expect(dead_code, reason = "held, not read")]
    lock: Lock,
}

/// Claims the first journal below `root` that nobody owns, or a new one; and with it every other
/// one that has been left behind.
pub(super) fn claim(root: &Path) -> Result<(Claim, Vec<Claim>), JournalError> {
    let unusable = |at: &Path, e: std::io::Error| JournalError::Unusable {
        at: at.display().to_string(),
        why: e.to_string(),
    };
    // `journal` of the state directory and the profile's in it, one after the other: a folder is
    // made with all that is missing above it, through links too.
    for folder in root.parent().into_iter().chain([root]) {
        private_folder(folder).map_err(|e| unusable(folder, e))?;
    }
    let mut own = None;
    let mut left = Vec::new();
    for number in 1..=MOST {
        let dir = root.join(format!("{number:04}"));
        let known = dir.is_dir();
        if !known && own.is_some() {
            break;
        }
        private_folder(&dir).map_err(|e| unusable(&dir, e))?;
        match Lock::take(&dir.join("lock"), "usage journal", Duration::ZERO) {
            Ok(lock) if own.is_none() => own = Some(Claim { dir, lock }),
            Ok(lock) => left.push(Claim { dir, lock }),
            Err(LockError::Held { .. }) => {}
            Err(LockError::Io(e)) => return Err(unusable(&dir, e)),
        }
    }
    match own {
        Some(own) => Ok((own, left)),
        None => Err(JournalError::Unusable {
            at: root.display().to_string(),
            why: "every journal is in use".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_has_one_owner_and_the_next_takes_over() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("journal/dev");
        let (a, left) = claim(&root).unwrap();
        assert!(left.is_empty());
        let (b, _) = claim(&root).unwrap();
        let (c, _) = claim(&root).unwrap();
        assert!(a.dir != b.dir && b.dir != c.dir);
        let (first, second) = (a.dir.clone(), b.dir.clone());
        drop((a, b));
        let (again, left) = claim(&root).unwrap();
        assert_eq!(again.dir, first);
        assert_eq!(left.iter().map(|c| &c.dir).collect::<Vec<_>>(), [&second]);
    }

    #[test]
    fn no_folder_on_the_way_is_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (state, elsewhere) = (dir.path().join("state"), dir.path().join("elsewhere"));
        for folder in [&state, &elsewhere] {
            std::fs::create_dir(folder).unwrap();
        }
        let root = state.join("journal/dev");
        for link in ["journal", "journal/dev", "journal/dev/0001"] {
            std::os::unix::fs::symlink(&elsewhere, state.join(link)).unwrap();
            let refused = claim(&root);
            assert!(matches!(refused, Err(JournalError::Unusable { .. })), "{link}");
            std::fs::remove_file(state.join(link)).unwrap();
            std::fs::create_dir(state.join(link)).unwrap();
        }
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
        claim(&root).unwrap();
    }
}
