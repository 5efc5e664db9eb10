//! The state machine against a provider and servers in memory: every way it ends, and what it
//! says on the way.

use super::fakes::{Mood, Place};
use super::*;
use crate::base::{Secret, Timestamp};
use crate::exit::ExitStatus;
use crate::provider::admin::Abilities;
use crate::report::Fault;
use crate::secrets::State;
use crate::settings::SecretSource as _;
use std::time::Duration;

const NOBODY: Abilities = Abilities { create: false, disable: false, delete: false };
pub(super) const WHOLE: Abilities = Abilities { create: true, disable: true, delete: true };
/// As the service accounts of OpenAI: made and deleted.
pub(super) const DELETES: Abilities = Abilities { create: true, disable: false, delete: true };

fn pasted() -> Place {
    Place::with("one", Order::AtOnce, NOBODY)
}

fn ring() -> Place {
    Place::with("one", Order::Ahead, NOBODY)
}

pub(super) fn with_grace(place: &Place, grace: u64) -> Plan {
    Plan { grace: Some(Duration::from_secs(grace)), ..place.plan(Kind::Rotate) }
}

pub(super) fn code(fault: &Fault) -> (ExitStatus, &'static str) {
    (fault.status, fault.problems[0].code)
}

#[test]
fn an_accepted_value_is_used_and_the_old_one_kept() {
    let place = pasted();
    let ended = place.rotate("two").unwrap();
    assert_eq!((ended.from, ended.to, ended.step), (1, 2, Step::Current));
    assert_eq!(ended.retire_at, Some(Timestamp::from_second(3_600).unwrap()));
    let told = ended.acknowledgement.unwrap();
    assert_eq!((told.on, told.of), (2, 2));
    assert_eq!(place.value(), "two");
    assert!(place.journal().is_none());
    let facts = place.vault().facts("dev", "openai").unwrap().unwrap();
    assert_eq!(facts.allowed, ["https://h:443"]);
    let document = place.document();
    assert_eq!(document.entry("dev", "openai").unwrap().previous().unwrap().value.expose(), "one");
    let audit = std::fs::read_to_string(place.state().join("audit.jsonl")).unwrap();
    for event in ["created", "tested", "published", "acknowledged", "current"] {
        assert_eq!(audit.matches(&format!("\"rotate.{event}\"")).count(), 1, "{event}: {audit}");
    }
}

#[test]
fn a_refused_value_leaves_nothing_behind() {
    let place = pasted();
    place.provider.refuses.borrow_mut().push("two".into());
    let fault = place.rotate("two").unwrap_err();
    assert_eq!(code(&fault), (ExitStatus::DoesNotHold, "key-refused"));
    assert_eq!(place.value(), "one");
    assert!(place.journal().is_none());
    assert_eq!(place.states(), [(1, State::Current)]);
}

#[test]
fn the_same_value_and_an_old_value_are_refused() {
    let place = pasted();
    assert_eq!(place.rotate("one").unwrap_err().status, ExitStatus::DoesNotHold);
    place.rotate("two").unwrap();
    let fault = place.rotate("one").unwrap_err();
    assert!(fault.problems[0].hint.as_ref().unwrap().contains("rollback"));
    assert!(place.journal().is_none(), "nothing was begun");
}

#[test]
fn an_absent_provider_leaves_it_pending_to_resume_or_abort() {
    for resume in [true, false] {
        let place = pasted();
        *place.provider.mood.borrow_mut() = Mood::Away;
        let fault = place.rotate("two").unwrap_err();
        assert_eq!(fault.status, ExitStatus::Unreachable);
        assert!(fault.problems[0].hint.as_ref().unwrap().contains("--resume"));
        assert_eq!(place.value(), "one");
        assert!(place.journal().unwrap().stopped.unwrap().contains("no answer"));
        *place.provider.mood.borrow_mut() = Mood::Fine;
        if resume {
            place.resume().unwrap().unwrap();
            assert_eq!(place.value(), "two");
        } else {
            place.abort().unwrap().unwrap();
            assert_eq!(place.value(), "one");
        }
        assert!(place.journal().is_none());
    }
}

#[test]
fn one_cut_short_before_the_vault_had_the_value_never_was() {
    let place = pasted();
    let plan = place.plan(Kind::Rotate);
    let journal = Journal::new("dev", "openai", &plan, (1, 2), "f".into(), Timestamp::UNIX_EPOCH);
    journal.write(&place.state()).unwrap();
    assert!(place.resume().is_none());
    assert!(place.journal().is_none());
}

#[test]
fn what_nobody_tested_is_neither_verified_nor_bound() {
    let place = ring();
    let meant = Plan { destination: Some("https://h:443".into()), ..place.plan(Kind::Rotate) };
    place.rotate_with(&meant, "two").unwrap();
    let overview = place.vault().overview().unwrap();
    let current = overview.entry("dev", "openai").unwrap().current().unwrap();
    assert_eq!((current.number, current.verified_at, current.bound.as_deref()), (2, None, None));
}

