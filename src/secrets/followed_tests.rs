//! A vault that was published is taken only if it opens, is the same one and is later.

use super::super::audit::Event;
use super::super::backend::BackendKind;
use super::super::entry::State;
use super::super::source::BackendOptions;
use super::super::write::Edited;
use super::*;
use crate::base::SystemClock;
use std::path::Path;

const CANARY: &str = "canary-91c7f2";

fn source(home: &Path, state: &str) -> VaultSource {
    let options =
        BackendOptions { identity_file: Some(home.join("identity")), ..BackendOptions::default() };
    VaultSource::new(&home.join(state), options, Arc::new(SystemClock))
}

/// Writes another version of `dev/openai`.
fn write(vault: &VaultSource, value: &str) {
    vault
        .write(Some(BackendKind::IdentityFile), "test", |document| {
            let now = vault.clock().now();
            let entry = document.entry_mut("dev", "openai");
            let version = entry.add(Secret::new(value), State::Current, now, None);
            let event = Event {
                event: "set".into(),
                profile: "dev".into(),
                name: "openai".into(),
                version,
                fingerprint: None,
                detail: None,
            };
            Ok(Edited { value: (), events: vec![event] })
        })
        .unwrap();
}

fn published(vault: &VaultSource) -> (Vec<u8>, Vec<u8>) {
    let with = vault.accompanying().unwrap().unwrap();
    (vault.read_sealed().unwrap().unwrap(), with.fingerprints)
}

fn value(server: &Followed) -> Option<String> {
    server.open("dev", "openai").unwrap().map(|secret| secret.expose().to_owned())
}

#[test]
fn a_server_without_a_file_follows_what_is_published() {
    let home = tempfile::tempdir().unwrap();
    let vault = source(home.path(), "one");
    write(&vault, CANARY);
    let server = Followed::new(source(home.path(), "two"));
    assert_eq!((server.generation().unwrap(), value(&server)), (None, None));
    assert_eq!(server.recipient(), Some(vault.accompanying().unwrap().unwrap().recipient));

    let (first, key) = published(&vault);
    assert!(server.take(&first, &key).unwrap());
    assert_eq!((server.generation().unwrap(), value(&server)), (Some(1), Some(CANARY.into())));
    let facts = |source: &dyn SecretSource| source.facts("dev", "openai").unwrap().unwrap();
    assert_eq!(facts(&server), facts(&vault), "fingerprints can be compared");
    let other = Secret::new("of a file");
    assert_eq!(server.fingerprint(&other).unwrap(), vault.fingerprint(&other).unwrap());
    assert!(!server.take(&first, &key).unwrap(), "it is known");

    write(&vault, "second");
    let (second, key) = published(&vault);
    assert!(server.take(&second, &key).unwrap());
    assert_eq!(value(&server).as_deref(), Some("second"));
    assert!(!server.take(&first, &key).unwrap(), "an older generation is never taken");
    assert_eq!(value(&server).as_deref(), Some("second"));

    // Whoever starts again begins where it stopped.
    let again = Followed::new(source(home.path(), "two"));
    assert_eq!((again.generation().unwrap(), value(&again).as_deref()), (Some(2), Some("second")));
    assert!(!again.take(&first, &key).unwrap());
    for file in ["vault.age", "vault-index.json", "fingerprint.key"] {
        let path = home.path().join("two/published").join(file);
        assert!(!file::others_can_read(&path).unwrap(), "{file}");
        assert!(!String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(CANARY));
    }
}

#[test]
fn what_was_not_made_by_a_holder_of_the_identity_is_not_taken() {
    let (home, foreign) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let vault = source(home.path(), "one");
    write(&vault, "ours");
    let stranger = source(foreign.path(), "one");
    write(&stranger, "theirs");
    write(&stranger, "theirs again");
    let server = Followed::new(source(home.path(), "two"));
    let (ours, key) = published(&vault);
    let (theirs, their_key) = published(&stranger);
    assert!(server.take(&theirs, &their_key).is_err());
    assert!(server.take(&ours, &their_key).is_err());
    assert!(server.take(&key, &key).is_err(), "a key of fingerprints is no vault");
    assert!(server.take(&ours, &ours).is_err(), "and a vault no key");
    let mut bent = ours.clone();
    let last = bent.len() - 1;
    bent[last] ^= 1;
    assert!(server.take(&bent, &key).is_err());
    assert_eq!(server.generation().unwrap(), None, "nothing was kept");
    assert!(server.take(&ours, &key).unwrap());

    // Another vault of the same identity is another vault.
    let second = source(home.path(), "three");
    write(&second, "other");
    write(&second, "other");
    let (other, other_key) = published(&second);
    let refused = server.take(&other, &other_key).unwrap_err().to_string();
    assert!(!refused.contains("other-"), "{refused}");
    assert_eq!(value(&server).as_deref(), Some("ours"));
}

#[test]
fn the_later_of_file_and_copy_is_worked_with() {
    let home = tempfile::tempdir().unwrap();
    let vault = source(home.path(), "one");
    write(&vault, "first");
    let server = Followed::new(source(home.path(), "one"));
    let (first, key) = published(&vault);
    assert!(!server.take(&first, &key).unwrap(), "the file is as late");
    write(&vault, "second");
    assert_eq!(
        (server.generation().unwrap(), value(&server).as_deref()),
        (Some(2), Some("second"))
    );
}
