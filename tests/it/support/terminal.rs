//! A command on a terminal of its own, by util-linux' `script`, with somebody who types.

use super::{Outcome, Ultra, eventually};
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long anything on a terminal may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The terminal. What the command writes to either output is one text.
pub(crate) struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    seen: Arc<Mutex<Vec<u8>>>,
    read: usize,
}

impl Terminal {
    /// Starts `ultra` with `args`, words that a shell takes as they are.
    pub(crate) fn start(ultra: &Ultra, args: &str) -> Self {
        let call = format!("{} {args}", env!("CARGO_BIN_EXE_ultra"));
        let mut command = ultra.wrapped("script", ["-qec", &call, "/dev/null"]);
        command.env("TERM", "xterm").stdin(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, kept) = (child.stdout.take().unwrap(), seen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = screen.read(&mut bytes) {
                kept.lock().unwrap().extend_from_slice(&bytes[..n]);
            }
        });
        Self { keys: child.stdin.take(), child, seen, read: 0 }
    }

    /// Everything that was shown so far.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    /// Waits until `text` is shown behind what was waited for before.
    pub(crate) fn shows(&mut self, text: &str) {
        let seen = self.seen.clone();
        let from = self.read;
        self.read = eventually(PATIENCE, text, || {
            let seen = seen.lock().unwrap();
            let at = seen[from..].windows(text.len()).position(|part| part == text.as_bytes())?;
            Some(from + at + text.len())
        });
    }

    /// Presses keys.
    pub(crate) fn types(&mut self, keys: &[u8]) {
        let stdin = self.keys.as_mut().unwrap();
        stdin.write_all(keys).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits for the end of the command.
    pub(crate) fn ends(mut self) -> Outcome {
        let status =
            eventually(PATIENCE, "the end of the command", || self.child.try_wait().unwrap());
        self.keys.take();
        Outcome { code: status.code().unwrap_or(-1), stdout: self.screen(), stderr: String::new() }
    }
}
