//! The servers that run on this state directory: one small record each, so that a switch can say
//! who still works with the old profile.
//!
//! A server holds a lock on its record for as long as it lives. The operating system frees the
//! lock with the process, so a record whose lock can be had belongs to nobody, whatever became of
//! its process id meanwhile.

use crate::base::{Timestamp, file};
use serde::{Deserialize, Serialize};
use std::fs::{File, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The folder of the records in the state directory.
const FOLDER: &str = "servers";

/// The largest record that is read.
const LIMIT: u64 = 64 << 10;

/// What a running server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerRecord {
    /// Its process, as it sees itself.
    pub(crate) pid: u32,
    /// The profile it was started with and keeps.
    pub(crate) profile: String,
    /// Its mode in the words of `ULTRA_MODE`.
    pub(crate) mode: String,
    /// Where it listens: host and port.
    pub(crate) addr: String,
    /// When it began to listen.
    pub(crate) started_at: Timestamp,
}

/// The record of this process; dropped, it is gone.
#[derive(Debug)]
pub(crate) struct Registration {
    path: PathBuf,
    /// Held open for its lock.
    _file: File,
}

impl Drop for Registration {
    fn drop(&mut self) {
        // A record that stays behind is harmless: nobody holds its lock.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes the record of a server that has begun to listen.
///
/// # Errors
/// What the file system says. A server can live without a record.
pub(crate) fn register(state_dir: &Path, record: &ServerRecord) -> io::Result<Registration> {
    written(state_dir, record).map_err(|e| file::unnamed(&e).unwrap_or(e))
}

fn written(state_dir: &Path, record: &ServerRecord) -> io::Result<Registration> {
    let folder = state_dir.join(FOLDER);
    file::private_dir(&folder)?;
    let mut temp = tempfile::Builder::new()
        .prefix(".ultra-")
        .suffix(".tmp")
        .permissions(Permissions::from_mode(file::PRIVATE))
        .tempfile_in(&folder)?;
    temp.as_file().lock()?;
    serde_json::to_writer(&mut temp, record)?;
    temp.write_all(b"\n")?;
    let path = folder.join(format!("{}.json", uuid::Uuid::now_v7()));
    let file = temp.persist(&path).map_err(|e| e.error)?;
    Ok(Registration { path, _file: file })
}

/// The servers that run now, oldest first. Records that nobody holds are passed over; those that
/// cannot be read too, for this is information and no ground to refuse anything.
pub(crate) fn running(state_dir: &Path) -> Vec<ServerRecord> {
    let Ok(entries) = std::fs::read_dir(state_dir.join(FOLDER)) else { return Vec::new() };
    let mut found: Vec<ServerRecord> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .filter(|path| held(path))
        .filter_map(|path| serde_json::from_slice(&file::read_bounded(&path, LIMIT).ok()??).ok())
        .collect();
    found.sort_by_key(|server| (server.started_at, server.pid));
    found
}

/// Whether a process holds the record's lock.
fn held(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_listed_while_it_lives() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(running(dir.path()), []);
        let record = ServerRecord {
            pid: 1,
            profile: "dev".to_owned(),
            mode: "mock".to_owned(),
            addr: "127.0.0.1:8085".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
        };
        let registration = register(dir.path(), &record).unwrap();
        assert_eq!(running(dir.path()), std::slice::from_ref(&record));
        drop(registration);
        assert_eq!(running(dir.path()), []);
    }

    #[test]
    fn a_record_that_nobody_holds_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(FOLDER);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(
            folder.join("left.json"),
            br#"{"pid":1,"profile":"dev","mode":"mock","addr":"a","started_at":"1970-01-01T00:00:00Z"}"#,
        )
        .unwrap();
        assert_eq!(running(dir.path()), []);
    }
}
