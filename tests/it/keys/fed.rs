//! Rotation of a value that a file feeds: tested here, stored by whoever feeds the file, waited for
//! until every server has it.

use super::provider::{Manner, Provider};
use super::servers::{dev_key, send, servers};
use super::{NEW, OLD, nowhere, set, with_provider};
use crate::support::services::Postgres;
use crate::support::{Outcome, Server, Ultra, eventually};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);
const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}"#;

/// A root whose `openai` comes from a file outside of it, which holds the old value.
fn fed(provider: &Provider) -> (Ultra, PathBuf, tempfile::TempDir) {
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("openai");
    std::fs::write(&file, format!("{OLD}\n")).unwrap();
    let ultra = with_provider(provider).env("OPENAI_API_KEY_FILE", file.display().to_string());
    (ultra, file, outside)
}

fn rotate(ultra: &Ultra, value: &str, wait: &str) -> Outcome {
    let args = ["keys", "rotate", "openai", "--wait", wait];
    ultra.run_with_stdin(&args, format!("{value}\n").as_bytes())
}

/// Runs a command line as it was said, with this on its stdin.
fn paste(line: &str, value: &str) {
    let mut sh =
        std::process::Command::new("sh").args(["-c", line]).stdin(Stdio::piped()).spawn().unwrap();
    sh.stdin.take().unwrap().write_all(format!("{value}\n").as_bytes()).unwrap();
    assert!(sh.wait().unwrap().success(), "{line}");
}

/// The command in what was said on stderr.
fn command(outcome: &Outcome) -> String {
    let line = outcome.stderr.lines().map(str::trim).find(|line| line.starts_with("(umask"));
    line.unwrap_or_else(|| panic!("no command in {}", outcome.stderr)).to_owned()
}

fn journal(ultra: &Ultra) -> PathBuf {
    ultra.state().join("fed/dev.openai.json")
}

fn chat(server: &Server, key: &str) -> (u16, String) {
    send(server.addr(), "POST", "/v1/chat/completions", key, CHAT)
}

#[test]
fn it_is_tested_stored_by_others_and_in_use_without_a_failed_request() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let (ultra, file, _outside) = fed(&provider);
    let server = Server::start(&ultra, &["--real"]);
    let key = dev_key(&ultra);
    let (done, failed) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let outcomes = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let answer = chat(&server, &key);
                if answer.0 != 200 {
                    failed.lock().unwrap().push(answer);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let waits = rotate(&ultra, NEW, "300ms").exits(5).complains("holds another value");
        let waits = waits.complains("not in use everywhere").complains("--resume");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{OLD}\n"), "it was written");
        let status = ultra.run(&["keys", "status"]).exits(0).says("--resume").says("another value");
        rotate(&ultra, "sk-third-canary-99d8e7f6a5", "300ms").exits(6).complains("--abort");
        let again = rotate(&ultra, NEW, "300ms").exits(5);
        assert_eq!(command(&again), command(&waits));

        // Whoever waits sees it come, wherever it is stored from.
        let waiting = ultra
            .command(["keys", "rotate", "openai", "--resume", "--wait", "40s", "-o", "json"])
            .spawn()
            .unwrap();
        paste(&command(&waits), NEW);
        let outcome = Outcome::from(waiting.wait_with_output().unwrap()).exits(0);
        assert_eq!(outcome.json()["state"], "current");
        assert_eq!(outcome.json()["replicas"]["on"], 1);
        assert_eq!(outcome.json()["replicas"]["of"], 1);
        provider.seen();
        std::thread::sleep(Duration::from_millis(100));
        done.store(true, Ordering::Relaxed);
        [waits, status, again, outcome]
    });
    assert!(failed.lock().unwrap().is_empty(), "{:?}", failed.lock().unwrap());
    let seen = provider.seen();
    assert!(!seen.is_empty() && seen.iter().all(|key| key == NEW), "{seen:?}");
    assert!(!journal(&ultra).exists());
    provider.becomes(Manner::Knows(vec![NEW.to_owned()]));
    assert_eq!(chat(&server, &key).0, 200);

    let audit = ultra.run(&["keys", "audit", "--verify"]).exits(0);
    let audit = audit.says("fed.tested").says("fed.acknowledged").says("1 of 1 server");
    assert!(!audit.stdout.contains("v0"), "{}", audit.stdout);
    rotate(&ultra, NEW, "300ms").exits(3).complains("in use");
    let log = server.stop();
    nowhere(&ultra, &outcomes.iter().chain([&audit, &log]).collect::<Vec<_>>(), &[OLD, NEW]);
}

