//! Files that are made ready before the commit, so that only renames are left after it: a full
//! disk shows while the old state still stands.

use crate::base::{file, leftover, owner};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A written and synced temporary file beside its target; dropped, it is removed again.
#[derive(Debug)]
pub(super) struct Staged {
    temp: PathBuf,
    target: PathBuf,
}

impl Staged {
    /// Writes `bytes` to a temporary file beside `target`. Its name is fixed: the lock of the switch
    /// admits one writer, and what a killed one left behind is replaced.
    ///
    /// # Errors
    /// What the file system says; nothing is left behind then.
    pub(super) fn write(target: &Path, bytes: &[u8], mode: u32) -> io::Result<Self> {
        Self::write_to(target.with_file_name(temporary(target)), target, bytes, mode)
    }

    /// The same with the temporary file in `folder`, where a killed writer leaves nothing that git
    /// would take for a file of the project; beside `target` if that is on another file system.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(super) fn write_in(
        folder: &Path,
        target: &Path,
        bytes: &[u8],
        mode: u32,
    ) -> io::Result<Self> {
        let device = |dir: &Path| dir.metadata().map(|meta| meta.dev());
        let above = target.parent().unwrap_or(folder);
        if device(folder)? != device(above)? {
            return Self::write(target, bytes, mode);
        }
        Self::write_to(folder.join(temporary(target)), target, bytes, mode)
    }

    fn write_to(temp: PathBuf, target: &Path, bytes: &[u8], mode: u32) -> io::Result<Self> {
        match std::fs::remove_file(&temp) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut open = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temp)?;
        let staged = Self { temp, target: target.to_owned() };
        owner::settle(&open, target)?;
        open.write_all(bytes)?;
        // The umask may have narrowed the mode.
        open.set_permissions(Permissions::from_mode(mode))?;
        open.sync_all()?;
        Ok(staged)
    }

    /// Puts the file in its place, durably.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn publish(self) -> io::Result<()> {
        match std::fs::rename(&self.temp, &self.target) {
            // One file system may be mounted twice.
            Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
                let mode = self.temp.metadata()?.permissions().mode() & 0o7777;
                Self::write(&self.target, &std::fs::read(&self.temp)?, mode)?.publish()
            }
            renamed => renamed.and_then(|()| sync_parent(&self.target)),
        }
    }
}

fn temporary(target: &Path) -> String {
    leftover::temporary(&target.file_name().unwrap_or_default().to_string_lossy())
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a rename there is nothing to remove.
        let _ = std::fs::remove_file(&self.temp);
    }
}

/// Moves `from` to `to`, which must not exist, durably.
///
/// # Errors
/// `AlreadyExists`, or what the file system says.
pub(super) fn move_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        // Not every file system knows the flag; the lock of the switch keeps other switches away.
        Err(Errno::INVAL | Errno::NOSYS) => {
            if to.symlink_metadata().is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            std::fs::rename(from, to)?;
        }
        Err(e) => return Err(e.into()),
    }
    sync_parent(to)
}

/// Moves `from` over `to`, durably.
///
/// # Errors
/// What the file system says.
pub(super) fn move_over(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)?;
    sync_parent(to)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), file::sync_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staged_file_shows_only_when_published() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join(".env");
        std::fs::write(dir.path().join(".ultra-env.tmp"), "left by a killed writer").unwrap();
        let staged = Staged::write(&target, b"new", 0o600).unwrap();
        assert!(!target.exists());
        staged.publish().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
        drop(Staged::write(&target, b"other", 0o600).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_move_does_not_replace() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&a, "a").unwrap();
        std::fs::write(&b, "b").unwrap();
        assert_eq!(move_to_free(&a, &b).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&b).unwrap(), b"b");
        std::fs::remove_file(&b).unwrap();
        move_to_free(&a, &b).unwrap();
        assert!(!a.exists());
    }
}
