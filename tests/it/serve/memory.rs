//! The memory of whoever has secrets is kept out of core dumps, and from others of the same user.

use crate::support::{Server, Ultra, eventually};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// Where the operator's shell allows cores.
const CORES: &str = "ulimit -c unlimited";

/// Files that a core may have become.
fn cores(ultra: &Ultra) -> Vec<String> {
    let entries = std::fs::read_dir(ultra.root()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains("core")).collect()
}

/// The soft and the hard limit of cores of a process.
fn limits(pid: u32) -> Vec<String> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    cores.split_whitespace().skip(4).take(2).map(str::to_owned).collect()
}

#[test]
fn a_server_leaves_no_core() {
    let ultra = Ultra::empty();
    for signal in ["ABRT", "QUIT"] {
        let shell = format!("{CORES} && kill -{signal} $$");
        let control = ultra.wrapped("sh", ["-c", &shell]).status().unwrap();
        if !control.core_dumped() {
            println!("no program leaves a core here: only the limits show anything");
        }
        for core in cores(&ultra) {
            std::fs::remove_file(ultra.root().join(core)).unwrap();
        }
        let server = Server::wrapped(&ultra, CORES, &["--mock"]);
        assert_eq!(limits(server.pid()), ["0", "0"]);
        server.signal(signal);
        assert!(!server.dumps_core(PATIENCE), "{signal} leaves a core");
        assert_eq!(cores(&ultra), Vec::<String>::new());
    }
}

#[test]
fn a_command_that_waits_for_a_key_leaves_no_core() {
    let ultra = Ultra::empty();
    let shell = format!("{CORES} && exec \"$0\" keys set openai");
    let mut command = ultra.wrapped("sh", ["-c", &shell, env!("CARGO_BIN_EXE_ultra")]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    eventually(PATIENCE, "no cores", || (limits(child.id()) == ["0", "0"]).then_some(()));
    let quit = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
    assert!(quit.unwrap().success());
    let ended = child.wait().unwrap();
    assert!(ended.signal().is_some() && !ended.core_dumped(), "{ended:?}");
}

/// What somebody of the same user is told who wants to read the memory of a process.
fn read(ultra: &Ultra, privileges: &[&str], pid: u32) -> String {
    let path = format!("/proc/{pid}/mem");
    let all = privileges.iter().skip(1).copied().chain(["cat", &path]);
    let output = ultra.wrapped(privileges[0], all).output().unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn nobody_of_the_same_user_reads_the_memory_of_a_server() {
    let ultra = Ultra::empty();
    // Root may read everything: without the privilege to trace it is a user like others.
    let root = rustix::process::geteuid().is_root();
    let privileges = if root { &["setpriv", "--bounding-set=-sys_ptrace"][..] } else { &["env"] };
    let others = privileges.iter().skip(1).chain(&["sleep", "60"]);
    let mut other = ultra.wrapped(privileges[0], others).spawn().unwrap();
    let server = Server::under(&ultra, privileges, &["--mock"]);
    let told = read(&ultra, privileges, server.pid());
    assert!(told.contains("Permission denied"), "{told:?}");
    // Address 0 is not there, which is another error.
    let told = read(&ultra, privileges, other.id());
    assert!(!told.contains("Permission denied"), "{told:?}");
    other.kill().unwrap();
    other.wait().unwrap();
    server.stop();
}