#[test]
fn what_cannot_be_right_is_not_waited_for() {
    let provider = Provider::knowing(&[OLD]);
    let (ultra, file, _outside) = fed(&provider);
    let refused = rotate(&ultra, NEW, "0").exits(3).complains("refuses");
    rotate(&ultra, &format!(" {NEW}"), "0").exits(3).complains("white space");
    rotate(&ultra, OLD, "0").exits(3).complains("in use");
    for manner in [Manner::Says("503 Busy", "KEY"), Manner::Says("429 Too Many Requests", "KEY")] {
        provider.becomes(manner);
        rotate(&ultra, NEW, "0").exits(5).complains("nothing was changed");
    }
    let grace = ["keys", "rotate", "openai", "--grace", "1h", "--drain", "1m"];
    ultra.run_with_stdin(&grace, NEW.as_bytes()).exits(2).complains("`--drain`");
    assert!(!journal(&ultra).exists());
    assert_eq!(std::fs::read_to_string(file).unwrap(), format!("{OLD}\n"));
    for flag in ["--resume", "--abort"] {
        ultra.run(&["keys", "rotate", "openai", flag]).exits(2).complains("no rotation");
    }
    nowhere(&ultra, &[&refused], &[OLD, NEW]);
}

#[test]
fn giving_up_says_what_the_file_holds() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let (ultra, file, _outside) = fed(&provider);
    let abort = ["keys", "rotate", "openai", "--abort"];
    rotate(&ultra, NEW, "0").exits(5);
    ultra.run(&abort).exits(0).says("holds another value than the new one");
    assert!(!journal(&ultra).exists());
    rotate(&ultra, NEW, "0").exits(5);
    std::fs::write(&file, NEW).unwrap();
    ultra.run(&abort).exits(0).says("store the value before");
    ultra.run(&abort).exits(2);

    // With nobody running the file alone counts; a timer goes on with it, too.
    std::fs::write(&file, OLD).unwrap();
    rotate(&ultra, NEW, "0").exits(5);
    let due = ["keys", "rotate", "--all-due", "--wait", "0"];
    ultra.run(&due).exits(5).says("left").says("--resume");
    std::fs::write(&file, NEW).unwrap();
    ultra.run(&due).exits(0).says("rotated");
    assert!(!journal(&ultra).exists());
}

/// The file is only seen by the servers.
#[test]
fn servers_alone_may_see_the_file() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let (mut ultra, file, _outside) = fed(&provider);
    let server = Server::start(&ultra, &["--real"]);
    ultra.unset_env("OPENAI_API_KEY_FILE");
    eventually(PATIENCE, "its first sign of life", || (!servers(&ultra).is_empty()).then_some(()));
    let waits = rotate(&ultra, NEW, "300ms").exits(5).complains(&file.display().to_string());
    let waits = waits.complains("0 of 1 server");
    paste(&command(&waits), NEW);
    ultra.run(&["keys", "rotate", "openai", "--resume"]).exits(0).says("1 of 1 replica");
    server.stop();
}

/// A server whose fingerprints cannot be compared is named, not believed.
#[test]
fn a_server_with_fingerprints_of_its_own_is_named() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let (ultra, _file, _outside) = fed(&provider);
    let server = Server::start(&ultra, &["--real"]);
    eventually(PATIENCE, "its first sign of life", || (!servers(&ultra).is_empty()).then_some(()));
    std::fs::remove_file(ultra.state().join("fingerprint.key")).unwrap();
    rotate(&ultra, OLD, "0").exits(5).complains("another `fingerprint.key`");
    ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(0).says("holds the new value");
    server.stop();
}