#[test]
fn two_at_once_do_not_mix() {
    let place = pasted();
    let (vault, state) = (place.vault(), place.state());
    let _first = Rotation::begin(&vault, &state, "dev", "openai").unwrap();
    let second = Rotation::begin(&vault, &state, "dev", "openai");
    assert_eq!(second.map(|_| ()).unwrap_err().status, ExitStatus::Unreachable);
}

#[test]
fn a_server_that_lags_is_waited_for_and_resumed_or_put_back() {
    for resume in [true, false] {
        let place = Place::with("", Order::AtOnce, WHOLE);
        place.servers.borrow_mut()[1].lags = true;
        let fault = place.rotate_with(&with_grace(&place, 0), "").unwrap_err();
        assert_eq!(code(&fault), (ExitStatus::Unreachable, "servers-lag"));
        assert!(fault.problems[0].why.as_ref().unwrap().contains("server-1"));
        assert!(place.journal().unwrap().stopped.unwrap().contains("1 of 2"));
        assert!(place.provider.accepts("issued-1"), "a server still uses it");
        assert_eq!(place.states(), [(1, State::Old), (2, State::Current)]);
        if resume {
            place.servers.borrow_mut()[1].lags = false;
            assert_eq!(place.resume().unwrap().unwrap().step, Step::OldRemoved);
            assert!(!place.provider.accepts("issued-1"));
            assert_eq!(place.states(), [(2, State::Current)]);
        } else {
            place.abort().unwrap().unwrap();
            assert_eq!(place.states(), [(1, State::Current), (2, State::Old)]);
            assert!(place.provider.accepts("issued-2"), "server-0 may still use it");
        }
        assert!(place.journal().is_none());
    }
}

#[test]
fn a_rejected_value_keeps_the_old_one_alive() {
    let place = Place::with("", Order::AtOnce, WHOLE);
    place.servers.borrow_mut()[0].rejects = true;
    let fault = place.rotate_with(&with_grace(&place, 0), "").unwrap_err();
    assert_eq!(code(&fault), (ExitStatus::DoesNotHold, "key-rejected"));
    assert!(place.provider.accepts("issued-1"));
    assert_eq!(place.abort().unwrap().map(|_| ()), Ok(()));
    assert_eq!(place.value(), "issued-1");
}

#[test]
fn an_unreadable_store_keeps_the_old_one_alive() {
    let place = ring();
    *place.store.borrow_mut() = false;
    let fault = place.rotate("two").unwrap_err();
    assert_eq!(fault.status, ExitStatus::Unreachable);
    assert_eq!(place.states(), [(1, State::Current), (2, State::Next)]);
    *place.store.borrow_mut() = true;
    place.resume().unwrap().unwrap();
    assert_eq!(place.value(), "two");
}

#[test]
fn a_key_that_signs_is_known_everywhere_before_it_does() {
    let place = ring();
    place.servers.borrow_mut()[1].lags = true;
    place.rotate("two").unwrap_err();
    assert_eq!(place.value(), "one", "not while a server does not know it");
    place.servers.borrow_mut()[1].lags = false;
    let ended = place.resume().unwrap().unwrap();
    assert_eq!((ended.step, place.value().as_str()), (Step::Current, "two"));
    let ring = place.vault().ring("dev", "openai").unwrap();
    assert_eq!(ring.len(), 2, "what the old one signed is accepted");
    assert_eq!(end_due(&place), []);
    place.life.later(Duration::from_secs(3_601));
    assert_eq!(end_due(&place), [Ok(Step::OldRemoved)]);
    assert_eq!(place.states(), [(2, State::Current)]);
}

#[test]
fn a_compromised_key_that_signs_is_not_accepted_from_the_cut_on() {
    let place = ring();
    let plan = Plan { compromised: true, grace: Some(Duration::ZERO), ..place.plan(Kind::Rotate) };
    place.servers.borrow_mut()[1].lags = true;
    let ended = place.rotate_with(&plan, "two").unwrap();
    assert_eq!(ended.acknowledgement.unwrap().waiting, ["server-1"]);
    // It goes on accepting what is forged, and that is no success.
    let left = ended.left_over.unwrap();
    assert_eq!(code(&left), (ExitStatus::Unreachable, "servers-lag"));
    assert!(left.problems[0].why.as_ref().unwrap().contains("server-1"), "{left:?}");
    let ring = place.vault().ring("dev", "openai").unwrap();
    assert_eq!(ring.iter().map(|k| k.version).collect::<Vec<_>>(), [2]);
    let document = place.document();
    let previous = document.entry("dev", "openai").unwrap().previous().unwrap();
    assert!(previous.number == 1 && previous.compromised_at.is_some(), "it is told by the name");
    assert!(place.journal().is_none());
}

#[test]
fn a_compromised_key_of_a_provider_ends_at_once_if_somebody_can_end_it() {
    let place = Place::with("", Order::AtOnce, WHOLE);
    let plan = Plan { compromised: true, grace: Some(Duration::ZERO), ..place.plan(Kind::Rotate) };
    let ended = place.rotate_with(&plan, "").unwrap();
    assert!(ended.left_over.is_none());
    assert!(!place.provider.accepts("issued-1"));

    let place = pasted();
    let plan = Plan { compromised: true, grace: Some(Duration::ZERO), ..place.plan(Kind::Rotate) };
    let ended = place.rotate_with(&plan, "two").unwrap();
    assert_eq!(code(&ended.left_over.unwrap()), (ExitStatus::DoesNotHold, "still-valid"));
    assert!(place.journal().is_none());
    place.provider.refuses.borrow_mut().push("one".into());
    assert_eq!(end_due(&place), [Ok(Step::OldDisabled)]);
}

