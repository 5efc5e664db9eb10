//! The `.env` that is there now: ours and untouched, or somebody's.

use super::generated::{self, Header};
use crate::base::file;
use std::io;
use std::path::{Path, PathBuf};

/// The greatest size of the generated part of `.env`.
pub(crate) const GREATEST: usize = 1 << 20;

/// The largest `.env` that is looked at: above everything that is generated.
const LIMIT: u64 = 2 << 20;

/// What stands at `.env`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    /// Nothing.
    Absent,
    /// What `ultra` wrote, byte for byte.
    Intact {
        /// What its first line says.
        header: Header,
        /// All of it. It holds no secret.
        bytes: Vec<u8>,
    },
    /// What `ultra` wrote and somebody changed since.
    Edited,
    /// Somebody's file, link or pipe. Its content is not kept: it may hold secrets.
    HandWritten,
}

impl Present {
    /// What stands at `.env` below `root`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let path = dotenv(root);
        match path.symlink_metadata() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::Absent),
            Err(e) => return Err(e),
            // A link, a pipe of a password manager, a directory: never ours.
            Ok(meta) if !meta.is_file() || meta.len() > LIMIT => return Ok(Self::HandWritten),
            Ok(_) => {}
        }
        Ok(match file::read_bounded(&path, LIMIT)? {
            None => Self::Absent,
            Some(bytes) => Self::of(bytes),
        })
    }

    /// What these bytes are.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        match generated::inspect(&bytes) {
            None => Self::HandWritten,
            Some((_, false)) => Self::Edited,
            Some((header, true)) => Self::Intact { header, bytes },
        }
    }

    /// Whether replacing or removing it loses nothing that a person wrote.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::Absent | Self::Intact { .. })
    }

    /// The kept bytes, if it is ours and there.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Intact { bytes, .. } => Some(bytes),
            Self::Absent | Self::Edited | Self::HandWritten => None,
        }
    }
}

/// Where the generated file stands.
pub(crate) fn dotenv(root: &Path) -> PathBuf {
    root.join(".env")
}

/// Where `--adopt` moves a `.env` that somebody wrote.
pub(crate) fn dotenv_local(root: &Path) -> PathBuf {
    root.join(".env.local")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_untouched_output_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        let read = || Present::read(dir.path()).unwrap();
        assert_eq!(read(), Present::Absent);
        let bytes = generated::seal("dev", 3, "A=1\n");
        std::fs::write(dotenv(dir.path()), &bytes).unwrap();
        assert!(read().is_ours());
        assert_eq!(read().bytes(), Some(bytes.as_slice()));
        std::fs::write(dotenv(dir.path()), [bytes.as_slice(), b"B=2\n"].concat()).unwrap();
        assert_eq!(read(), Present::Edited);
        std::fs::write(dotenv(dir.path()), "A=1\n").unwrap();
        assert_eq!(read(), Present::HandWritten);
        std::fs::remove_file(dotenv(dir.path())).unwrap();
        std::os::unix::fs::symlink("elsewhere", dotenv(dir.path())).unwrap();
        assert_eq!(read(), Present::HandWritten);
    }
}
