//! `kill -9` at every write, fsync, rename and link of a command that writes the vault: afterwards
//! the vault opens with the old value or the new one, and the next command works.

use super::provider::{Manner, Provider};
use super::{NEW, OLD, set, with_provider};
use crate::support::{Outcome, Ultra, eventually, have};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// The calls that change what is on disk.
pub(super) const CALLS: &[&str] =
    &["write", "fsync", "rename,renameat,renameat2", "link,linkat", "mkdir,mkdirat"];

/// Runs `args` with `stdin`, and has `fault` happen at call number `n` of these; whether it did.
fn disturbed(
    ultra: &Ultra,
    args: &[&str],
    stdin: &str,
    (calls, fault): (&str, &str),
    n: usize,
) -> (Outcome, bool) {
    let log = ultra.home().join("trace").display().to_string();
    let inject = format!("inject={calls}:{fault}:when={n}");
    let trace = format!("trace={calls}");
    let mut all = vec!["-f", "-qq", "-o", &log, "-e", &trace, "-e", &inject];
    all.push(env!("CARGO_BIN_EXE_ultra"));
    all.extend(args);
    let mut child = ultra.wrapped("strace", &all).stdin(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    let happened = std::fs::read_to_string(&log).unwrap().contains("INJECTED");
    std::fs::remove_file(log).unwrap();
    (outcome, happened)
}

/// Runs `args`, killed at the entry of call number `n` of these; whether it was.
pub(super) fn killed(ultra: &Ultra, args: &[&str], stdin: &str, calls: &str, n: usize) -> bool {
    let (outcome, _) = disturbed(ultra, args, stdin, (calls, "signal=KILL"), n);
    assert!(matches!(outcome.code, 0 | 137), "{outcome:?}");
    outcome.code == 137
}

pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Kills `args` at every step, each time from the state that `prepare` leaves, and has `judge`
/// look at what is left.
fn at_every_step(
    provider: &Provider,
    prepare: impl Fn(&Ultra),
    args: &[&str],
    judge: impl Fn(&Ultra, &str),
) {
    let prepared = with_provider(provider);
    prepare(&prepared);
    let mut kills = 0;
    for calls in CALLS {
        for n in 1..200 {
            let ultra = with_provider(provider);
            copy(prepared.home(), ultra.home());
            ultra.own_state();
            if !killed(&ultra, args, &format!("{NEW}\n"), calls, n) {
                break;
            }
            kills += 1;
            judge(&ultra, &format!("{args:?} killed at {calls} number {n}"));
        }
    }
    assert!(kills > 10, "only {kills} kills: strace does not do what is asked");
}

/// The value in use, as the provider sees it.
fn in_use(ultra: &Ultra, provider: &Provider, when: &str) -> String {
    provider.seen();
    let outcome = ultra.run(&["keys", "verify", "openai"]);
    assert_eq!(outcome.code, 0, "{when}: {outcome:?}");
    assert!(!outcome.stderr.contains("warning"), "{when}: {outcome:?}");
    let seen = provider.seen();
    assert_eq!(seen.len(), 1, "{when}");
    seen.into_iter().next().unwrap()
}

/// Nothing half-written is taken for something whole, and no temporary file holds a value.
fn tidy(ultra: &Ultra, when: &str) {
    ultra.run(&["keys", "list"]).exits(0);
    for entry in std::fs::read_dir(ultra.state()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(NEW) && !text.contains(OLD), "{when}: {}", path.display());
        }
    }
}

/// The versions of `openai` that were set, as the audit tells it: without what it takes back.
fn told(ultra: &Ultra) -> Vec<u64> {
    let audit = std::fs::read_to_string(ultra.state().join("audit.jsonl")).unwrap();
    let mut sets: Vec<(u64, u64)> = Vec::new();
    for line in audit.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let generation = line["generation"].as_u64().unwrap();
        match line["event"].as_str().unwrap() {
            "not-in-vault" => sets.retain(|(of, _)| *of <= generation),
            "set" | "replace" => sets.push((generation, line["version"].as_u64().unwrap())),
            _ => {}
        }
    }
    sets.into_iter().map(|(_, version)| version).collect()
}

#[test]
fn a_killed_set_leaves_the_old_value_or_the_new() {
    if !have("strace") {
        return;
    }
    let provider = Provider::knowing(&[OLD, NEW, "sk-next-0123456789"]);
    let prepare = |ultra: &Ultra| drop(set(ultra, "openai", OLD).exits(0));
    at_every_step(&provider, prepare, &["keys", "set", "openai", "--replace"], |ultra, when| {
        tidy(ultra, when);
        let value = in_use(ultra, &provider, when);
        assert!(value == OLD || value == NEW, "{when}: {value}");
        let stdin = "sk-next-0123456789\n";
        let next = ultra.run_with_stdin(&["keys", "set", "openai", "--replace"], stdin.as_bytes());
        assert_eq!(next.code, 0, "{when}: {next:?}");
        let shown = ultra.run(&["keys", "show", "openai", "-o", "json"]).exits(0).json();
        let versions = shown["versions"].as_array().unwrap();
        let last = versions.iter().filter_map(|v| v["number"].as_u64()).max().unwrap();
        assert_eq!(told(ultra), (1..=last).collect::<Vec<_>>(), "{when}");
    });
}

