//! The scripts of this repository: what runs one at a time says that it waits, and what it starts
//! cannot keep its lock.

use crate::support::{Outcome, eventually, have};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A program that stands in for all that a script calls: it notes its name and the files that it
/// was handed open, and fails where `fails` says so.
const STAND_IN: &str = r#"#!/bin/sh
echo "$(basename "$0") $*" >> "$NOTES"
for file in /proc/$$/fd/*; do echo "  $(readlink "$file")" >> "$NOTES"; done
case " $* " in *" $FAILS "*) exit 1 ;; esac
"#;

/// A script with programs of the test's own in the place of those that take long.
struct Staged {
    dir: tempfile::TempDir,
    script: &'static str,
    fails: &'static str,
}

impl Staged {
    fn new(script: &'static str, programs: &[&str], fails: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        for program in programs {
            let path = bin.join(program);
            std::fs::write(&path, STAND_IN).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { dir, script, fails }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self) -> Command {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(self.script));
        command
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("CARGO_TARGET_DIR", self.path("target"))
            .env("DEBIAN_MIRROR", "http://127.0.0.1:1")
            .env("NOTES", self.path("notes"))
            .env("FAILS", self.fails)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to where a program fails: no program was handed the lock.
    fn hands_on_no_lock(&self, lock: &str) {
        let outcome = Outcome::from(self.command().output().unwrap());
        assert_ne!(outcome.code, 0, "{outcome:?}");
        let notes = std::fs::read_to_string(self.path("notes")).unwrap();
        assert!(notes.contains(self.fails), "{notes}\n{outcome:?}");
        let lock = self.path(lock);
        assert!(lock.is_file(), "{notes}");
        assert!(!notes.contains(lock.to_str().unwrap()), "{notes}");
    }

    /// Somebody else has the lock: it says so and waits until it is free.
    fn says_that_it_waits(&self, lock: &str) {
        let lock = std::fs::File::options().write(true).open(self.path(lock)).unwrap();
        lock.lock().unwrap();
        std::fs::remove_file(self.path("notes")).unwrap();
        let mut child = self.command().spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("waiting"), "{line:?}");
        assert!(!self.path("notes").exists() && child.try_wait().unwrap().is_none());
        lock.unlock().unwrap();
        let ended = || child.try_wait().unwrap();
        eventually(Duration::from_secs(60), "the end of the script", ended);
        assert!(self.path("notes").exists());
    }
}

#[test]
fn an_image_is_built_by_one_at_a_time_and_leaves_no_lock_behind() {
    if !have("flock") {
        return;
    }
    let staged = Staged::new("scripts/image", &["buildah", "debootstrap"], "build");
    staged.hands_on_no_lock("cache/ultra/image/lock");
    staged.says_that_it_waits("cache/ultra/image/lock");
    // The base images, which are made first where there are none.
    let staged = Staged::new("scripts/image", &["buildah", "debootstrap"], "inspect");
    let outcome = Outcome::from(staged.command().output().unwrap());
    let notes = std::fs::read_to_string(staged.path("notes")).unwrap();
    assert!(notes.contains("debootstrap --variant"), "{notes}\n{outcome:?}");
    let lock = staged.path("cache/ultra/image/lock");
    let notes = notes.lines().collect::<Vec<_>>();
    assert!(!notes.iter().any(|line| line.contains(lock.to_str().unwrap())), "{notes:?}");
}

#[test]
fn ci_runs_one_at_a_time_and_leaves_no_lock_behind() {
    if !have("flock") {
        return;
    }
    let staged = Staged::new(".ci/run", &["make"], "test");
    staged.hands_on_no_lock("target/.ci.lock");
    staged.says_that_it_waits("target/.ci.lock");
}
