//! A cloned project that brings a state directory of its author's: nothing in it is believed, and
//! nothing is written where its links lead.

use crate::support::{Outcome, Ultra, have};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

fn git(ultra: &Ultra, dir: &Path, args: &[&str]) {
    let name = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
    let done = ultra.wrapped("git", name.iter().chain(args)).current_dir(dir).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {done:?}");
}

/// The author's repository, with what `fill` puts into it.
fn authored(ultra: &Ultra, fill: impl Fn(&Path)) -> PathBuf {
    let dir = ultra.home().join("author");
    if !dir.exists() {
        std::fs::create_dir_all(dir.join("profiles")).unwrap();
        git(ultra, &dir, &["init", "-q"]);
        std::fs::write(dir.join("profiles/plain.yaml"), "vars:\n  A: b\n").unwrap();
    }
    fill(&dir);
    git(ultra, &dir, &["add", "-f", "--all"]);
    git(ultra, &dir, &["commit", "-q", "-m", "a state"]);
    dir
}

/// A clone of a repository with that in it.
fn cloned(fill: impl Fn(&Path)) -> Ultra {
    let ultra = Ultra::empty();
    let dir = authored(&ultra, fill);
    git(&ultra, ultra.root(), &["clone", "-q", dir.to_str().unwrap(), "."]);
    ultra
}

fn write(dir: &Path, path: &str, content: &str) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

const RECORD: &str = r#"{"generation":7,"to":"dev","dotenv":"leave"}"#;

fn refused(outcome: Outcome) {
    outcome.exits(6).complains(".ultra").complains("ULTRA_STATE_DIR");
}

#[test]
fn a_lock_that_is_a_link_overwrites_no_file_of_the_user() {
    if !have("git") {
        return;
    }
    let mut ultra = cloned(|dir| {
        write(dir, ".ultra/switch.json", RECORD);
        symlink("../../shellrc", dir.join(".ultra/switch.lock")).unwrap();
    });
    let mine = ultra.home().join("shellrc");
    std::fs::write(&mine, "mine").unwrap();
    for args in [&["env", "current"][..], &["env", "switch", "plain"], &["check", "readiness"]] {
        refused(ultra.run(args));
    }
    ultra.run(&["env", "current"]).complains("git tracks `.ultra/switch.");
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
    // Both ways out.
    ultra.set_env("ULTRA_STATE_DIR", ultra.home().join("state").to_str().unwrap());
    ultra.run(&["env", "current"]).exits(0);
    ultra.unset_env("ULTRA_STATE_DIR");
    git(&ultra, ultra.root(), &["rm", "-q", "-r", "-f", ".ultra"]);
    ultra.run(&["env", "switch", "plain"]).exits(0);
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
}

#[test]
fn a_state_directory_that_is_a_link_is_not_followed() {
    let ultra = Ultra::empty();
    ultra.write("profiles/plain.yaml", "vars:\n  A: b\n");
    let elsewhere = ultra.home().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    symlink("../elsewhere", ultra.state()).unwrap();
    refused(ultra.run(&["env", "switch", "plain"]));
    refused(ultra.run(&["serve", "--profile", "dev"]));
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_state_directory_of_another_user_is_not_believed() {
    let ultra = Ultra::empty();
    ultra.write(".ultra/switch.json", RECORD);
    // Only root may give a directory away; elsewhere there is nothing to try.
    if std::os::unix::fs::chown(ultra.state(), Some(65534), None).is_ok() {
        refused(ultra.run(&["env", "current"]));
    }
}

#[test]
fn links_in_a_state_directory_lead_nowhere_without_git_too() {
    let ultra = Ultra::empty();
    ultra.write("profiles/plain.yaml", "vars:\n  A: b\n");
    ultra.write(".ultra/switch.json", RECORD);
    let elsewhere = ultra.home().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    symlink("../../elsewhere", ultra.state().join("history")).unwrap();
    ultra.run(&["env", "current"]).exits(0).complains("generation 7");
    refused(ultra.run(&["env", "switch", "plain"]));
    std::fs::remove_file(ultra.state().join("history")).unwrap();
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);

    std::fs::remove_file(ultra.state().join("switch.lock")).unwrap();
    let mine = ultra.home().join("mine");
    std::fs::write(&mine, "mine").unwrap();
    symlink(&mine, ultra.state().join("switch.lock")).unwrap();
    ultra.run(&["env", "current"]).exits(0).complains("symbolic link");
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
}

