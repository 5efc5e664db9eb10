//! The vault as a whole: round trips, tampering, crashes between two writes, writers at once.

use super::audit::Event;
use super::*;
use crate::base::time::ManualClock;
use crate::base::{Secret, Timestamp};
use crate::exit::ExitStatus;
use crate::report::Fault;
use crate::settings::secret::SecretSource as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CANARY: &str = "sk-canary-6b0e";

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn identity(&self) -> PathBuf {
        self.dir.path().join("identity")
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn vault(&self) -> VaultSource {
        let options =
            BackendOptions { identity_file: Some(self.identity()), ..BackendOptions::default() };
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        VaultSource::new(&self.state(), options, clock)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.state().join(name)
    }
}

fn set(vault: &VaultSource, name: &str, value: &str) -> Result<Written<u32>, Fault> {
    vault.write(None, "test", |document| {
        let number = document.entry_mut("dev", name).add(
            Secret::new(value),
            State::Current,
            Timestamp::UNIX_EPOCH,
            None,
        );
        let event = Event {
            event: "set".into(),
            profile: "dev".into(),
            name: name.into(),
            version: number,
            fingerprint: None,
            detail: None,
        };
        Ok(Edited { value: number, events: vec![event] })
    })
}

fn open(vault: &VaultSource, name: &str) -> Option<String> {
    vault.open("dev", name).unwrap().map(|s| s.expose().to_owned())
}

#[test]
fn what_was_written_is_read_and_no_file_but_the_vault_holds_it() {
    let place = Place::new();
    let vault = place.vault();
    assert!(vault.facts("dev", "openai").unwrap().is_none());
    assert!(open(&vault, "openai").is_none());
    assert!(!place.state().exists(), "reading makes nothing");
    let first = set(&vault, "openai", CANARY).unwrap();
    assert!(first.first && first.generation == 1 && first.backend == BackendKind::IdentityFile);
    set(&vault, "openai", "second").unwrap();

    let fresh = place.vault();
    let facts = fresh.facts("dev", "openai").unwrap().unwrap();
    assert_eq!(facts.version, 2);
    assert_eq!(facts.fingerprint, fresh.fingerprint(&Secret::new("second")).unwrap());
    assert_eq!(open(&fresh, "openai").as_deref(), Some("second"));
    assert_eq!(open(&vault, "openai").as_deref(), Some("second"));
    assert!(fresh.open("prod", "openai").unwrap().is_none(), "profiles do not inherit");

    for entry in std::fs::read_dir(place.state()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(CANARY));
    }
}

#[test]
fn facts_need_no_identity() {
    let place = Place::new();
    set(&place.vault(), "openai", CANARY).unwrap();
    std::fs::remove_file(place.identity()).unwrap();
    let vault = place.vault();
    assert_eq!(vault.facts("dev", "openai").unwrap().unwrap().version, 1);
    assert!(vault.open("dev", "openai").is_err());
    assert_eq!(set(&vault, "openai", "x").unwrap_err().status, ExitStatus::Unreachable);
    assert!(!place.identity().exists(), "a lost identity is not made anew");
}

/// The files as they were before and after the second of two writes.
fn before_and_after(place: &Place) -> [(Vec<u8>, Vec<u8>); 2] {
    let read = || {
        let read = |name| std::fs::read(place.file(name)).unwrap();
        (read("vault.age"), read("vault-index.json"))
    };
    set(&place.vault(), "openai", "old").unwrap();
    let before = read();
    set(&place.vault(), "openai", "new").unwrap();
    [before, read()]
}

#[test]
fn a_crash_between_vault_and_index_leaves_both_in_step() {
    let place = Place::new();
    let [before, after] = before_and_after(&place);
    // The index as a write leaves it before it replaces the vault: what was, and what will be.
    let old: serde_json::Value = serde_json::from_slice(&before.1).unwrap();
    let mut both: serde_json::Value = serde_json::from_slice(&after.1).unwrap();
    both["next"] = both["current"].take();
    both["current"] = old["current"].clone();
    std::fs::write(place.file("vault-index.json"), both.to_string()).unwrap();
    for (sealed, value, version) in [(&before.0, "old", 1), (&after.0, "new", 2)] {
        std::fs::write(place.file("vault.age"), sealed).unwrap();
        let vault = place.vault();
        assert_eq!(vault.overview().unwrap().freshness, Freshness::Fresh);
        assert_eq!(vault.facts("dev", "openai").unwrap().unwrap().version, version);
        assert_eq!(open(&vault, "openai").as_deref(), Some(value));
    }
    let written = set(&place.vault(), "openai", "third").unwrap();
    assert!(written.warnings.is_empty() && written.generation == 3);
}

