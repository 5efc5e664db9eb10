//! A disk that is full: a small file system of its own as the state directory, filled to the brim.

use super::provider::{Manner, Provider};
use super::{NEW, OLD, set, with_provider};
use crate::support::{Outcome, Ultra, have};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: u64 = 4_096;

/// A file system in memory; gone with the test.
struct Small(PathBuf);

impl Small {
    /// `None`, visibly, where nobody may mount anything.
    fn at(path: &Path) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs"]).arg(path);
        let done = mount.output().unwrap();
        if !done.status.success() {
            println!("SKIPPED: nothing may be mounted here: {done:?}");
            return None;
        }
        Some(Self(path.to_path_buf()))
    }

    /// Leaves so many pages free.
    fn fill(&self, pages: u64) {
        let mut filler = File::create(self.0.join("filler")).unwrap();
        let page = vec![0; usize::try_from(PAGE).unwrap()];
        let mut length = 0;
        while filler.write_all(&page).is_ok() {
            length += PAGE;
        }
        filler.set_len(length.saturating_sub(pages * PAGE)).unwrap();
    }

    fn clear(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// The value in use, as the provider sees it.
fn in_use(ultra: &Ultra, provider: &Provider) -> String {
    provider.seen();
    ultra.run(&["keys", "verify", "openai"]).exits(0);
    provider.seen().pop().unwrap()
}

/// Runs a command with ever more room on the disk, until there is enough; the vault opens after
/// each attempt, and what failed is told as such.
fn with_ever_more_room(
    ultra: &Ultra,
    small: &Small,
    provider: &Provider,
    args: &[&str],
    settle: impl Fn(),
) {
    let mut failures = 0;
    for pages in 0..40 {
        small.fill(pages);
        let before = std::fs::read(ultra.state().join("vault.age")).unwrap();
        let done = ultra.run_with_stdin(args, format!("{NEW}\n").as_bytes());
        let value = in_use(ultra, provider);
        assert!(value == OLD || value == NEW, "{args:?} with {pages} pages: {value}");
        let listed = ultra.run(&["keys", "list", "-o", "json"]).exits(0).json();
        assert_eq!(listed["problems"].as_array().unwrap().len(), 0, "{listed:#}");
        small.clear();
        match done.code {
            0 => {
                assert!(failures > 0, "{args:?}: the disk was never full");
                return;
            }
            5 => {
                failures += 1;
                let room = done.stderr.contains("free space: `df ");
                assert!(room && !done.stderr.contains("ULTRA_STATE_DIR"), "{done:?}");
            }
            _ => panic!("{args:?} with {pages} pages: {done:?}"),
        }
        if args.contains(&"set") {
            let after = std::fs::read(ultra.state().join("vault.age")).unwrap();
            assert_eq!(before, after, "what failed changed nothing");
        }
        settle();
    }
    panic!("{args:?}: never enough room");
}

fn prepared(provider: &Provider) -> Option<(Ultra, Small)> {
    if !have("mount") {
        return None;
    }
    let ultra = with_provider(provider);
    let small = Small::at(&ultra.state())?;
    set(&ultra, "openai", OLD).exits(0);
    Some((ultra, small))
}

#[test]
fn a_full_disk_keeps_the_vault_as_it_is() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let Some((ultra, small)) = prepared(&provider) else { return };
    let args = ["keys", "set", "openai", "--replace"];
    with_ever_more_room(&ultra, &small, &provider, &args, || {});
    assert_eq!(in_use(&ultra, &provider), NEW);
    ultra.run(&["keys", "audit", "--verify"]).exits(0);
}

#[test]
fn a_rotation_on_a_full_disk_is_gone_on_with() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let Some((ultra, small)) = prepared(&provider) else { return };
    let give_up = || {
        let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
        if !status["rotations"].as_array().unwrap().is_empty() {
            // One of which nothing was kept is cleared away: there is nothing to give up then.
            let given_up = ultra.run(&["keys", "rotate", "openai", "--abort"]);
            assert!(matches!(given_up.code, 0 | 2), "{given_up:?}");
        }
        assert_eq!(in_use(&ultra, &provider), OLD);
    };
    with_ever_more_room(&ultra, &small, &provider, &["keys", "rotate", "openai"], give_up);
    assert_eq!(in_use(&ultra, &provider), NEW);
    ultra.run(&["keys", "audit", "--verify"]).exits(0);
}

#[test]
fn the_end_of_a_version_on_a_full_disk_is_gone_on_with() {
    let provider = Provider::knowing(&[OLD, NEW]);
    let Some((ultra, small)) = prepared(&provider) else { return };
    let line = format!("{NEW}\n");
    ultra.run_with_stdin(&["keys", "rotate", "openai"], line.as_bytes()).exits(0);
    provider.becomes(Manner::Knows(vec![NEW.to_owned()]));
    let give_up = || {
        let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
        if !status["rotations"].as_array().unwrap().is_empty() {
            ultra.run(&["keys", "rotate", "openai", "--abort"]).exits(0);
        }
    };
    with_ever_more_room(&ultra, &small, &provider, &["keys", "disable", "openai"], give_up);
    let shown: Outcome = ultra.run(&["keys", "show", "openai", "-o", "json"]).exits(0);
    assert_eq!(shown.json()["versions"][0]["state"], "disabled");
    ultra.run(&["keys", "audit", "--verify"]).exits(0);
}
