//! A process that ends at each of its steps, one after the other: whatever comes next says how to
//! go on, and in the end every server has what the vault says.

use super::fakes::{Killed, Place};
use super::*;
use crate::provider::admin::Abilities;
use crate::report::Fault;
use crate::secrets::State;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

const NOBODY: Abilities = Abilities { create: false, disable: false, delete: false };
const WHOLE: Abilities = Abilities { create: true, disable: true, delete: true };

/// Does `work` in a fresh place, ended at its `n`th step; `None` once it has no `n`th.
fn ended_at(n: u32, place: Place, work: impl Fn(&Place) -> Result<(), Fault>) -> Option<Place> {
    place.life.ends_after(Some(n));
    let done = std::panic::catch_unwind(AssertUnwindSafe(|| work(&place)));
    place.life.ends_after(None);
    match done {
        Ok(done) => {
            done.unwrap();
            None
        }
        Err(thrown) if thrown.is::<Killed>() => Some(place),
        Err(thrown) => std::panic::resume_unwind(thrown),
    }
}

/// Ends `work` at each step, in what `prepare` makes, and goes on with what was left, or gives it
/// up; every server has what the vault says then.
fn everywhere(prepare: impl Fn() -> Place, work: impl Fn(&Place) -> Result<(), Fault>) {
    for give_up in [false, true] {
        let mut steps = 0;
        while let Some(place) = ended_at(steps, prepare(), &work) {
            steps += 1;
            let when = format!("step {steps}, given up: {give_up}");
            let settled = match give_up {
                true => place.abort().map(|done| done.map(|_| ())),
                false => place.resume().map(|done| done.map(|_| ())),
            };
            match settled {
                Some(Err(fault)) => panic!("{when}: {fault:?}"),
                // What had not begun is begun again, and what was done is done.
                None if !give_up => drop(work(&place)),
                Some(Ok(())) | None => {}
            }
            assert!(place.journal().is_none(), "{when}");
            place.look();
            assert!(place.is_in_step(), "{when}: {:?}", place.servers.borrow());
            let states = place.states();
            let current = states.iter().filter(|(_, state)| *state == State::Current).count();
            assert_eq!(current, 1, "{when}");
        }
        assert!(steps > 5, "only {steps} steps");
    }
}

#[test]
fn a_rotation_reaches_every_server_wherever_it_was_ended() {
    for (order, can) in [(Order::AtOnce, NOBODY), (Order::AtOnce, WHOLE), (Order::Ahead, NOBODY)] {
        everywhere(|| Place::with("one", order, can), |place| place.rotate("two").map(|_| ()));
    }
}

#[test]
fn the_end_of_a_version_reaches_every_server_wherever_it_was_ended() {
    for aim in [Aim::Disable, Aim::Retire, Aim::Remove] {
        let rotated = || {
            let place = Place::with("one", Order::Ahead, NOBODY);
            place.rotate("two").unwrap();
            place
        };
        everywhere(rotated, |place| {
            let plan = place.plan(Kind::Retire);
            let done = place.with_world(|r, world| r.end_version(&plan, 1, aim, world));
            done.map(|_| ())
        });
    }
}

#[test]
fn what_is_given_up_is_given_up_on_every_server_wherever_that_was_ended() {
    // Cut over, with a server that does not follow: what is given up is in use already.
    let cut_over = || {
        let place = Place::with("one", Order::AtOnce, NOBODY);
        place.servers.borrow_mut()[1].lags = true;
        place.rotate("two").unwrap_err();
        place.servers.borrow_mut()[1].lags = false;
        place
    };
    // Published, and not in use yet.
    let published = || {
        let place = Place::with("one", Order::Ahead, NOBODY);
        place.servers.borrow_mut()[1].lags = true;
        place.rotate("two").unwrap_err();
        place.servers.borrow_mut()[1].lags = false;
        place
    };
    for prepare in [&cut_over as &dyn Fn() -> Place, &published] {
        let mut steps = 0;
        let give_up = |place: &Place| place.abort().map_or(Ok(()), |done| done.map(|_| ()));
        while let Some(place) = ended_at(steps, prepare(), give_up) {
            steps += 1;
            let begun = place.journal().is_none_or(|journal| journal.aborting);
            // Whoever is told of it gives it up again; going on with it comes to the same.
            let again = if steps % 2 == 0 {
                give_up(&place)
            } else {
                place.resume().map_or(Ok(()), |done| done.map(|_| ()))
            };
            if let Err(fault) = again {
                assert_eq!(fault.problems[0].code, "rotation-aborted", "step {steps}");
            }
            assert!(place.journal().is_none(), "step {steps}");
            place.look();
            assert!(place.is_in_step(), "step {steps}: {:?}", place.servers.borrow());
            if begun {
                assert_eq!(place.value(), "one", "step {steps}: what was given up stays so");
            }
        }
        assert!(steps > 5, "only {steps} steps");
    }
}

#[test]
fn a_server_that_only_verifies_with_the_new_key_keeps_the_old_one_alive() {
    let place = Place::with("one", Order::Ahead, NOBODY);
    place.rotate("two").unwrap();
    // It has the new key since it was published, and signs with the old one.
    let mut servers = place.servers.borrow_mut();
    let server = &mut servers[1];
    server.lags = true;
    server.held.reverse();
    (server.held[0].state, server.held[1].state) = ("signs", "next");
    drop(servers);
    place.life.later(Duration::from_secs(4_000));
    let ended = model::end_due(&place);
    assert_eq!(ended[0].as_ref().unwrap_err().problems[0].code, "servers-lag");
    place.servers.borrow_mut()[1].lags = false;
    assert!(model::end_due(&place)[0].is_ok());
}