#[test]
fn a_restored_vault_is_noticed_and_its_index_rebuilt() {
    let place = Place::new();
    let [before, _] = before_and_after(&place);
    std::fs::write(place.file("vault.age"), &before.0).unwrap();
    assert_eq!(place.vault().overview().unwrap().freshness, Freshness::Stale);
    let written = set(&place.vault(), "anthropic", "a").unwrap();
    assert_eq!(written.warnings.len(), 1);
    assert_eq!(written.generation, 3, "a generation is not used again");
    let vault = place.vault();
    assert_eq!(open(&vault, "openai").as_deref(), Some("old"));
    assert_eq!(vault.facts("dev", "openai").unwrap().unwrap().version, 1);
}

#[test]
fn a_lost_index_is_rebuilt_and_a_lost_vault_is_not_made_anew() {
    let place = Place::new();
    set(&place.vault(), "openai", "one").unwrap();
    std::fs::remove_file(place.file("vault-index.json")).unwrap();
    assert_eq!(place.vault().facts("dev", "openai").unwrap().unwrap().version, 1);
    let written = set(&place.vault(), "openai", "two").unwrap();
    assert_eq!(written.warnings.len(), 1);
    assert_eq!(place.vault().overview().unwrap().freshness, Freshness::Fresh);

    std::fs::remove_file(place.file("vault.age")).unwrap();
    let fault = set(&place.vault(), "openai", "three").unwrap_err();
    assert_eq!(fault.problems[0].code, "vault-lost");
    assert!(place.vault().open("dev", "openai").is_err());
}

#[test]
fn a_damaged_or_foreign_vault_is_refused_and_left_alone() {
    let place = Place::new();
    set(&place.vault(), "openai", CANARY).unwrap();
    let whole = std::fs::read(place.file("vault.age")).unwrap();
    let mut bent = whole.clone();
    *bent.last_mut().unwrap() ^= 1;
    for bytes in [&bent[..], &whole[..40], b"", b"hello"] {
        std::fs::write(place.file("vault.age"), bytes).unwrap();
        let fault = set(&place.vault(), "openai", "x").unwrap_err();
        assert_eq!(fault.status, ExitStatus::Unreachable);
        assert!(!format!("{fault:?}").contains(CANARY));
        assert_eq!(std::fs::read(place.file("vault.age")).unwrap(), bytes);
    }
    let other = Place::new();
    set(&other.vault(), "openai", "x").unwrap();
    std::fs::copy(other.file("vault.age"), place.file("vault.age")).unwrap();
    assert!(place.vault().open("dev", "openai").is_err());
}

#[test]
fn writers_at_once_lose_nothing() {
    let place = Place::new();
    set(&place.vault(), "n0", "v0").unwrap();
    std::thread::scope(|scope| {
        for n in 1..=8 {
            let vault = place.vault();
            scope.spawn(move || set(&vault, &format!("n{n}"), &format!("v{n}")).unwrap());
        }
    });
    let vault = place.vault();
    assert_eq!(vault.overview().unwrap().generation, 9);
    for n in 0..=8 {
        assert_eq!(open(&vault, &format!("n{n}")), Some(format!("v{n}")));
    }
}

#[test]
fn the_backend_is_recorded_and_does_not_change() {
    let place = Place::new();
    set(&place.vault(), "openai", "x").unwrap();
    let refused = place
        .vault()
        .write(Some(BackendKind::Passphrase), "test", |_| Ok(Edited { value: (), events: vec![] }));
    assert_eq!(refused.unwrap_err().status, ExitStatus::Refused);
}

fn private(path: &Path, text: &str) {
    crate::base::file::write_atomic(path, text.as_bytes(), 0o600).unwrap();
}

#[test]
fn a_passphrase_keeps_the_identity_too() {
    let place = Place::new();
    let passphrase = place.dir.path().join("passphrase");
    private(&passphrase, "correct horse battery\n");
    let vault = |file: &Path| {
        let options = BackendOptions {
            passphrase_file: Some(file.to_path_buf()),
            ..BackendOptions::default()
        };
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        VaultSource::new(&place.state(), options, clock)
    };
    assert_eq!(set(&vault(&passphrase), "openai", "x").unwrap().backend, BackendKind::Passphrase);
    assert_eq!(open(&vault(&passphrase), "openai").as_deref(), Some("x"));
    let wrong = place.dir.path().join("wrong");
    private(&wrong, "wrong horse battery\n");
    let problem = vault(&wrong).open("dev", "openai").unwrap_err();
    assert_eq!(problem.why.as_deref(), Some("the passphrase is wrong"));
}

#[test]
fn an_edit_that_fails_changes_nothing() {
    let place = Place::new();
    set(&place.vault(), "openai", "x").unwrap();
    let before = std::fs::read(place.file("vault.age")).unwrap();
    let fault: Result<Written<()>, Fault> =
        place.vault().write(None, "test", |_| Err(Fault::bug("no")));
    assert!(fault.is_err());
    assert_eq!(std::fs::read(place.file("vault.age")).unwrap(), before);
}

#[test]
fn destinations_name_their_port() {
    let of = |url: &str| destination(&url.parse().unwrap());
    assert_eq!(of("https://api.openai.com/v1"), "https://api.openai.com:443");
    assert_eq!(of("http://127.0.0.1:9100/v1"), "http://127.0.0.1:9100");
}
