//! The control sockets of the servers on this machine: HTTP over a Unix socket in the state
//! directory, which only the same user may use. It answers when the store does not.

use super::fleet::Replica;
use crate::base::socket::SocketFolder;
use serde::de::DeserializeOwned;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// The socket of the first server of a state directory.
pub(crate) const SOCKET: &str = "serve.sock";

/// What the names of all sockets of servers begin and end with: that of a further server has its
/// process id in between.
const AFFIXES: (&str, &str) = ("serve", ".sock");

/// How long a server on this machine has to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The largest answer that is read.
const LIMIT: u64 = 4 << 20;

/// What became of a question.
#[derive(Debug)]
pub(crate) enum Asked<T> {
    /// The answer.
    Answered(T),
    /// Nobody listens: the server is gone.
    Nobody,
    /// Somebody listens and does not answer, or not what was asked.
    Silent(String),
}

/// The names of the sockets in a state directory, those of killed servers included.
pub(crate) fn sockets(state_dir: &Path) -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir(state_dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_socket(name))
        .collect();
    found.sort();
    found
}

fn is_socket(name: &str) -> bool {
    let middle = name.strip_prefix(AFFIXES.0).and_then(|rest| rest.strip_suffix(AFFIXES.1));
    middle.is_some_and(|middle| {
        middle.is_empty() || middle.strip_prefix('-').is_some_and(|pid| pid.parse::<u32>().is_ok())
    })
}

/// The name of the socket of a server that is not the first one.
pub(crate) fn further(pid: u32) -> String {
    format!("{}-{pid}{}", AFFIXES.0, AFFIXES.1)
}

/// The servers of a state directory, as they say of themselves now.
pub(crate) fn replicas(state_dir: &Path) -> Vec<(String, Asked<Replica>)> {
    each(state_dir, |socket| ask(state_dir, socket, "GET", "/slots"))
}

/// Has every server of a state directory load its values again; waits until they have.
pub(crate) fn reload(state_dir: &Path) {
    each(state_dir, |socket| ask::<serde::de::IgnoredAny>(state_dir, socket, "POST", "/reload"));
}

fn each<T: Send>(
    state_dir: &Path,
    ask: impl Fn(&str) -> Asked<T> + Sync,
) -> Vec<(String, Asked<T>)> {
    let names = sockets(state_dir);
    let ask = &ask;
    // At once: a frozen one keeps nobody from the others.
    std::thread::scope(|scope| {
        let asking: Vec<_> =
            names.into_iter().map(|name| scope.spawn(move || (ask(&name), name))).collect();
        asking
            .into_iter()
            .filter_map(|asking| asking.join().ok())
            .map(|(answer, name)| (name, answer))
            .collect()
    })
}

/// The process that listens on a socket, if anybody does.
pub(crate) fn pid(state_dir: &Path, socket: &str) -> Option<u32> {
    let folder = SocketFolder::open(state_dir).ok()?;
    let stream = UnixStream::connect(folder.path(socket)).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

/// Asks one server.
pub(crate) fn ask<T: DeserializeOwned>(
    state_dir: &Path,
    socket: &str,
    method: &str,
    path: &str,
) -> Asked<T> {
    match exchange(state_dir, socket, method, path) {
        Ok(body) => match serde_json::from_slice(&body) {
            Ok(answer) => Asked::Answered(answer),
            Err(_) => Asked::Silent("it answers something else than was asked".to_owned()),
        },
        Err(e) => match e.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Asked::Nobody,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Asked::Silent(format!("no answer within {} s", PATIENCE.as_secs()))
            }
            _ => Asked::Silent(e.to_string()),
        },
    }
}

/// One exchange of HTTP/1.1 (RFC 9112) on a connection of its own: the body of an answer that is
/// a success.
fn exchange(state_dir: &Path, socket: &str, method: &str, path: &str) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + PATIENCE;
    let folder = SocketFolder::open(state_dir)?;
    let mut stream = UnixStream::connect(folder.path(socket))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: ultra\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer)? {
            0 => break,
            n => answer.extend_from_slice(buffer.get(..n).unwrap_or_default()),
        }
        if answer.len() as u64 > LIMIT {
            return Err(io::Error::other("the answer is too long"));
        }
    }
    let malformed = || io::Error::other("the answer is no HTTP");
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(malformed)?;
    let status = answer.get(..end).and_then(|head| head.strip_prefix(b"HTTP/1.1 "));
    match status.and_then(|rest| std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()) {
        Some(200..=299_u16) => Ok(answer.split_off(end + 4)),
        Some(code) => Err(io::Error::other(format!("it answers with status {code}"))),
        None => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn names_of_sockets_are_told_from_other_files() {
        for name in [SOCKET, &further(4711), "serve-1.sock"] {
            assert!(is_socket(name), "{name}");
        }
        for name in ["serve.lock", "serve-x.sock", "xserve.sock", "serve.sock.tmp", "server.sock"] {
            assert!(!is_socket(name), "{name}");
        }
    }

    #[test]
    fn the_dead_the_silent_and_the_living_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        drop(UnixListener::bind(dir.path().join(further(1))).unwrap());
        let silent = UnixListener::bind(dir.path().join(further(2))).unwrap();
        let living = UnixListener::bind(dir.path().join(further(3))).unwrap();
        let refusing = UnixListener::bind(dir.path().join(further(4))).unwrap();
        let answer = |listener: &UnixListener, text: &str| {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
        };
        std::thread::scope(|scope| {
            scope.spawn(|| answer(&living, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n7"));
            scope.spawn(|| answer(&refusing, "HTTP/1.1 403 Forbidden\r\n\r\n7"));
            let told = each(dir.path(), |name| ask::<u32>(dir.path(), name, "GET", "/x"));
            let words: Vec<String> = told
                .iter()
                .map(|(name, asked)| match asked {
                    Asked::Answered(n) => format!("{name} {n}"),
                    Asked::Nobody => format!("{name} nobody"),
                    Asked::Silent(why) => format!("{name} {why}"),
                })
                .collect();
            assert_eq!(
                words,
                [
                    "serve-1.sock nobody",
                    "serve-2.sock no answer within 2 s",
                    "serve-3.sock 7",
                    "serve-4.sock it answers with status 403"
                ]
            );
        });
        drop(silent);
    }
}
