//! Names of Unix sockets that fit: the kernel takes at most 107 bytes (unix(7)), and a state
//! directory may well lie deeper than that.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

/// An open folder, through which sockets in it have short names.
#[derive(Debug)]
pub(crate) struct SocketFolder {
    folder: File,
}

impl SocketFolder {
    /// Opens the folder.
    ///
    /// # Errors
    /// It does not exist or cannot be opened.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(|folder| Self { folder })
    }

    /// The short name of a file in the folder, good for as long as this lives and in this process
    /// only.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{name}", self.folder.as_raw_fd()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_socket_lies_as_deep_as_it_likes() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        assert!(UnixListener::bind(deep.join("s")).is_err(), "the long name does not fit");
        let folder = SocketFolder::open(&deep).unwrap();
        let _listener = UnixListener::bind(folder.path("s")).unwrap();
        assert!(deep.join("s").exists());
        UnixStream::connect(folder.path("s")).unwrap();
    }
}
