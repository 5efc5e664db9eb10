//! Whose the files are that root writes: those of the directory they lie in.
//!
//! Who runs a command as root for a service that runs as another user would otherwise lock that
//! service out of its own files.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

/// A user and a group.
type Owner = (u32, u32);

/// Whose a file at `path` is to be, if root writes it and it is to be somebody else's: that of the
/// directory; in a directory of root's, that of the file that is there.
///
/// # Errors
/// The directory cannot be looked at.
fn rightful(path: &Path) -> io::Result<Option<Owner>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let dir = super::file::parent(path).metadata()?;
    if dir.uid() != 0 {
        return Ok(Some((dir.uid(), dir.gid())));
    }
    // Where anybody can write, what is there may be anybody's.
    let shared = dir.mode() & 0o002 != 0;
    let there = path.symlink_metadata().ok().filter(|meta| !shared && meta.is_file());
    Ok(there.filter(|meta| meta.uid() != 0).map(|meta| (meta.uid(), meta.gid())))
}

/// Gives an open file or directory of root's, which lies at `path` or will, to whom it belongs
/// there. Does nothing for other users than root.
///
/// # Errors
/// The owner cannot be changed, which would lock that owner out.
pub(crate) fn settle(file: &File, path: &Path) -> io::Result<()> {
    let Some((user, group)) = rightful(path)? else { return Ok(()) };
    let meta = file.metadata()?;
    // One that has another name as well may not be ours to give away.
    if meta.uid() != 0 || (meta.is_file() && meta.nlink() > 1) {
        return Ok(());
    }
    fchown(file, Some(user), Some(group)).map_err(|e| {
        io::Error::new(e.kind(), format!("it cannot be given to its owner, user {user}: {e}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::file::{self, Missing, PRIVATE};

    #[test]
    fn what_root_writes_belongs_to_whom_the_directory_does() {
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: only root can write for others");
            return;
        }
        use std::os::unix::fs::{MetadataExt as _, chown};
        let dir = tempfile::tempdir().unwrap();
        let uid = |name: &str| dir.path().join(name).metadata().unwrap().uid();
        let path = |name: &str| dir.path().join(name);
        file::write_atomic(&path("before"), b"x", PRIVATE).unwrap();
        assert_eq!(uid("before"), 0);
        chown(dir.path(), Some(4711), Some(4711)).unwrap();
        file::write_atomic(&path("written"), b"x", PRIVATE).unwrap();
        file::write_atomic(&path("before"), b"y", PRIVATE).unwrap();
        file::create_new(&path("made"), b"x", PRIVATE).unwrap();
        file::open_own(&path("opened"), Missing::Create).unwrap();
        file::private_folder(&path("folder")).unwrap();
        for name in ["written", "before", "made", "opened", "folder"] {
            assert_eq!(uid(name), 4711, "{name}");
        }
        file::create_for_us(&path("identity"), b"x", PRIVATE).unwrap();
        assert_eq!(uid("identity"), 0, "an identity is handed to nobody");
        // Not what another name leads to, and in a directory of root's whose file it was.
        std::fs::write(path("elsewhere"), "x").unwrap();
        std::fs::hard_link(path("elsewhere"), path("linked")).unwrap();
        file::open_own(&path("linked"), Missing::Create).unwrap();
        assert_eq!(uid("elsewhere"), 0);
        chown(dir.path(), Some(0), Some(0)).unwrap();
        file::write_atomic(&path("written"), b"z", PRIVATE).unwrap();
        assert_eq!(uid("written"), 4711);
    }
}
