//! `ultra keys migrate`: the identity moves, the vault stays, and it opens at every instant.

use super::crash::{CALLS, copy, killed};
use super::{OLD, nowhere, private, set, with_identity_file};
use crate::support::{Outcome, Ultra, have};

const PASSPHRASE: &str = "canary horse battery";

/// An empty root with a file for the identity and one with a passphrase.
fn with_both() -> Ultra {
    let mut ultra = with_identity_file();
    let file = ultra.home().join("passphrase");
    private(&file, &format!("{PASSPHRASE}\n"));
    ultra.set_env("ULTRA_VAULT_PASSPHRASE_FILE", file.display().to_string());
    ultra
}

/// A vault that is kept by an identity file.
fn by_file() -> Ultra {
    let ultra = with_both();
    let first = ["keys", "set", "openai", "--backend", "identity-file"];
    ultra.run_with_stdin(&first, format!("{OLD}\n").as_bytes()).exits(0);
    ultra
}

fn migrate(ultra: &Ultra, to: &str) -> Outcome {
    ultra.run(&["keys", "migrate", "--to", to, "--yes"])
}

fn backend(ultra: &Ultra) -> String {
    let status = ultra.run(&["keys", "status", "-o", "json"]).exits(0).json();
    status["vault"]["backend"].as_str().unwrap().to_owned()
}

/// The vault opens: what only its content tells is told.
#[track_caller]
fn opens(ultra: &Ultra, when: &str) {
    let opened = ultra.run(&["keys", "audit", "--verify", "--open"]);
    assert_eq!(opened.code, 0, "{when}: {opened:?}");
}

#[test]
fn the_identity_moves_there_and_back_and_the_vault_stays() {
    let ultra = by_file();
    let identity = ultra.home().join("identity");
    let line = std::fs::read_to_string(&identity).unwrap();
    let before = std::fs::read(ultra.state().join("vault.age")).unwrap();
    let there = migrate(&ultra, "passphrase").exits(0).says("moved");
    assert_eq!((backend(&ultra).as_str(), identity.exists()), ("passphrase", false));
    opens(&ultra, "under a passphrase");
    let again = migrate(&ultra, "passphrase").exits(0).says("already");
    let back = migrate(&ultra, "identity-file").exits(0);
    assert_eq!(backend(&ultra), "identity-file");
    assert!(!ultra.state().join("identity.age").exists());
    assert_eq!(std::fs::read_to_string(&identity).unwrap(), line, "the same identity");
    assert_eq!(std::fs::read(ultra.state().join("vault.age")).unwrap(), before);
    opens(&ultra, "and back");
    let audit = ultra.run(&["keys", "audit"]).exits(0).says("from identity-file to passphrase");
    std::fs::remove_file(ultra.home().join("passphrase")).unwrap();
    std::fs::remove_file(identity).unwrap();
    nowhere(&ultra, &[&there, &again, &back, &audit], &[OLD, PASSPHRASE, "AGE-SECRET-KEY"]);
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_written() {
    let mut ultra = by_file();
    migrate(&Ultra::empty(), "passphrase").exits(2).complains("no vault yet");
    ultra.run(&["keys", "migrate", "--to", "passphrase"]).exits(6).complains("--yes");
    migrate(&ultra, "keyring").exits(5).complains("no keyring here");
    std::fs::write(ultra.home().join("passphrase"), "short\n").unwrap();
    migrate(&ultra, "passphrase").exits(3).complains("too short");
    ultra.unset_env("ULTRA_VAULT_PASSPHRASE_FILE");
    migrate(&ultra, "passphrase").exits(5).complains("ULTRA_VAULT_PASSPHRASE_FILE");
    assert!(!ultra.state().join("migration.json").exists());
    assert!(!ultra.state().join("identity.age").exists());
    opens(&ultra, "after all of it");
}

#[test]
fn another_identity_in_the_way_is_left_alone() {
    let ultra = by_file();
    migrate(&ultra, "passphrase").exits(0);
    let identity = ultra.home().join("identity");
    let other = by_file();
    let foreign = std::fs::read(other.home().join("identity")).unwrap();
    std::fs::copy(other.home().join("identity"), &identity).unwrap();
    migrate(&ultra, "identity-file").exits(6).complains("another identity");
    assert_eq!(std::fs::read(&identity).unwrap(), foreign);
    assert_eq!(backend(&ultra), "passphrase");
    opens(&ultra, "after the refusal");
}

#[test]
fn an_identity_file_that_ultra_did_not_make_stays() {
    if !have("age-keygen") {
        return;
    }
    let ultra = with_both();
    let identity = ultra.home().join("identity").display().to_string();
    Outcome::from(ultra.wrapped("age-keygen", ["-o", &identity]).output().unwrap()).exits(0);
    let before = std::fs::read(&identity).unwrap();
    let first = ["keys", "set", "openai", "--backend", "identity-file"];
    ultra.run_with_stdin(&first, format!("{OLD}\n").as_bytes()).exits(0);
    migrate(&ultra, "passphrase").exits(0).complains("the identity file stays");
    assert_eq!(std::fs::read(&identity).unwrap(), before);
}

#[test]
fn a_killed_migration_leaves_a_vault_that_opens_and_says_how_to_go_on() {
    if !have("strace") {
        return;
    }
    let prepared = by_file();
    let (mut kills, mut cut) = (0, 0);
    for calls in CALLS.iter().copied().chain(["unlink,unlinkat"]) {
        for n in 1..200 {
            let ultra = with_both();
            copy(prepared.home(), ultra.home());
            ultra.own_state();
            if !killed(&ultra, &["keys", "migrate", "--to", "passphrase", "--yes"], "", calls, n) {
                break;
            }
            kills += 1;
            let when = format!("killed at {calls} number {n}");
            opens(&ultra, &when);
            if ultra.state().join("migration.json").exists() {
                cut += 1;
                ultra.run(&["keys", "list"]).exits(0).complains("keys migrate --to passphrase");
            }
            // Forwards and backwards by turns.
            let (to, gone) = match kills % 2 {
                0 => ("passphrase", ultra.home().join("identity")),
                _ => ("identity-file", ultra.state().join("identity.age")),
            };
            let next = migrate(&ultra, to);
            assert_eq!(next.code, 0, "{when}: {next:?}");
            assert_eq!((backend(&ultra).as_str(), gone.exists()), (to, false), "{when}");
            assert!(!ultra.state().join("migration.json").exists(), "{when}");
            opens(&ultra, &when);
            set(&ultra, "jwt", &"k".repeat(40)).exits(0);
        }
    }
    assert!(kills > 10 && cut > 3, "{kills} kills, {cut} of them in between");
}
