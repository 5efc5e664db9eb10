//! The state machine against issuers: what they say no to, forget, or recognise.

use super::fakes::{Mood, Place};
use super::tests::{DELETES, WHOLE, code, with_grace};
use super::*;
use crate::exit::ExitStatus;
use crate::provider::admin::Abilities;

#[test]
fn an_issuer_whose_answer_is_lost_leaves_one_key() {
    for abort in [false, true] {
        let place = Place::with("", Order::AtOnce, DELETES);
        *place.provider.mood.borrow_mut() = Mood::Forgetful;
        let fault = place.rotate("").unwrap_err();
        assert_eq!(fault.status, ExitStatus::Unreachable);
        assert_eq!(place.provider.issued.borrow().len(), 2);
        *place.provider.mood.borrow_mut() = Mood::Fine;
        if abort {
            place.abort().unwrap().unwrap();
            assert_eq!(place.provider.issued.borrow().len(), 1, "the orphan is deleted");
        } else {
            place.resume().unwrap().unwrap();
            assert_eq!(place.provider.issued.borrow().len(), 2);
            assert_eq!(place.value(), "issued-3");
        }
        assert!(place.journal().is_none());
    }
}

#[test]
fn an_issuer_that_says_no_changes_nothing() {
    let place = Place::with("", Order::AtOnce, WHOLE);
    *place.provider.mood.borrow_mut() = Mood::Refuses;
    assert_eq!(code(&place.rotate("").unwrap_err()).1, "key-not-issued");
    assert!(place.journal().is_none());
    *place.provider.mood.borrow_mut() = Mood::Fine;
    place.rotate("").unwrap();
}

#[test]
fn an_issuer_that_says_no_later_may_have_made_a_key_before() {
    let place = Place::with("", Order::AtOnce, WHOLE);
    *place.provider.mood.borrow_mut() = Mood::Forgetful;
    place.rotate("").unwrap_err();
    *place.provider.mood.borrow_mut() = Mood::Refuses;
    let fault = place.resume().unwrap().unwrap_err();
    assert_eq!(fault.status, ExitStatus::Unreachable);
    assert!(place.journal().is_some(), "what may be there is on record");
    *place.provider.mood.borrow_mut() = Mood::Fine;
    place.abort().unwrap().unwrap();
    assert_eq!(place.provider.issued.borrow().len(), 1, "and is deleted");
}

#[test]
fn a_pasted_value_that_its_issuer_recognises_is_disabled_there() {
    // As the keys of Anthropic: made in its console, and set inactive by its API.
    let can = Abilities { create: false, disable: true, delete: false };
    let place = Place::with("sk-one-0001", Order::AtOnce, can);
    let known = ("console".to_owned(), "sk-one-0001".to_owned(), true);
    place.provider.issued.borrow_mut().insert("id-console".into(), known);
    let ended = place.rotate_with(&with_grace(&place, 0), "sk-two-0002").unwrap();
    assert_eq!((ended.step, ended.left_over), (Step::OldDisabled, None));
    assert!(!place.provider.accepts("sk-one-0001"));
    let document = place.document();
    let old = &document.entry("dev", "openai").unwrap().versions[0];
    assert_eq!(old.remote.as_ref().unwrap().key.as_deref(), Some("id-console"));
}

#[test]
fn what_can_only_be_deleted_is_not_disabled() {
    let place = Place::with("", Order::AtOnce, DELETES);
    place.rotate("").unwrap();
    let plan = place.plan(Kind::Retire);
    let ended = place.with_world(|r, world| r.end_version(&plan, 1, Aim::Disable, world));
    assert_eq!(code(&ended.unwrap_err()), (ExitStatus::Refused, "cannot-disable"));
    assert!(place.journal().is_none());
    place.with_world(|r, world| r.end_version(&plan, 1, Aim::Remove, world)).unwrap();
    assert!(!place.provider.accepts("issued-1"));
}
