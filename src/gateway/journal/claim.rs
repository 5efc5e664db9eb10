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
        why: e.kind().to_string(),
    };
    private_folder(root).map_err(|e| unusable(root, e))?;
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
        let root = tempfile::tempdir().unwrap();
        let (a, left) = claim(root.path()).unwrap();
        assert!(left.is_empty());
        let (b, _) = claim(root.path()).unwrap();
        let (c, _) = claim(root.path()).unwrap();
        assert!(a.dir != b.dir && b.dir != c.dir);
        let (first, second) = (a.dir.clone(), b.dir.clone());
        drop((a, b));
        let (again, left) = claim(root.path()).unwrap();
        assert_eq!(again.dir, first);
        assert_eq!(left.iter().map(|c| &c.dir).collect::<Vec<_>>(), [&second]);
    }
}