#[test]
fn a_killed_first_set_can_be_run_again() {
    if !have("strace") {
        return;
    }
    let provider = Provider::knowing(&[NEW, "sk-next-0123456789"]);
    at_every_step(
        &provider,
        |_| {},
        &["keys", "set", "openai"],
        |ultra, when| {
            if ultra.state().exists() {
                tidy(ultra, when);
            }
            let stdin = format!("{NEW}\n");
            let again = ultra.run_with_stdin(&["keys", "set", "openai"], stdin.as_bytes());
            // Refused if it had come to be kept after all.
            assert!(matches!(again.code, 0 | 6), "{when}: {again:?}");
            assert_eq!(in_use(ultra, &provider, when), NEW, "{when}");
        },
    );
}

#[test]
fn a_killed_rotation_is_resumed_or_aborted() {
    if !have("strace") {
        return;
    }
    let provider = Provider::knowing(&[OLD, NEW, "sk-next-0123456789"]);
    let prepare = |ultra: &Ultra| drop(set(ultra, "openai", OLD).exits(0));
    let ways = std::cell::Cell::new(0);
    at_every_step(&provider, prepare, &["keys", "rotate", "openai"], |ultra, when| {
        tidy(ultra, when);
        let value = in_use(ultra, &provider, when);
        assert!(value == OLD || value == NEW, "{when}: {value}");
        ways.set(ways.get() + 1);
        let stdin = format!("{NEW}\n");
        let again = ultra.run_with_stdin(&["keys", "rotate", "openai"], stdin.as_bytes());
        match again.code {
            // It had not begun, or had ended.
            0 => assert_eq!(value, OLD, "{when}"),
            3 => assert_eq!(value, NEW, "{when}: {again:?}"),
            6 if ways.get() % 2 == 0 && value == OLD => {
                ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(0);
                assert_eq!(in_use(ultra, &provider, when), OLD, "{when}");
                let next = ultra.run_with_stdin(&["keys", "rotate", "openai"], stdin.as_bytes());
                assert_eq!(next.code, 0, "{when}: {next:?}");
            }
            6 => drop(ultra.run(&["keys", "rotate", "openai", "--resume"]).exits(0)),
            other => panic!("{when}: {other}: {again:?}"),
        }
        assert_eq!(in_use(ultra, &provider, when), NEW, "{when}");
        let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0);
        assert_eq!(status.json()["rotations"].as_array().unwrap().len(), 0, "{when}");
    });
}

#[test]
fn a_full_disk_leaves_the_old_value_or_the_new() {
    if !have("strace") {
        return;
    }
    let provider = Provider::knowing(&[OLD, NEW, "sk-next-0123456789"]);
    let prepared = with_provider(&provider);
    set(&prepared, "openai", OLD).exits(0);
    let mut failures = 0;
    for calls in ["write", "fsync", "rename,renameat,renameat2"] {
        for n in 1..200 {
            let ultra = with_provider(&provider);
            copy(prepared.home(), ultra.home());
            ultra.own_state();
            let args = ["keys", "set", "openai", "--replace"];
            let fault = (calls, "error=ENOSPC");
            let (outcome, happened) = disturbed(&ultra, &args, &format!("{NEW}\n"), fault, n);
            if !happened {
                break;
            }
            let when = format!("no space at {calls} number {n}: {outcome:?}");
            tidy(&ultra, &when);
            let value = in_use(&ultra, &provider, &when);
            match outcome.code {
                0 => assert_eq!(value, NEW, "{when}"),
                5 => {
                    failures += 1;
                    // What is told to have failed was not done.
                    assert_eq!(value, OLD, "{when}");
                }
                // The answer could not be written.
                1 => failures += 1,
                // The call that was disturbed was no write to a disk: the client's runtime wakes
                // itself through a descriptor that never is full.
                101 if outcome.stderr.contains("failed to wake I/O driver") => {
                    assert_eq!(value, OLD, "{when}");
                }
                other => panic!("exit {other}: {when}"),
            }
            let left = std::fs::read_dir(ultra.state()).unwrap();
            let temporary =
                |e: &std::fs::DirEntry| e.file_name().to_string_lossy().ends_with(".tmp");
            assert_eq!(left.map(Result::unwrap).filter(temporary).count(), 0, "{when}");
            let next = ultra.run_with_stdin(&args, b"sk-next-0123456789\n");
            assert_eq!(next.code, 0, "{when}: {next:?}");
        }
    }
    assert!(failures > 5, "only {failures} failures: strace does not do what is asked");
}

