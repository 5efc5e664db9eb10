//! Who holds a port: from `/proc`, as far as this process may look.

use std::net::IpAddr;
use std::path::Path;

/// A process that listens on a port, in words: `pid 4711 (nginx)`; `None` if it is not to be seen.
pub(crate) fn of(port: u16) -> Option<String> {
    let inodes = listeners(port);
    if inodes.is_empty() {
        return None;
    }
    for entry in std::fs::read_dir("/proc").ok()?.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        if holds(&entry.path(), &inodes) {
            let program = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some(format!("pid {pid} ({})", program.trim()));
        }
    }
    None
}

/// The inodes of sockets that listen on the port.
fn listeners(port: u16) -> Vec<u64> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| {
            table.lines().skip(1).filter_map(|l| listener(l, port)).collect::<Vec<_>>()
        })
        .collect()
}

/// The inode of a line of the kernel's table, if it is a listener on the port: local address,
/// remote address, state (`0A` is LISTEN), …, inode in the tenth column.
fn listener(line: &str, port: u16) -> Option<u64> {
    let columns: Vec<&str> = line.split_ascii_whitespace().collect();
    let (_, local) = columns.get(1)?.rsplit_once(':')?;
    let listening = columns.get(3) == Some(&"0A");
    (listening && u16::from_str_radix(local, 16).ok()? == port)
        .then(|| columns.get(9)?.parse().ok())
        .flatten()
}

fn holds(process: &Path, inodes: &[u64]) -> bool {
    let Ok(files) = std::fs::read_dir(process.join("fd")) else { return false };
    files.filter_map(Result::ok).any(|file| {
        std::fs::read_link(file.path()).ok().is_some_and(|link| {
            link.to_str()
                .and_then(|l| l.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
                .is_some_and(|inode: u64| inodes.contains(&inode))
        })
    })
}

/// Whether a host of a URL is this machine, as far as names tell.
pub(crate) fn is_here(host: &str, addr: IpAddr) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => {
            ip == addr
                || ip.is_unspecified()
                || (ip.is_loopback() && (addr.is_loopback() || addr.is_unspecified()))
        }
        Err(_) => {
            let name = bare.trim_end_matches('.').to_ascii_lowercase();
            (name == "localhost" || name.ends_with(".localhost"))
                && (addr.is_loopback() || addr.is_unspecified())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_listener_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(of(port).unwrap().starts_with(&format!("pid {}", std::process::id())));
        drop(listener);
    }

    #[test]
    fn hosts_that_are_this_machine_are_told() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let all = IpAddr::from([0, 0, 0, 0]);
        assert!(is_here("localhost", here) && is_here("[::1]", all) && is_here("127.0.0.2", here));
        assert!(!is_here("api.openai.com", here) && !is_here("10.0.0.1", here));
    }
}
