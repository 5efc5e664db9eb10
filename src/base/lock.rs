//! Advisory locks between processes, which die with their holder.

use super::file;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// An exclusive lock on a file of its own; dropped, it is free again. The operating system frees
/// it when the process dies, so a stale lock cannot exist.
#[derive(Debug)]
pub(crate) struct Lock(
    #[expect(dead_code, reason = "the lock lives as long as the open file")] File,
);

/// Why a lock was not had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Somebody else kept it for the whole wait.
    #[error("another process holds the lock{}", .holder.as_ref().map(|h| format!(": {h}")).unwrap_or_default())]
    Held {
        /// What the holder wrote about itself, such as `pid 4711, env switch prod`.
        holder: Option<String>,
    },
    /// The lock file cannot be made or locked.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Lock {
    /// Takes the lock at `path`, waiting at most `patience`, and leaves `purpose` in the file for
    /// whoever waits.
    ///
    /// # Errors
    /// [`LockError::Held`] with what the holder said of itself, or the file system's error; a link
    /// at `path` is not followed, and what is no regular file is left alone.
    pub(crate) fn take(path: &Path, purpose: &str, patience: Duration) -> Result<Self, LockError> {
        let mut file = file::open_own(path, file::Missing::Create)?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(e)) => return Err(e.into()),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    let _ = (&mut file).take(256).read_to_string(&mut holder);
                    let holder = holder.trim();
                    return Err(LockError::Held {
                        holder: (!holder.is_empty()).then(|| holder.to_owned()),
                    });
                }
            }
        }
        // Only information for others: a full disk must not keep anybody from a lock that is held.
        let note = format!("pid {}, {purpose}\n", std::process::id());
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(note.as_bytes()));
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_holder_and_is_free_after_drop() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::take(&path, "env switch prod", Duration::ZERO).unwrap();
        let Err(LockError::Held { holder: Some(holder) }) = Lock::take(&path, "x", Duration::ZERO)
        else {
            panic!("the lock was not held");
        };
        assert!(holder.contains("env switch prod"), "{holder}");
        drop(held);
        Lock::take(&path, "x", Duration::ZERO).unwrap();
    }

    #[test]
    fn what_is_no_lock_of_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        std::fs::write(&target, "mine").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        for path in [&link, &pipe, &dir.path().to_owned()] {
            let refused = Lock::take(path, "x", Duration::ZERO);
            assert!(matches!(refused, Err(LockError::Io(_))), "{}", path.display());
        }
        assert_eq!(std::fs::read(&target).unwrap(), b"mine");
    }
}