#[test]
fn a_rollback_calls_off_the_end_of_what_it_goes_back_to() {
    for can in [NOBODY, WHOLE, DELETES] {
        let place = Place::with("one", Order::AtOnce, can);
        let first = place.value();
        place.rotate("two").unwrap();
        let plan = place.plan(Kind::Rollback);
        let back = |place: &Place| {
            place.with_world(|rotation, world| {
                let journal = rotation.create(&plan, &Secret::new(first.as_str()))?;
                rotation.run(journal, world)
            })
        };
        // Given up, the end is due again.
        *place.provider.mood.borrow_mut() = Mood::Away;
        back(&place).unwrap_err();
        *place.provider.mood.borrow_mut() = Mood::Fine;
        place.abort().unwrap().unwrap();
        let document = place.document();
        let old = &document.entry("dev", "openai").unwrap().versions[0];
        assert!(old.retire_at.is_some() && old.state == State::Old);

        let ended = back(&place).unwrap();
        assert_eq!((ended.to, place.value()), (4, first.clone()));
        place.life.later(Duration::from_secs(7_200));
        end_due(&place);
        assert!(place.provider.accepts(&first), "it is in use");
        assert_eq!(place.value(), first);
        assert!(can == NOBODY || !place.provider.accepts("issued-2"));
    }
}

#[test]
fn a_version_that_a_server_works_with_is_not_ended() {
    let place = Place::with("", Order::AtOnce, WHOLE);
    place.servers.borrow_mut()[0].lags = true;
    place.rotate("").unwrap_err();
    // The other has taken the new one, and does not hear that it is given up.
    place.servers.borrow_mut()[0].lags = false;
    place.servers.borrow_mut()[1].lags = true;
    place.abort().unwrap().unwrap();
    let plan = place.plan(Kind::Retire);
    let end = || place.with_world(|r, world| r.end_version(&plan, 2, Aim::Remove, world));
    assert_eq!(end().unwrap_err().status, ExitStatus::Unreachable);
    assert!(place.provider.accepts("issued-2"), "a server works with it");
    place.servers.borrow_mut()[1].lags = false;
    end().unwrap();
    assert!(!place.provider.accepts("issued-2"));
}

#[test]
fn a_value_in_use_is_not_ended_with_another_version_that_has_it() {
    let place = Place::with("", Order::AtOnce, WHOLE);
    place.rotate("").unwrap();
    let back = place.plan(Kind::Rollback);
    let rolled = place.with_world(|rotation, world| {
        let journal = rotation.create(&back, &Secret::new("issued-1"))?;
        rotation.run(journal, world)
    });
    assert_eq!(rolled.unwrap().to, 3);
    let plan = place.plan(Kind::Retire);
    place.with_world(|r, world| r.end_version(&plan, 1, Aim::Remove, world)).unwrap();
    assert!(place.provider.accepts("issued-1"), "version 3 is the same value, and in use");
    assert_eq!(place.value(), "issued-1");
}

#[test]
fn there_is_no_way_back_to_a_compromised_version() {
    for order in [Order::AtOnce, Order::Ahead] {
        let place = Place::with("one", order, NOBODY);
        place.servers.borrow_mut()[0].rejects = true;
        let plan = Plan { compromised: true, ..place.plan(Kind::Rotate) };
        let fault = place.rotate_with(&plan, "two");
        if fault.is_err() {
            let refused = place.abort().unwrap().unwrap_err();
            assert_eq!(refused.status, ExitStatus::Refused, "{refused:?}");
        }
        assert_eq!(place.value(), "two");
    }
}

#[test]
fn the_version_in_use_is_not_ended() {
    let place = pasted();
    for aim in [Aim::Disable, Aim::Retire, Aim::Remove] {
        let plan = place.plan(Kind::Retire);
        let ended = place.with_world(|r, world| r.end_version(&plan, 1, aim, world));
        assert_eq!(code(&ended.unwrap_err()), (ExitStatus::Refused, "version-in-use"));
    }
    let plan = place.plan(Kind::Retire);
    let gone = place.with_world(|r, world| r.end_version(&plan, 9, Aim::Remove, world));
    assert_eq!(code(&gone.unwrap_err()).1, "no-such-version");
    place.with_world(|r, world| r.end_version(&plan, 1, Aim::RemoveCurrent, world)).unwrap();
    assert_eq!(place.states(), []);
}

/// Ends the versions whose grace is over.
fn end_due(place: &Place) -> Vec<Result<Step, &'static str>> {
    model::end_due(place)
        .into_iter()
        .map(|ended| ended.map(|e| e.step).map_err(|f| f.problems[0].code))
        .collect()
}
