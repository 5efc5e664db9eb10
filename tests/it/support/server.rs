//! `ultra serve` as a child on a free port.

use super::{Outcome, Ultra, eventually};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a start may take. One that fails ends at once; one under `valgrind` on a machine with
/// other things to do takes a minute.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    addr: String,
    event: serde_json::Value,
    stderr: std::thread::JoinHandle<String>,
}

impl Server {
    /// Starts `ultra serve --port auto` with `args` added and waits for its `ultra.serve/1` line.
    #[track_caller]
    pub(crate) fn start(ultra: &Ultra, args: &[&str]) -> Self {
        let all: Vec<&str> =
            ["serve", "--port", "auto", "-o", "json"].iter().chain(args).copied().collect();
        Self::of(ultra.command(all).stdin(Stdio::null()).spawn().unwrap())
    }

    /// The same after what a shell does to itself first, such as lowering its limits.
    #[track_caller]
    pub(crate) fn wrapped(ultra: &Ultra, first: &str, args: &[&str]) -> Self {
        let script = format!("{first} && exec \"$0\" serve --port auto -o json \"$@\"");
        let all: Vec<&str> = ["-c", &script, env!("CARGO_BIN_EXE_ultra")]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        Self::of(ultra.wrapped("sh", all).stdin(Stdio::null()).spawn().unwrap())
    }

    /// The same under another program, such as one that takes privileges away.
    #[track_caller]
    pub(crate) fn under(ultra: &Ultra, program: &[&str], args: &[&str]) -> Self {
        let own = [env!("CARGO_BIN_EXE_ultra"), "serve", "--port", "auto", "-o", "json"];
        let all = program.iter().skip(1).chain(&own).chain(args);
        Self::of(ultra.wrapped(program[0], all).stdin(Stdio::null()).spawn().unwrap())
    }

    /// Waits until a signal has ended it; whether it has left a core.
    #[track_caller]
    pub(crate) fn dumps_core(mut self, patience: Duration) -> bool {
        use std::os::unix::process::ExitStatusExt as _;
        let ended = eventually(patience, "the end", || self.child.try_wait().unwrap());
        assert!(ended.signal().is_some(), "{ended:?}");
        ended.core_dumped()
    }

    #[track_caller]
    fn of(mut child: Child) -> Self {
        let mut stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let (tell, told) = mpsc::channel();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = tell.send(line);
            let _ = std::io::copy(&mut stdout, &mut std::io::sink());
        });
        let line = told.recv_timeout(PATIENCE).unwrap_or_default();
        let Ok(event) = serde_json::from_str::<serde_json::Value>(&line) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!(
                "the server did not start: {line:?}\nstderr: {}",
                stderr.join().unwrap_or_default()
            );
        };
        let addr = event["addr"].as_str().expect("the event names its address").to_owned();
        Self { child, addr, event, stderr }
    }

    /// `host:port`.
    pub(crate) fn addr(&self) -> &str {
        &self.addr
    }

    /// The URL of `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// The `ultra.serve/1` line.
    pub(crate) fn event(&self) -> &serde_json::Value {
        &self.event
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(sent.unwrap().success(), "cannot send {name}");
    }

    /// Waits for the end of the server: its exit code and everything it logged.
    #[track_caller]
    pub(crate) fn wait(mut self, patience: Duration) -> Outcome {
        let status =
            eventually(patience, "the end of the server", || self.child.try_wait().unwrap());
        let stderr =
            std::mem::replace(&mut self.stderr, std::thread::spawn(String::new)).join().unwrap();
        Outcome { code: status.code().unwrap_or(-1), stdout: String::new(), stderr }
    }

    /// Stops the server with SIGTERM and waits for its end.
    #[track_caller]
    pub(crate) fn stop(self) -> Outcome {
        self.signal("TERM");
        self.wait(Duration::from_secs(45))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
