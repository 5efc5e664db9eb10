//! Commands in any order, killed anywhere, with a provider and servers that fail: whatever
//! happens, one version is in use, it works, and a way leads out.

use super::fakes::{Killed, Mood, Place};
use super::*;
use crate::base::Secret;
use crate::exit::ExitStatus;
use crate::provider::admin::{self, Abilities};
use crate::report::Fault;
use crate::secrets::State;
use proptest::prelude::*;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// What an operator or the world does.
#[derive(Clone, Debug)]
enum Act {
    Rotate { grace: u64, compromised: bool },
    Resume,
    Abort,
    Rollback,
    EndDue,
    EndOld(Aim),
    Later(u64),
    Mood(Mood),
    Server { n: usize, lags: bool, rejects: bool },
    Store(bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (prop_oneof![Just(0), Just(3_600)], prop::bool::weighted(0.2))
            .prop_map(|(grace, compromised)| Act::Rotate { grace, compromised }),
        4 => Just(Act::Resume),
        4 => Just(Act::Abort),
        3 => Just(Act::Rollback),
        3 => Just(Act::EndDue),
        2 => prop_oneof![Just(Aim::Disable), Just(Aim::Remove)].prop_map(Act::EndOld),
        2 => prop_oneof![Just(60), Just(4_000)].prop_map(Act::Later),
        3 => prop_oneof![
            3 => Just(Mood::Fine),
            1 => Just(Mood::Away),
            1 => Just(Mood::Forgetful),
            1 => Just(Mood::Refuses),
        ].prop_map(Act::Mood),
        6 => (0..2_usize, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(n, lags, rejects)| Act::Server { n, lags, rejects }),
        1 => any::<bool>().prop_map(Act::Store),
    ]
}

fn shape() -> impl Strategy<Value = (Order, Abilities)> {
    let can = |create, disable, delete| Abilities { create, disable, delete };
    prop_oneof![
        1 => Just((Order::AtOnce, can(false, false, false))),
        2 => Just((Order::Ahead, can(false, false, false))),
        1 => Just((Order::AtOnce, can(true, true, true))),
        1 => Just((Order::AtOnce, can(true, false, true))),
    ]
}

/// Ends the versions whose grace is over, as `rotate --all-due` does.
pub(super) fn end_due(place: &Place) -> Vec<Result<Ended, Fault>> {
    let now = place.vault().clock().now();
    let document = place.document();
    let due: Vec<u32> = document
        .entry("dev", "openai")
        .unwrap()
        .versions
        .iter()
        .filter(|v| v.state == State::Old && v.retire_at.is_some_and(|due| due <= now))
        .map(|v| v.number)
        .collect();
    let plan = place.plan(Kind::Retire);
    due.into_iter()
        .map(|number| {
            place.with_world(|rotation, world| {
                if let Some(journal) = rotation.unfinished()? {
                    return Err(rotation.pending(&journal));
                }
                rotation.end_version(&plan, number, Aim::Retire, world)
            })
        })
        .collect()
}

/// Ends the newest old version, due or not, as `disable` and `remove` do.
fn end_old(place: &Place, aim: Aim) -> Result<(), Fault> {
    let old = place.states().into_iter().rev().find(|(_, state)| *state == State::Old);
    let Some((number, _)) = old else { return Ok(()) };
    let plan = place.plan(Kind::Retire);
    place.with_world(|rotation, world| {
        if let Some(journal) = rotation.unfinished()? {
            return Err(rotation.pending(&journal));
        }
        rotation.end_version(&plan, number, aim, world).map(|_| ())
    })
}

fn rollback(place: &Place) -> Result<(), Fault> {
    let plan = place.plan(Kind::Rollback);
    place.with_world(|rotation, world| {
        if let Some(journal) = rotation.unfinished()? {
            return Err(rotation.pending(&journal));
        }
        let document = place.document();
        let previous = document.entry("dev", "openai").unwrap().previous();
        let Some(previous) = previous.filter(|v| v.compromised_at.is_none()) else {
            return Ok(());
        };
        let journal = rotation.create(&plan, &Secret::new(previous.value.expose()))?;
        rotation.run(journal, world).map(|_| ())
    })
}

/// Does it, and dies after so many ticks. What is not said to fail may only fail in the ways that
/// the exit codes name.
fn perform(place: &Place, act: &Act, n: usize, dies: Option<u32>) {
    place.life.ends_after(dies);
    let done = std::panic::catch_unwind(AssertUnwindSafe(|| match act {
        Act::Rotate { grace, compromised } => {
            let plan = Plan {
                grace: Some(Duration::from_secs(*grace)),
                compromised: *compromised,
                ..place.plan(Kind::Rotate)
            };
            place.rotate_with(&plan, &format!("pasted-{n}")).map(|_| ())
        }
        Act::Resume => place.resume().map_or(Ok(()), |r| r.map(|_| ())),
        Act::Abort => place.abort().map_or(Ok(()), |r| r.map(|_| ())),
        Act::Rollback => rollback(place),
        Act::EndDue => end_due(place).into_iter().try_for_each(|r| r.map(|_| ())),
        Act::EndOld(aim) => end_old(place, *aim),
        Act::Later(seconds) => {
            place.life.later(Duration::from_secs(*seconds));
            Ok(())
        }
        Act::Mood(mood) => {
            *place.provider.mood.borrow_mut() = *mood;
            Ok(())
        }
        Act::Server { n, lags, rejects } => {
            let server = &mut place.servers.borrow_mut()[*n];
            (server.lags, server.rejects) = (*lags, *rejects);
            Ok(())
        }
        Act::Store(readable) => {
            *place.store.borrow_mut() = *readable;
            Ok(())
        }
    }));
    place.life.ends_after(None);
    match done {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => assert!(
            matches!(
                fault.status,
                ExitStatus::Unreachable | ExitStatus::DoesNotHold | ExitStatus::Refused
            ),
            "{fault:?}"
        ),
        Err(thrown) => {
            if !thrown.is::<Killed>() {
                std::panic::resume_unwind(thrown);
            }
        }
    }
}

