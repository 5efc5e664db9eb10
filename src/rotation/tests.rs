//! The state machine against a provider that is a closure: every way it ends, and every place it
//! can be cut short at.

use super::*;
use crate::base::time::ManualClock;
use crate::base::{Secret, Timestamp};
use crate::exit::ExitStatus;
use crate::provider::KeyVerdict;
use crate::report::Fault;
use crate::secrets::audit::Event;
use crate::secrets::{BackendOptions, Edited, State, VaultSource};
use crate::settings::SecretSource as _;
use std::path::PathBuf;
use std::sync::Arc;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn with(value: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        let value = Secret::new(value);
        place
            .vault()
            .write(None, "test", |document| {
                let entry = document.entry_mut("dev", "openai");
                entry.add(value, State::Current, Timestamp::UNIX_EPOCH, None);
                let event = Event {
                    event: "set".into(),
                    profile: "dev".into(),
                    name: "openai".into(),
                    version: 1,
                    fingerprint: None,
                    detail: None,
                };
                Ok(Edited { value: (), events: vec![event] })
            })
            .unwrap();
        place
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn vault(&self) -> VaultSource {
        let options = BackendOptions {
            identity_file: Some(self.dir.path().join("identity")),
            ..BackendOptions::default()
        };
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        VaultSource::new(&self.state(), options, clock)
    }

    fn value(&self) -> String {
        self.vault().open("dev", "openai").unwrap().unwrap().expose().to_owned()
    }

    fn journal(&self) -> Option<Journal> {
        Journal::read(&self.state(), "dev", "openai").unwrap()
    }

    fn rotate(&self, value: &str, verdict: KeyVerdict) -> Result<Ended, Fault> {
        let (vault, state) = (self.vault(), self.state());
        let rotation = Rotation::begin(&vault, &state, "dev", "openai")?;
        let mut journal = rotation.create(Kind::Rotate, &Secret::new(value), None)?;
        rotation.test(&mut journal, |asked| {
            assert_eq!(asked.expose(), value, "the new value itself is tested");
            by(verdict)
        })?;
        rotation.publish(journal)
    }
}

fn by(verdict: KeyVerdict) -> Tested {
    Tested::By { destination: "https://h:443".into(), verdict }
}

fn accepted() -> KeyVerdict {
    KeyVerdict::Accepted { models: vec![] }
}

#[test]
fn an_accepted_value_is_used_and_the_old_one_kept() {
    let place = Place::with("one");
    let ended = place.rotate("two", accepted()).unwrap();
    assert_eq!((ended.from, ended.to), (1, 2));
    assert_eq!(place.value(), "two");
    assert!(place.journal().is_none());
    let facts = place.vault().facts("dev", "openai").unwrap().unwrap();
    assert_eq!(facts.allowed, ["https://h:443"]);
    let document = place.vault().document().unwrap().unwrap();
    assert_eq!(document.entry("dev", "openai").unwrap().previous().unwrap().value.expose(), "one");
}

#[test]
fn a_refused_value_leaves_nothing_behind() {
    let place = Place::with("one");
    let fault = place.rotate("two", KeyVerdict::Refused { status: 401 }).unwrap_err();
    assert_eq!(fault.status, ExitStatus::DoesNotHold);
    assert_eq!(place.value(), "one");
    assert!(place.journal().is_none());
    let document = place.vault().document().unwrap().unwrap();
    assert_eq!(document.entry("dev", "openai").unwrap().versions.len(), 1);
}

#[test]
fn the_same_value_and_an_old_value_are_refused() {
    let place = Place::with("one");
    assert_eq!(place.rotate("one", accepted()).unwrap_err().status, ExitStatus::DoesNotHold);
    place.rotate("two", accepted()).unwrap();
    let fault = place.rotate("one", accepted()).unwrap_err();
    assert!(fault.problems[0].hint.as_ref().unwrap().contains("rollback"));
    assert!(place.journal().is_none(), "nothing was begun");
}

#[test]
fn an_absent_provider_leaves_it_pending_to_resume_or_abort() {
    for resume in [true, false] {
        let place = Place::with("one");
        let why = KeyVerdict::Unverified { why: "no answer in time".into() };
        let fault = place.rotate("two", why).unwrap_err();
        assert_eq!(fault.status, ExitStatus::Unreachable);
        assert!(fault.problems[0].hint.as_ref().unwrap().contains("--resume"));
        assert_eq!(place.value(), "one");

        let (vault, state) = (place.vault(), place.state());
        let rotation = Rotation::begin(&vault, &state, "dev", "openai").unwrap();
        let mut journal = rotation.unfinished().unwrap().unwrap();
        assert!(journal.stopped.as_ref().unwrap().contains("no answer"));
        if resume {
            rotation.test(&mut journal, |_| by(accepted())).unwrap();
            rotation.publish(journal).unwrap();
            assert_eq!(place.value(), "two");
        } else {
            rotation.abort(&journal).unwrap();
            assert_eq!(place.value(), "one");
        }
        assert!(place.journal().is_none());
    }
}

#[test]
fn one_cut_short_before_the_vault_had_the_value_never_was() {
    let place = Place::with("one");
    let now = Timestamp::UNIX_EPOCH;
    let journal = Journal::new("dev", "openai", Kind::Rotate, (1, 2), "f".into(), now);
    journal.write(&place.state()).unwrap();
    let (vault, state) = (place.vault(), place.state());
    let rotation = Rotation::begin(&vault, &state, "dev", "openai").unwrap();
    assert!(rotation.unfinished().unwrap().is_none());
    assert!(place.journal().is_none());
}

#[test]
fn one_cut_short_after_publishing_only_tidies_up() {
    let place = Place::with("one");
    let (vault, state) = (place.vault(), place.state());
    let rotation = Rotation::begin(&vault, &state, "dev", "openai").unwrap();
    let mut journal = rotation.create(Kind::Rotate, &Secret::new("two"), None).unwrap();
    rotation.test(&mut journal, |_| Tested::Nobody).unwrap();
    let kept = journal.clone();
    let first = rotation.publish(journal).unwrap();
    kept.write(&state).unwrap();
    let again = rotation.unfinished().unwrap().unwrap();
    assert_eq!(rotation.abort(&again).unwrap_err().status, ExitStatus::Refused);
    let second = rotation.publish(again).unwrap();
    assert_eq!((first.to, first.generation), (second.to, second.generation));
    assert!(place.journal().is_none());
}

#[test]
fn what_nobody_tested_is_neither_verified_nor_bound() {
    let place = Place::with("one");
    let (vault, state) = (place.vault(), place.state());
    let rotation = Rotation::begin(&vault, &state, "dev", "openai").unwrap();
    let meant = Some("https://h:443");
    let mut journal = rotation.create(Kind::Rotate, &Secret::new("two"), meant).unwrap();
    // Meanwhile the profile lost the provider.
    rotation.test(&mut journal, |_| Tested::Nobody).unwrap();
    rotation.publish(journal).unwrap();
    let overview = vault.overview().unwrap();
    let current = overview.entry("dev", "openai").unwrap().current().unwrap();
    assert_eq!((current.number, current.verified_at, current.bound.as_deref()), (2, None, None));
}

#[test]
fn two_at_once_do_not_mix() {
    let place = Place::with("one");
    let (vault, state) = (place.vault(), place.state());
    let _first = Rotation::begin(&vault, &state, "dev", "openai").unwrap();
    let second = Rotation::begin(&vault, &state, "dev", "openai");
    assert_eq!(second.map(|_| ()).unwrap_err().status, ExitStatus::Unreachable);
}
