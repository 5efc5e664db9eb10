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
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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
    /// Its instance id, by which it signs in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<String>,
}

impl ServerRecord {
    /// Host and port to reach it at from here: a server that listens everywhere is here too.
    pub(crate) fn reachable(&self) -> String {
        match self.addr.parse::<SocketAddr>() {
            Ok(addr) => reachable(addr).to_string(),
            Err(_) => self.addr.clone(),
        }
    }
}

/// The address to reach a server at from here that listens at `addr`.
pub(crate) fn reachable(addr: SocketAddr) -> SocketAddr {
    let here: IpAddr = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        _ => return addr,
    };
    SocketAddr::new(here, addr.port())
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
    file::private_folder(&folder)?;
    sweep(&folder);
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

/// Removes the records of servers that were killed. What cannot be removed is passed over.
fn sweep(folder: &Path) {
    for path in records(folder) {
        if let Ok(file) = File::open(&path)
            && file.try_lock_shared().is_ok()
        {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// The files of all records, those of the dead included.
fn records(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
}

/// The servers that run now, oldest first. Records that nobody holds are passed over; those that
/// cannot be read too, for this is information and no ground to refuse anything.
pub(crate) fn running(state_dir: &Path) -> Vec<ServerRecord> {
    let mut found: Vec<ServerRecord> = records(&state_dir.join(FOLDER))
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

    fn record(addr: &str) -> ServerRecord {
        ServerRecord {
            pid: 1,
            profile: "dev".to_owned(),
            mode: "mock".to_owned(),
            addr: addr.to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            instance: None,
        }
    }

    #[test]
    fn a_server_is_listed_while_it_lives() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(running(dir.path()), []);
        let record = record("127.0.0.1:8085");
        let registration = register(dir.path(), &record).unwrap();
        assert_eq!(running(dir.path()), std::slice::from_ref(&record));
        drop(registration);
        assert_eq!(running(dir.path()), []);
    }

    #[test]
    fn a_record_that_nobody_holds_is_passed_over_and_swept_by_the_next_server() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(FOLDER);
        std::fs::create_dir_all(&folder).unwrap();
        let left = folder.join("left.json");
        std::fs::write(&left, serde_json::to_vec(&record("127.0.0.1:1")).unwrap()).unwrap();
        assert_eq!(running(dir.path()), []);
        assert!(left.exists(), "whoever only asks writes nothing");
        let _first = register(dir.path(), &record("127.0.0.1:2")).unwrap();
        let _second = register(dir.path(), &record("127.0.0.1:3")).unwrap();
        assert!(!left.exists());
        assert_eq!(running(dir.path()).len(), 2, "those of the living stay");
    }

    #[test]
    fn a_server_that_listens_everywhere_is_here_too() {
        for (listens, reached) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("127.0.0.1:8085", "127.0.0.1:8085"),
            ("10.0.0.0:8085", "10.0.0.0:8085"),
            ("somewhere", "somewhere"),
        ] {
            assert_eq!(record(listens).reachable(), reached);
        }
    }
}