#[test]
fn databases_and_journals_are_written_through_no_link() {
    let ultra = Ultra::empty();
    ultra.write("profiles/plain.yaml", "vars:\n  A: b\n");
    ultra.run(&["env", "switch", "plain"]).exits(0);
    let elsewhere = ultra.home().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let link = |name: &str| {
        symlink("../../elsewhere", ultra.state().join(name)).unwrap();
    };
    for folder in ["journal", "data"] {
        link(folder);
        for args in [&["serve", "--port", "auto"][..], &["db", "migrate"]] {
            let outcome = ultra.run(args).complains(&format!("`.ultra/{folder}` leads elsewhere"));
            refused(outcome.complains(&format!("rm .ultra/{folder}")));
        }
    }
    // Both at once; nothing is written, whatever was asked for.
    ultra
        .run(&["serve"])
        .exits(6)
        .complains("`.ultra/journal` leads")
        .complains("`.ultra/data` leads");
    ultra.run(&["auth", "service-key", "create", "ci"]).exits(6);
    for args in [&["usage", "report"][..], &["db", "status"], &["check", "readiness"]] {
        ultra.run(args);
    }
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_key_that_the_author_knows_opens_no_server() {
    if !have("git") {
        return;
    }
    let key = "uk_00000000000000000000.1111111111111111111111111111111111111111111";
    let ultra = cloned(|dir| write(dir, ".ultra/dev-key", key));
    std::fs::set_permissions(ultra.state().join("dev-key"), std::fs::Permissions::from_mode(0o600))
        .unwrap();
    std::fs::set_permissions(ultra.state(), std::fs::Permissions::from_mode(0o700)).unwrap();
    refused(ultra.run(&["serve", "--profile", "dev", "--port", "0"]));
}

#[test]
fn nor_one_that_comes_with_a_later_pull() {
    if !have("git") {
        return;
    }
    let ultra = cloned(|_| {});
    ultra.run(&["env", "switch", "plain"]).exits(0);
    ultra.run(&["env", "current"]).exits(0).says("plain");
    // What the user commits changes nothing.
    ultra.write("profiles/mine.yaml", "vars:\n  A: c\n");
    git(&ultra, ultra.root(), &["add", "profiles"]);
    git(&ultra, ultra.root(), &["commit", "-q", "-m", "mine"]);
    ultra.run(&["env", "current"]).exits(0).says("plain");
    ultra.run(&["env", "current"]).exits(0).says("plain");

    authored(&ultra, |dir| write(dir, ".ultra/dev-key", "theirs"));
    git(&ultra, ultra.root(), &["pull", "-q", "--no-rebase"]);
    refused(ultra.run(&["env", "current"]));
    ultra.run(&["env", "current"]).exits(6).complains("git tracks `.ultra/dev-key`");
}

#[test]
fn git_is_asked_again_only_after_it_has_written() {
    if !have("git") || !have("strace") {
        return;
    }
    let ultra = cloned(|_| {});
    ultra.run(&["env", "switch", "plain"]).exits(0);
    let asks = || {
        let log = ultra.home().join("trace");
        let options = ["-f", "-qq", "-e", "trace=execve", "-o", log.to_str().unwrap()];
        let args = options.into_iter().chain([env!("CARGO_BIN_EXE_ultra"), "env", "current"]);
        let done = ultra.wrapped("strace", args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        std::fs::read_to_string(log).unwrap().contains("ls-files")
    };
    assert!(!asks(), "the state directory was made after the clone");
    ultra.write("profiles/mine.yaml", "vars:\n  A: c\n");
    git(&ultra, ultra.root(), &["add", "profiles"]);
    assert!(asks(), "git has written its index");
    assert!(!asks(), "the answer was not remembered");
    // Without an answer nothing is believed.
    std::fs::write(ultra.root().join(".git/index"), "damaged").unwrap();
    unanswered(ultra.run(&["env", "current"])).complains("see to it that `git ls-files` works");
}

/// Nobody could say whose state directory it is.
fn unanswered(outcome: Outcome) -> Outcome {
    let outcome = outcome.exits(5).complains("nobody knows whether the state directory came");
    outcome.complains(".ultra").complains("export ULTRA_STATE_DIR=")
}

#[test]
fn a_git_that_is_gone_or_frozen_is_told_as_such_with_a_way_out() {
    if !have("git") {
        return;
    }
    let mut ultra = cloned(|_| {});
    ultra.run(&["env", "switch", "plain"]).exits(0);
    git(&ultra, ultra.root(), &["commit", "-q", "--allow-empty", "-m", "mine"]);
    git(&ultra, ultra.root(), &["rm", "-q", "--cached", "profiles/plain.yaml"]);
    let programs = ultra.home().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let before = std::env::var("PATH").unwrap();
    ultra.set_env("PATH", programs.to_str().unwrap());
    for args in [&["env", "current"][..], &["env", "run", "--", "true"], &["check", "readiness"]] {
        unanswered(ultra.run(args)).complains("git cannot be started").complains("install git");
    }
    let frozen = programs.join("git");
    std::fs::write(&frozen, "#!/bin/sh\nexec /bin/sleep 600\n").unwrap();
    std::fs::set_permissions(&frozen, std::fs::Permissions::from_mode(0o755)).unwrap();
    let begun = std::time::Instant::now();
    let outcome = unanswered(ultra.run(&["env", "current"]));
    outcome.complains("git took longer than 2 s").complains("see why `git ls-files` takes so long");
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
    // Both ways out.
    ultra.set_env("ULTRA_STATE_DIR", ultra.home().join("state").to_str().unwrap());
    ultra.run(&["env", "current"]).exits(0);
    ultra.unset_env("ULTRA_STATE_DIR");
    ultra.set_env("PATH", before);
    ultra.run(&["env", "current"]).exits(0).says("plain");
}

#[test]
fn a_service_key_that_others_can_read_is_replaced() {
    let ultra = Ultra::empty();
    crate::support::Server::start(&ultra, &[]).stop();
    let first = ultra.read(".ultra/dev-key");
    crate::support::Server::start(&ultra, &[]).stop();
    assert_eq!(ultra.read(".ultra/dev-key"), first);
    let path = ultra.state().join("dev-key");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = crate::support::Server::start(&ultra, &[]).stop();
    said.complains("dev-key").complains("others could read");
    assert_ne!(ultra.read(".ultra/dev-key"), first);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn nor_one_that_was_unpacked_with_the_project() {
    for repository in [false, true] {
        let ultra = Ultra::empty();
        if ultra.root().metadata().unwrap().created().is_err() {
            println!("SKIPPED: this file system does not say when a directory was made");
            return;
        }
        ultra.write("profiles/plain.yaml", "vars:\n  A: b\n");
        ultra.run(&["env", "switch", "plain"]).exits(0);
        // As from an archive: everything as it was, the mark and its age included.
        let state = ultra.state();
        let archive = ultra.home().join("archive");
        let copy = |from: &Path, to: &Path| {
            let done = ultra.wrapped("cp", ["-a"].map(Path::new).iter().copied().chain([from, to]));
            assert!({ done }.output().unwrap().status.success());
        };
        copy(&state, &archive);
        std::fs::remove_dir_all(&state).unwrap();
        copy(&archive, &state);
        if repository && have("git") {
            git(&ultra, ultra.root(), &["init", "-q"]);
            git(&ultra, ultra.root(), &["add", "profiles"]);
        }
        refused(ultra.run(&["env", "current"]).complains("was not made here"));
        refused(ultra.run(&["serve", "--profile", "dev", "--port", "0"]));
        // Its owner says so once, or has it elsewhere.
        let ultra = ultra.env("ULTRA_STATE_DIR", state.to_str().unwrap());
        ultra.run(&["env", "current"]).exits(0).says("plain");
        let mut ultra = ultra;
        ultra.unset_env("ULTRA_STATE_DIR");
        ultra.run(&["env", "current"]).exits(0).says("plain");
        // A directory with nothing in it says nothing.
        std::fs::remove_dir_all(&state).unwrap();
        std::fs::create_dir(&state).unwrap();
        ultra.run(&["env", "current"]).exits(0).says("dev");
        ultra.run(&["env", "switch", "plain"]).exits(0);
        ultra.run(&["env", "current"]).exits(0).says("plain");
    }
}
