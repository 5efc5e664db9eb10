//! The command of `env run`: in the place of this process, or below it with its output masked.

use super::relay;
use crate::base::words;
use crate::commands::env::run::Ready;
use crate::exit::ExitStatus;
use crate::render::Terminal;
use crate::report::{Console as _, Problem};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// As shells have it: there is a command, and it cannot be started.
const NOT_STARTED: u8 = 126;

/// As shells have it: there is no such command.
const NOT_FOUND: u8 = 127;

/// Starts the command. That it cannot be started is told on stderr and in the exit code.
pub(super) fn start(ready: &Ready, console: &Terminal) -> ExitCode {
    let mut command = match &ready.redact {
        Some(_) => bound(ready),
        None => {
            let mut command = Command::new(&ready.program);
            command.args(&ready.args);
            command
        }
    };
    for name in &ready.remove {
        command.env_remove(name);
    }
    for (name, value) in &ready.set {
        command.env(name, value.expose());
    }
    if let Some(program) = nameless_script(ready) {
        let shown = program.display();
        console.warn(
            &Problem::error("command-not-started", format!("cannot start `{shown}`"))
                .why("it is a script whose first line does not name its interpreter")
                .hint(format!("begin it with `#!/bin/sh`, or: ultra env run -- sh {shown}")),
        );
        return NOT_STARTED.into();
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

/// The program, if it is a text without `#!`. The system starts no such file; libraries then hand it
/// to a shell, some of them, which is not what was asked for.
fn nameless_script(ready: &Ready) -> Option<PathBuf> {
    let program = Path::new(&ready.program);
    let found = match program.components().count() {
        1 if !ready.program.as_encoded_bytes().contains(&b'/') => {
            let path = ready.path.as_ref()?;
            std::env::split_paths(path).map(|dir| dir.join(program)).find(|p| executable(p))
        }
        _ => executable(program).then(|| program.to_owned()),
    }?;
    let mut beginning = Vec::new();
    let file = std::fs::File::open(&found).ok()?;
    file.take(512).read_to_end(&mut beginning).ok()?;
    let text = !beginning.contains(&0) && !beginning.starts_with(b"\x7fELF");
    (text && !beginning.starts_with(b"#!")).then_some(found)
}

fn executable(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The words behind our own name by which we start a command that ends with the process above it.
const BOUND: &str = "__bound";

/// Ourselves, to be replaced by the command as soon as the system knows that it is to end with us:
/// nothing of ours may run between the birth of a process and its program, so it runs there.
fn bound(ready: &Ready) -> Command {
    let ours = Path::new("/proc/self/exe");
    let mut command = if cfg!(target_os = "linux") && ours.exists() {
        let mut command = Command::new(ours);
        command.arg0("ultra").arg(BOUND).arg(std::process::id().to_string()).arg(&ready.program);
        command
    } else {
        Command::new(&ready.program)
    };
    command.args(&ready.args);
    command
}

/// What we are to be replaced by, if we are started so; `None` for any other command.
pub(super) fn asked(args: &[OsString]) -> Option<Result<Ready, ExitStatus>> {
    let [_, word, above, program, args @ ..] = args else { return None };
    if word != BOUND {
        return None;
    }
    Some(ends_with(above).map(|()| Ready {
        program: program.clone(),
        args: args.to_vec(),
        set: BTreeMap::new(),
        remove: Vec::new(),
        path: None,
        redact: None,
    }))
}

/// Has the system kill this process when `above` ends without having waited for it.
#[cfg(target_os = "linux")]
fn ends_with(above: &OsStr) -> Result<(), ExitStatus> {
    let signal = Some(rustix::process::Signal::KILL);
    // Where that cannot be had the command runs all the same.
    let _ = rustix::process::set_parent_process_death_signal(signal);
    let parent = rustix::process::getppid().map(|parent| parent.as_raw_nonzero().get());
    match above.to_str().and_then(|above| above.parse::<i32>().ok()) {
        Some(above) if parent == Some(above) => Ok(()),
        Some(_) => Err(ExitStatus::Interrupted),
        None => Err(ExitStatus::Usage),
    }
}

#[cfg(not(target_os = "linux"))]
fn ends_with(_: &OsStr) -> Result<(), ExitStatus> {
    Err(ExitStatus::Usage)
}

fn failure(ready: &Ready, error: &io::Error) -> (u8, Problem) {
    let shown = ready.program.to_string_lossy();
    let program = shown.escape_debug();
    let there = shown.contains('/') && Path::new(&ready.program).exists();
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
                format!(", most of it `{name}` with {}", words::count(value.expose().len(), "byte"))
            });
            problem
                .why(format!(
                    "arguments and environment are too long together, or one of them is; the profile adds {}{most}",
                    words::count(size, "byte")
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
