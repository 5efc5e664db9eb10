//! The command of `env run`: in the place of this process, or below it with its output masked.

use super::relay;
use crate::commands::env::run::Ready;
use crate::render::Terminal;
use crate::report::{Console as _, Problem};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// As shells have it: there is a command, and it cannot be started.
const NOT_STARTED: u8 = 126;

/// As shells have it: there is no such command.
const NOT_FOUND: u8 = 127;

/// Starts the command. That it cannot be started is told on stderr and in the exit code.
pub(super) fn start(ready: &Ready, console: &Terminal) -> ExitCode {
    let mut command = Command::new(&ready.program);
    command.args(&ready.args);
    for name in &ready.remove {
        command.env_remove(name);
    }
    for (name, value) in &ready.set {
        command.env(name, value.expose());
    }
    let started = match &ready.redact {
        // Replaces this process: comes back only if that fails. Files that we opened are closed
        // by the system, SIGPIPE is as it was before Rust ignored it.
        None => Err(command.exec()),
        Some(patterns) => relay::run(command, patterns),
    };
    match started {
        Ok(code) => code,
        Err(e) => {
            let (code, problem) = failure(ready, &e);
            console.warn(&problem);
            code.into()
        }
    }
}

fn failure(ready: &Ready, error: &io::Error) -> (u8, Problem) {
    let shown = ready.program.to_string_lossy();
    let program = shown.escape_debug();
    let there = shown.contains('/') && std::path::Path::new(&ready.program).exists();
    if error.kind() == io::ErrorKind::NotFound && !there {
        let problem =
            Problem::error("command-not-found", format!("there is no command `{program}`"));
        return (
            NOT_FOUND,
            if shown.contains('/') {
                problem
            } else {
                problem.why("it is in no directory of `PATH`")
            },
        );
    }
    let problem = Problem::error("command-not-started", format!("cannot start `{program}`"));
    let problem = match error.raw_os_error() {
        // E2BIG
        Some(7) => {
            let largest = ready.set.iter().max_by_key(|(_, value)| value.expose().len());
            let size: usize = ready.set.iter().map(|(n, v)| n.len() + v.expose().len() + 2).sum();
            let most = largest.map_or_else(String::new, |(name, value)| {
                format!(", most of it `{name}` with {} bytes", value.expose().len())
            });
            problem
                .why(format!(
                    "arguments and environment are too long together, or one of them is; the profile adds {size} bytes{most}"
                ))
                .hint("hand on less with `--only`")
        }
        _ if error.kind() == io::ErrorKind::NotFound => {
            problem.why("the interpreter that it names is missing")
        }
        _ => problem.why(error),
    };
    (NOT_STARTED, problem)
}