/// Nothing but the store connects the server with the command line: neither a state directory nor a
/// vault. What shows is whether its value is the one that is waited for, and not the value.
#[test]
fn a_server_with_nothing_but_the_store_in_common_shows_which_value_it_has() {
    let Some(postgres) = Postgres::shared() else { return };
    let [old, new] = ["old", "new"].map(|s| format!("sk-{s}-canary-{}", "0d9f4c27".repeat(4)));
    let provider = Provider::knowing(&[&old, &new]);
    for here in [true, false] {
        let url = postgres.database();
        let (cli, file, _outside) = fed(&provider);
        std::fs::write(&file, &old).unwrap();
        let mut cli = cli.env("DATABASE_URL", &url);
        cli.run(&["db", "migrate", "--yes"]).exits(0);
        let elsewhere = Ultra::empty()
            .env("DATABASE_URL", &url)
            .env("OPENAI_BASE_URL", provider.base_url())
            .env("OPENAI_API_KEY_FILE", file.display().to_string());
        let server = Server::start(&elsewhere, &["--real"]);
        if !here {
            cli.unset_env("OPENAI_API_KEY_FILE");
        }
        eventually(PATIENCE, "its sign of life", || (servers(&cli).len() == 1).then_some(()));
        let waits = rotate(&cli, &new, "300ms").exits(5).complains("0 of 1 server");
        assert!(!waits.stderr.contains("fingerprint.key"), "{}", waits.stderr);
        std::fs::write(&file, &new).unwrap();
        let resume = ["keys", "rotate", "openai", "--resume", "--wait"];
        let done = if here {
            // The file that is read here holds the value that is waited for.
            cli.run(&[&resume[..], &["40s"]].concat())
        } else {
            let asked = cli.run(&[&resume[..], &["300ms"]].concat()).exits(5);
            asked.complains("the same command with the same value");
            rotate(&cli, &new, "40s")
        };
        let done = done.exits(0).says("1 of 1 replica");
        let beats = cli.run(&["db", "status", "-o", "json"]).exits(0);
        let log = server.stop();
        nowhere(&cli, &[&waits, &done, &beats, &log], &[&old, &new]);
        nowhere(&elsewhere, &[], &[&old, &new]);
    }
}

/// The profile refers to the name no more, and its new value is waited for still.
#[test]
fn a_name_that_left_the_profile_holds_nothing_up_and_can_be_given_up() {
    let provider = Provider::knowing(&[OLD]);
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("jwt");
    std::fs::write(&file, "a".repeat(40)).unwrap();
    let ultra = with_provider(&provider).env("ULTRA_JWT_KEY_FILE", file.display().to_string());
    set(&ultra, "openai", OLD).exits(0);
    ultra.write("profiles/dev.yaml", "secrets: {ULTRA_JWT_KEY: 'vault:team-jwt'}\n");
    ultra.run(&["env", "trust", "--yes"]);
    let args = ["keys", "rotate", "team-jwt", "--wait", "0"];
    ultra.run_with_stdin(&args, "b".repeat(40).as_bytes()).exits(5).complains("--resume");
    ultra.write("profiles/dev.yaml", "mode: mock\n");
    ultra.run(&["env", "trust", "--yes"]);
    let due = ultra.run(&["keys", "rotate", "--all-due", "--wait", "0"]).exits(5);
    due.says("team-jwt").says("--abort");
    ultra.run(&["keys", "rotate", "nobody", "--abort"]).exits(2).complains("unknown key");
    ultra.run(&["keys", "rotate", "team-jwt", "--abort"]).exits(0).says("is given up");
    ultra.run(&["keys", "rotate", "--all-due", "--wait", "0"]).exits(0).says("nothing is due");
    ultra.run(&["keys", "rotate", "team-jwt", "--abort"]).exits(2).complains("unknown key");
}
