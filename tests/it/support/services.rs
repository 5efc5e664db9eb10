//! Real PostgreSQL and Redis servers for tests, on free ports. This file is part of the unit
//! tests too, so it uses nothing of ours.
//!
//! Every server has a guard, a shell that waits for its owner to die and then kills the server:
//! however a test ends, nothing is left running.

use rustix::process::{Pid, Signal, kill_process};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[expect(clippy::disallowed_methods, reason = "tests are told by their runner")]
fn skip(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "`{what}` is missing, and CI must not skip");
    println!("SKIPPED: `{what}` is missing; `make test` installs it");
}

/// Kills `victim` and removes `dir` once `owner` is gone.
fn guard(owner: u32, victim: u32, dir: &Path) {
    let script = r#"
        while kill -0 "$1" && kill -0 "$2"; do sleep 0.2; done
        kill -CONT "$2"; kill -QUIT "$2"
        n=0; while kill -0 "$2" && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done
        kill -KILL "$2"; rm -rf "$3"
    "#;
    let guard = Command::new("/bin/sh")
        .args(["-c", script, "guard", &owner.to_string(), &victim.to_string()])
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let mut guard = guard.unwrap();
    // It may end before we do, and is then taken off the list of processes.
    std::thread::spawn(move || guard.wait());
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    // It may have ended meanwhile.
    let _ = kill_process(pid, signal);
}

/// The children of a process.
fn children(pid: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|child: &u32| parent(*child) == Some(pid))
        .collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn start_time(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(19).map(str::to_owned)
}

fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !ready() {
        assert!(Instant::now() < deadline, "{what} did not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A PostgreSQL cluster.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    port: u16,
    pid: u32,
}

impl Postgres {
    /// The cluster that all tests of this run share; `None`, visibly, if PostgreSQL is not
    /// installed.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(Self::join).as_ref()
    }

    /// A cluster of one's own, to be frozen and killed; it ends with this process at the latest.
    pub(crate) fn private() -> Option<Self> {
        let bin = binaries()?;
        let dir = tempfile::Builder::new().prefix("ultra-test-pg-").tempdir().unwrap().keep();
        Some(Self::start(&bin, &dir, std::process::id()))
    }

    /// Starts the shared cluster, or finds the one that another process of this run has started:
    /// `cargo nextest` runs every test in a process of its own, and starting takes seconds.
    #[expect(clippy::disallowed_methods, reason = "tests are told by their runner")]
    fn join() -> Option<Self> {
        let bin = binaries()?;
        let alone = std::env::var_os("NEXTEST").is_none();
        let me = std::process::id();
        let owner = if alone { me } else { parent(me).unwrap_or(me) };
        let born = start_time(owner).unwrap_or_default();
        let dir = std::env::temp_dir().join(format!("ultra-test-pg-{owner}-{born}"));
        std::fs::create_dir_all(&dir).unwrap();
        let lock = std::fs::File::create(dir.join("lock")).unwrap();
        lock.lock().unwrap();
        let note = dir.join("running");
        if let Ok(text) = std::fs::read_to_string(&note) {
            let (port, pid) = text.split_once(' ').unwrap();
            return Some(Self { port: port.parse().unwrap(), pid: pid.parse().unwrap() });
        }
        let cluster = Self::start(&bin, &dir, owner);
        std::fs::write(&note, format!("{} {}", cluster.port, cluster.pid)).unwrap();
        Some(cluster)
    }

    fn start(bin: &Path, dir: &Path, owner: u32) -> Self {
        let data = dir.join("data");
        let user = unprivileged();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(dir, Some(uid), Some(gid)).unwrap();
        }
        let command = |name: &str| {
            let mut command = Command::new(bin.join(name));
            command.current_dir(dir).stdin(Stdio::null()).process_group(0);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let made = command("initdb")
            .args(["-U", "ultra", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        loop {
            let port = free_port();
            let log = std::fs::File::create(dir.join("log")).unwrap();
            let mut server = command("postgres")
                .arg("-D")
                .arg(&data)
                .args(["-p", &port.to_string(), "-k"])
                .arg(dir)
                .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
                .args(["-c", "max_connections=200", "-c", "shared_buffers=16MB"])
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap();
            let mut ended = false;
            wait_for("PostgreSQL", || {
                ended = server.try_wait().unwrap().is_some();
                ended || data.join("postmaster.pid").exists() && answers(port, bin, dir)
            });
            if ended {
                // Somebody else took the port.
                continue;
            }
            guard(owner, server.id(), dir);
            return Self { port, pid: server.id() };
        }
    }

    /// The URL of a new, empty database.
    pub(crate) fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let n = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{}_{n}", std::process::id());
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        format!("postgres://ultra@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs statements with `psql` and returns what it prints.
    pub(crate) fn sql(&self, database: &str, statements: &str) -> String {
        let bin = binaries().unwrap();
        let done = Command::new(bin.join("psql"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "ultra"])
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statements])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Stops every process of the cluster where it stands: connections stay open and nobody
    /// answers.
    pub(crate) fn freeze(&self) {
        signal(self.pid, Signal::STOP);
        for child in children(self.pid) {
            signal(child, Signal::STOP);
        }
    }

    /// Lets a frozen cluster go on.
    pub(crate) fn thaw(&self) {
        for child in children(self.pid) {
            signal(child, Signal::CONT);
        }
        signal(self.pid, Signal::CONT);
    }
}

fn answers(port: u16, bin: &Path, dir: &Path) -> bool {
    Command::new(bin.join("pg_isready"))
        .current_dir(dir)
        .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
        .status()
        .is_ok_and(|status| status.success())
}

/// The folder of PostgreSQL's own programs, of the newest version that is installed.
fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .collect();
    found.sort();
    if found.is_empty() {
        skip("postgresql");
    }
    found.pop()
}

/// The user that PostgreSQL runs as if the tests run as root, which it refuses to do.
fn unprivileged() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// A Redis server, killed when dropped.
#[derive(Debug)]
pub(crate) struct Redis {
    child: Child,
    port: u16,
    dir: PathBuf,
}

impl Redis {
    /// A server on a free port; `None`, visibly, if Redis is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::on(free_port())
    }

    /// A server on this port.
    pub(crate) fn on(port: u16) -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("ultra-test-redis-").tempdir().unwrap().keep();
        let spawned = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let Ok(child) = spawned else {
            skip("redis-server");
            return None;
        };
        guard(std::process::id(), child.id(), &dir);
        wait_for("Redis", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Self { child, port, dir })
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Stops it where it stands: connections stay open and nobody answers.
    pub(crate) fn freeze(&self) {
        signal(self.child.id(), Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        signal(self.child.id(), Signal::CONT);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
