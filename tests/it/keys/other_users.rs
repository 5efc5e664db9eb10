//! Keys and other users: root works on what a service owns, and strangers are kept out.

use super::{OLD, nowhere, with_identity_file};
use crate::support::{Outcome, Ultra};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

/// The user that the service runs as.
const SERVICE: u32 = 65_533;

/// Runs a command as the service; `None` where that cannot be.
fn as_service(ultra: &Ultra, args: &[&str], stdin: &str) -> Option<Outcome> {
    let mut child = ultra.command_as(SERVICE, args)?.stdin(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    Some(child.wait_with_output().unwrap().into())
}

#[test]
fn what_root_does_to_the_keys_of_a_service_does_not_lock_it_out() {
    let ultra = with_identity_file();
    let state = ultra.home().join("state");
    std::fs::create_dir(&state).unwrap();
    let ultra = ultra.env("ULTRA_STATE_DIR", state.display().to_string());
    ultra.give_to(if rustix::process::geteuid().is_root() { SERVICE } else { return skip() });
    let Some(set) = as_service(&ultra, &["keys", "set", "openai"], OLD) else { return };
    let root = ultra.root().display().to_string();
    let mut told = vec![set.exits(0)];
    for act in [&["keys", "set", "jwt", "--generate"][..], &["keys", "rotate", "jwt"]] {
        told.push(ultra.run(&[&["--dir", &root], act].concat()).exits(0));
    }
    ultra.run(&["--dir", &root, "keys", "doctor", "-o", "json"]).exits(0);

    let mut folders = vec![state];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(path.metadata().unwrap().uid(), SERVICE, "{}", path.display());
            folders.extend(path.is_dir().then_some(path));
        }
    }
    for args in [&["keys", "rotate", "jwt"][..], &["keys", "doctor", "--open"]] {
        told.push(as_service(&ultra, args, "").unwrap().exits(0));
    }
    nowhere(&ultra, &told.iter().collect::<Vec<_>>(), &[OLD]);
}

fn skip() {
    println!("SKIPPED: only root can write for others");
}