/// What holds at every instant.
fn holds(place: &Place, compromised: bool) {
    let document = place.document();
    let entry = document.entry("dev", "openai").unwrap();
    let of = |state| entry.versions.iter().filter(|v| v.state == state).collect::<Vec<_>>();
    let current = of(State::Current);
    assert_eq!(current.len(), 1, "one version is in use");
    assert!(place.provider.accepts(current[0].value.expose()), "the value in use works");
    assert!(current[0].compromised_at.is_none(), "what others may know is not in use");
    let journal = place.journal();
    for version in of(State::Pending).into_iter().chain(of(State::Next)) {
        assert_eq!(journal.as_ref().map(|j| j.to), Some(version.number), "on record");
        let issued = journal.as_ref().is_some_and(|j| j.issuer.is_some() && !j.aborting);
        let works = place.provider.accepts(version.value.expose());
        assert!(works || !issued, "the value that was issued was issued again");
    }
    for (id, (tag, _, active)) in &*place.provider.issued.borrow() {
        let known = entry
            .versions
            .iter()
            .any(|v| v.remote.as_ref().is_some_and(|r| r.key.as_deref() == Some(id)));
        let expected = journal.as_ref().is_some_and(|j| {
            j.issuer.is_some() && *tag == admin::tag(&document.vault, "dev", "openai", j.to)
        });
        assert!(known || expected || !active, "{id} under {tag} is an orphan");
    }
    let servers = place.servers.borrow();
    for server in servers.iter().filter(|_| !compromised) {
        let used = server.works_with();
        assert!(place.provider.accepts(&used.value), "a server works with a value that is refused");
        if place.order == Order::Ahead {
            for other in &*servers {
                let known = other.accepts(&used.fingerprint);
                assert!(known, "a token of one server is refused by the other");
            }
        }
    }
}

/// The versions that are in use, or that somebody can go back to.
fn kept(place: &Place) -> Vec<u32> {
    let of_use = |(_, s): &(u32, State)| matches!(s, State::Current | State::Old);
    place.states().into_iter().filter(of_use).map(|(n, _)| n).collect()
}

/// What holds of one act: what it does at the provider it does once, and only what ends versions
/// ends any.
fn does(place: &Place, act: &Act, n: usize, dies: Option<u32>) {
    let (before, made) = (kept(place), *place.provider.made.borrow());
    let has_it = place.states().iter().any(|(_, s)| *s == State::Pending);
    let ends = may_end(place, act);
    perform(place, act, n, dies);
    let made = *place.provider.made.borrow() - made;
    let may = match act {
        Act::Rotate { .. } => 1,
        Act::Resume => u32::from(!has_it),
        _ => 0,
    };
    assert!(made <= may, "{made} keys were made by {act:?}");
    let after = kept(place);
    let lost = before.iter().find(|number| !after.contains(number));
    // More than ten that nobody waits for are not kept.
    assert!(ends || lost.is_none() || before.len() >= 10, "{act:?} lost version {lost:?}");
}

/// Whether an act may end a version: what somebody could go back to is gone then.
fn may_end(place: &Place, act: &Act) -> bool {
    match act {
        Act::Rotate { grace, compromised } => *grace == 0 || *compromised,
        Act::Resume => place.journal().is_some_and(|journal| {
            journal.kind == Kind::Retire || journal.grace_seconds == Some(0) || journal.compromised
        }),
        Act::EndDue | Act::EndOld(_) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_way_leads_out_of_everything(
        (order, can) in shape(),
        acts in prop::collection::vec((act(), prop::option::weighted(0.6, 0..50_u32)), 1..14),
        resume in any::<bool>(),
    ) {
        let place = Place::with("first", order, can);
        let mut compromised = false;
        for (n, (act, dies)) in acts.iter().enumerate() {
            compromised |= matches!(act, Act::Rotate { compromised: true, .. });
            does(&place, act, n, *dies);
            holds(&place, compromised);
            place.look();
            holds(&place, compromised);
        }
        *place.provider.mood.borrow_mut() = Mood::Fine;
        *place.store.borrow_mut() = true;
        for server in place.servers.borrow_mut().iter_mut() {
            (server.lags, server.rejects) = (false, false);
        }
        place.look();
        let before = place.value();
        if !resume && let Some(Err(refused)) = place.abort() {
            prop_assert_eq!(refused.status, ExitStatus::Refused, "{:?}", refused);
        }
        if let Some(Err(fault)) = place.resume() {
            let expected = ["rotation-aborted", "key-refused", "still-valid"];
            prop_assert!(expected.contains(&fault.problems[0].code), "{:?}", fault);
        }
        prop_assert!(place.resume().is_none(), "nothing is under way");
        prop_assert!(place.journal().is_none());
        holds(&place, compromised);
        let unfinished = |(_, s): &(u32, State)| matches!(s, State::Pending | State::Next);
        prop_assert!(!place.states().iter().any(unfinished));
        place.look();
        prop_assert!(place.is_in_step(), "a server was not told: {:?}", place.servers.borrow());
        // And everything works as if nothing had been.
        place.rotate("last").unwrap();
        prop_assert_ne!(place.value(), before);
        place.look();
        prop_assert!(place.is_in_step(), "a server was not told: {:?}", place.servers.borrow());
        let generation = place.document().generation;
        let last = place.servers.borrow().iter().all(|server| server.generation == generation);
        prop_assert!(last, "the last generation is with every server");
        holds(&place, compromised);
    }
}
