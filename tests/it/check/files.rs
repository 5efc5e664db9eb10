//! The files that hold secrets: who can read them, and what git makes of them.

use crate::support::{Outcome, Ultra, have};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

const SECRET: &str = "OPENAI_API_KEY=sk-0123456789abcdefghij\n";

fn git(ultra: &Ultra, args: &[&str]) {
    let done = ultra.wrapped("git", args).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {done:?}");
}

/// What a check says, with `before` as global flags.
fn judged(ultra: &Ultra, before: &[&str], id: &str) -> Value {
    let args = ["check", "readiness", "--profile", "dev", "-o", "json"];
    let all: Vec<&str> = before.iter().chain(&args).copied().collect();
    let document = ultra.run(&all).json();
    document["checks"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap().clone()
}

#[test]
fn a_tracked_secret_is_found_from_wherever_the_check_is_started() {
    if !have("git") {
        return;
    }
    let ultra = Ultra::empty();
    git(&ultra, &["init", "-q"]);
    ultra.write("sub/profiles/plain.yaml", "vars:\n  A: b\n");
    ultra.write_private("sub/.env.local", SECRET);
    git(&ultra, &["add", "-f", "sub/.env.local"]);
    let said = judged(&ultra, &["--dir", "sub"], "ULT-SEC-008");
    assert_eq!(said["outcome"], "fail", "{said}");
    assert!(said["fix"].as_str().unwrap().contains("sub/.env.local"), "{said}");
}

#[test]
fn a_git_that_cannot_answer_is_no_pass() {
    if !have("git") {
        return;
    }
    let ultra = Ultra::empty();
    git(&ultra, &["init", "-q"]);
    ultra.write_private(".env.local", SECRET);
    ultra.write(".gitignore", ".env.local\n");
    assert_eq!(judged(&ultra, &[], "ULT-SEC-008")["outcome"], "pass");
    // A program that is asked first must not hide what the other one says.
    git(&ultra, &["add", "-f", ".env.local"]);
    let index = ultra.root().join(".git/index");
    let good = std::fs::read(&index).unwrap();
    std::fs::write(&index, "damaged").unwrap();
    let said = judged(&ultra, &[], "ULT-SEC-008");
    assert_eq!(said["outcome"], "unknown", "{said}");
    std::fs::write(&index, good).unwrap();
    assert_eq!(judged(&ultra, &[], "ULT-SEC-008")["outcome"], "fail");
    std::fs::write(ultra.root().join(".git/HEAD"), "damaged").unwrap();
    assert_eq!(judged(&ultra, &[], "ULT-SEC-008")["outcome"], "unknown");
}

#[test]
fn a_name_that_git_fails_at_does_not_hide_a_tracked_one() {
    if !have("git") {
        return;
    }
    let ultra = Ultra::empty();
    git(&ultra, &["init", "-q"]);
    // A repository in the repository: `check-ignore` fails at names in it.
    let state = ultra.root().join("nested/state");
    let ultra = ultra.env("ULTRA_STATE_DIR", state.to_str().unwrap());
    std::fs::create_dir_all(&state).unwrap();
    let nested = ultra.root().join("nested");
    for args in [
        &["init", "-q"][..],
        &[
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@example.org",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "x",
        ],
    ] {
        let done = ultra.wrapped("git", args).current_dir(&nested).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    git(&ultra, &["-c", "advice.addEmbeddedRepo=false", "add", "nested"]);
    ultra.write_private(".env.local", SECRET);
    git(&ultra, &["add", "-f", ".env.local"]);
    let said = judged(&ultra, &[], "ULT-SEC-008");
    assert_eq!(said["outcome"], "fail", "{said}");
    git(&ultra, &["rm", "-q", "--cached", ".env.local"]);
    let said = judged(&ultra, &[], "ULT-SEC-008");
    assert_eq!(said["outcome"], "unknown", "{said}");
}

#[test]
fn git_is_not_asked_about_more_files_than_it_can_answer_for_in_time() {
    if !have("git") {
        return;
    }
    let mut ultra = Ultra::empty();
    git(&ultra, &["init", "-q"]);
    ultra.write(".gitignore", ".env.*\n");
    for n in 0..6000 {
        ultra.write_private(&format!(".env.{n}"), "A=b\n");
    }
    // A git that takes a millisecond a path.
    let real = std::env::var("PATH").unwrap();
    let programs = ultra.home().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let slow = programs.join("git");
    let script = format!(
        "#!/bin/sh\nPATH='{real}'\ncase \"$*\" in\n*check-ignore*) cat >paths.tmp; n=$(tr -dc '\\0' <paths.tmp | wc -c)\n  [ \"$n\" -gt 1000 ] && exec sleep 60\n  exec git \"$@\" <paths.tmp ;;\nesac\nexec git \"$@\"\n"
    );
    std::fs::write(&slow, script).unwrap();
    std::fs::set_permissions(&slow, std::fs::Permissions::from_mode(0o755)).unwrap();
    ultra.set_env("PATH", format!("{}:{real}", programs.display()));
    assert_eq!(judged(&ultra, &[], "ULT-SEC-008")["outcome"], "pass");
    ultra.write_private(".env.local", SECRET);
    ultra.write(".gitignore", ".env.*\n!.env.local\n");
    assert_eq!(judged(&ultra, &[], "ULT-SEC-008")["outcome"], "warn");
}

#[test]
fn many_files_do_not_keep_git_and_us_waiting_for_each_other() {
    if !have("git") {
        return;
    }
    let ultra = Ultra::empty();
    git(&ultra, &["init", "-q"]);
    ultra.write(".gitignore", ".env.*\n");
    let long = "x".repeat(200);
    for n in 0..1000 {
        ultra.write_private(&format!(".env.{long}{n}"), "A=b\n");
    }
    let args = ["check", "readiness", "--profile", "dev", "--only", "SEC-008", "-o", "json"];
    let mut child = ultra.command(args).stderr(std::process::Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let outcome = Outcome::from(child.wait_with_output().unwrap()).exits(0);
    assert_eq!(outcome.json()["checks"][0]["outcome"], "pass", "{}", outcome.stdout);
}

#[test]
fn every_private_file_of_the_state_directory_is_looked_at() {
    let ultra = Ultra::empty();
    let names = [
        "vault.age",
        "vault-index.json",
        "fingerprint.key",
        "identity.age",
        "identity.sealed",
        "seal.key",
        "dev-key",
        "data/dev.db",
    ];
    for name in names {
        let path = ultra.write_private(&format!(".ultra/{name}"), "x");
        std::fs::set_permissions(ultra.state(), std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let said = judged(&ultra, &[], "ULT-SEC-007");
        assert_eq!(said["outcome"], "fail", "{name}: {said}");
        assert!(said["fix"].as_str().unwrap().contains(name), "{said}");
        std::fs::remove_file(path).unwrap();
    }
}