/// What the provider is to know while a command is killed, whatever it knew before.
fn prepared_end(provider: &Provider, ultra: &Ultra, flags: &[&str]) {
    provider.becomes(Manner::Knows(vec![OLD.to_owned(), NEW.to_owned()]));
    set(ultra, "openai", OLD).exits(0);
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    ultra.run(&["keys", "rotate", "jwt"]).exits(0);
    let args = [&["keys", "rotate", "openai"], flags].concat();
    ultra.run_with_stdin(&args, format!("{NEW}\n").as_bytes()).exits(0);
    provider.becomes(Manner::Knows(vec![NEW.to_owned()]));
}

/// The states of the versions of a key, oldest first; nothing is under way.
fn settled(ultra: &Ultra, name: &str, when: &str) -> Vec<String> {
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
    assert_eq!(status["rotations"].as_array().unwrap().len(), 0, "{when}");
    ultra.run(&["keys", "audit", "--verify"]).exits(0);
    let shown = ultra.run(&["keys", "show", name, "-o", "json"]).exits(0).json();
    let state = |v: &serde_json::Value| v["state"].as_str().unwrap().to_owned();
    shown["versions"].as_array().unwrap().iter().map(state).collect()
}

/// Runs what was killed again. If it was left under way, that is said, with the ways on, one of
/// which is taken.
fn again(ultra: &Ultra, args: &[&str], name: &str, give_up: bool, when: &str) {
    let next = ultra.run(args);
    if next.code == 6 {
        next.complains("--resume").complains("--abort");
        let way = if give_up { "--abort" } else { "--resume" };
        ultra.run(&["keys", "rotate", name, way]).exits(0);
        let last = ultra.run(args);
        // Ended by then, there is no such version any more.
        assert!(matches!(last.code, 0 | 2), "{when}: {last:?}");
    } else {
        assert!(matches!(next.code, 0 | 2), "{when}: {next:?}");
    }
}

#[test]
fn a_killed_end_of_a_version_is_gone_on_with_or_given_up() {
    if !have("strace") {
        return;
    }
    let provider = Provider::knowing(&[OLD, NEW]);
    let ways = std::cell::Cell::new(0);
    for (args, name, left) in [
        (
            &["keys", "disable", "openai", "--version", "1"][..],
            "openai",
            &["disabled", "current"][..],
        ),
        (&["keys", "disable", "jwt", "--version", "1", "--yes"], "jwt", &["disabled", "current"]),
        (&["keys", "remove", "openai", "--version", "1", "--yes"], "openai", &["current"]),
    ] {
        let prepare = |ultra: &Ultra| prepared_end(&provider, ultra, &[]);
        at_every_step(&provider, prepare, args, |ultra, when| {
            tidy(ultra, when);
            ways.set(ways.get() + 1);
            again(ultra, args, name, ways.get() % 2 == 0, when);
            assert_eq!(settled(ultra, name, when), left, "{when}");
            assert_eq!(in_use(ultra, &provider, when), NEW, "{when}");
        });
    }
}

#[test]
fn a_killed_end_of_a_grace_is_gone_on_with() {
    if !have("strace") {
        return;
    }
    let provider = Provider::knowing(&[OLD, NEW]);
    let due = |ultra: &Ultra| {
        prepared_end(&provider, ultra, &["--grace", "1s", "--drain", "1s"]);
        eventually(Duration::from_secs(20), "the grace to be over", || {
            let status = ultra.run(&["keys", "status"]).exits(0);
            status.stdout.contains("its grace is over").then_some(())
        });
    };
    let args = ["keys", "rotate", "--all-due"];
    at_every_step(&provider, due, &args, |ultra, when| {
        tidy(ultra, when);
        ultra.run(&args).exits(0);
        assert_eq!(settled(ultra, "openai", when), ["disabled", "current"], "{when}");
        assert_eq!(in_use(ultra, &provider, when), NEW, "{when}");
    });
}

#[test]
fn a_killed_removal_of_a_key_can_be_run_again() {
    if !have("strace") {
        return;
    }
    let provider = Provider::knowing(&[OLD, NEW]);
    let prepare = |ultra: &Ultra| prepared_end(&provider, ultra, &[]);
    let args = ["keys", "remove", "openai", "--yes"];
    at_every_step(&provider, prepare, &args, |ultra, when| {
        tidy(ultra, when);
        again(ultra, &args, "openai", false, when);
        let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
        assert_eq!(status["rotations"].as_array().unwrap().len(), 0, "{when}");
        ultra.run(&["keys", "show", "openai"]).exits(2);
        set(ultra, "openai", NEW).exits(0);
        assert_eq!(in_use(ultra, &provider, when), NEW, "{when}");
    });
}
