//! Slots: replacing, draining, rejecting, disabling.

use super::*;
use crate::base::Secret;
use crate::settings::Layer;
use http::HeaderMap;

const MODEL: &str = "m";
const VARIABLE: &str = "OPENAI_API_KEY";

fn source() -> Source {
    let entry = Some(("dev".to_owned(), "openai".to_owned()));
    Source { word: "vault".to_owned(), layer: Layer::Vault, file: None, entry, salted: None }
}

fn key(value: &str) -> Opened {
    Opened {
        variable: VARIABLE.to_owned(),
        secret: Secret::new(value),
        credentials: HeaderMap::new(),
        version: None,
        fingerprint: None,
        source: source(),
        drain: None,
        made_at: None,
    }
}

fn states(slots: &Slots) -> Vec<(u64, State)> {
    slots.view().iter().map(|s| (s.generation, s.state)).collect()
}

#[test]
fn a_new_key_takes_over_and_the_old_one_drains_and_retires() {
    let slots = Slots::default();
    let now = Instant::now();
    assert!(!slots.usable());
    assert!(slots.pick(MODEL, &[], &[]).is_none());
    slots.replace("openai", vec![key("one")], &[], now);
    let under_way = slots.pick(MODEL, &[], &[]).unwrap();
    assert_eq!(slots.replace("openai", vec![key("one")], &[], now), Change::default());
    slots.replace("openai", vec![key("two")], &[], now);
    assert_eq!(states(&slots), [(2, State::Active), (1, State::Draining)]);
    assert_eq!(slots.pick(MODEL, &[], &[]).unwrap().slot().secret.expose(), "two");
    assert_eq!(under_way.slot().secret.expose(), "one");
    slots.retire(now + DRAIN);
    assert_eq!(states(&slots), [(2, State::Active)]);
}

#[test]
fn a_refused_key_is_passed_over_for_the_one_before() {
    let slots = Slots::default();
    let now = Instant::now();
    slots.replace("openai", vec![key("good")], &[], now);
    slots.replace("openai", vec![key("bad")], &[], now);
    for n in 1..=3 {
        let bad = slots.pick(MODEL, &[], &[]).unwrap();
        assert_eq!(bad.slot().secret.expose(), "bad");
        assert_eq!(slots.refused(&bad), n == 3);
        let other = slots.pick(MODEL, &[bad], &[]).unwrap();
        assert_eq!(other.slot().secret.expose(), "good");
    }
    assert_eq!(states(&slots), [(2, State::Rejected), (1, State::Active)]);
    assert_eq!(slots.pick(MODEL, &[], &[]).unwrap().slot().secret.expose(), "good");
    // The same bad key again changes nothing.
    slots.replace("openai", vec![key("bad")], &[], now);
    assert_eq!(slots.pick(MODEL, &[], &[]).unwrap().slot().secret.expose(), "good");
}

#[test]
fn only_the_key_that_was_replaced_last_stands_by() {
    let slots = Slots::default();
    let now = Instant::now();
    for value in ["one", "two", "three"] {
        slots.replace("openai", vec![key(value)], &[], now);
    }
    assert_eq!(states(&slots), [(3, State::Active), (2, State::Draining)]);
    let third = slots.pick(MODEL, &[], &[]).unwrap();
    let second = slots.pick(MODEL, std::slice::from_ref(&third), &[]).unwrap();
    assert_eq!(second.slot().secret.expose(), "two");
    assert!(slots.pick(MODEL, &[third, second], &[]).is_none());
}

#[test]
fn a_version_that_has_ended_stands_by_no_more() {
    let slots = Slots::default();
    let now = Instant::now();
    let version = |value, number| Opened { version: Some(number), ..key(value) };
    let held = |version, standby: &[u64]| {
        let standing = Standing::Held { version, standby: standby.to_vec() };
        slots.withdraw(|_| standing.clone())
    };
    slots.replace("openai", vec![version("one", 1)], &[], now);
    assert_eq!(held(2, &[]), 0, "the one after it is not here");
    slots.replace("openai", vec![version("two", 2)], &[], now);
    assert_eq!(held(2, &[1]), 0);
    assert_eq!(states(&slots), [(2, State::Active), (1, State::Draining)]);
    let under_way = slots.pick(MODEL, &[slots.pick(MODEL, &[], &[]).unwrap()], &[]).unwrap();
    assert_eq!(held(2, &[]), 1);
    assert_eq!(states(&slots), [(2, State::Active)]);
    assert_eq!(under_way.slot().secret.expose(), "one");
    for _ in 0..3 {
        assert!(!slots.refused(&under_way), "nobody takes the place of what is out of use");
    }

    // The one that stands in for a rejected key stays in until it ends; then that one is asked.
    slots.replace("openai", vec![version("three", 3)], &[], now);
    for _ in 0..3 {
        slots.refused(&slots.pick(MODEL, &[], &[]).unwrap());
    }
    assert_eq!(held(3, &[2]), 0);
    slots.replace("openai", vec![version("three", 3)], &[], now);
    assert_eq!(states(&slots), [(3, State::Rejected), (2, State::Active)]);
    assert_eq!(held(3, &[]), 1);
    assert!(slots.usable());
    let third = slots.pick(MODEL, &[], &[]).unwrap();
    assert_eq!((third.slot().generation, third.slot().state()), (3, State::Rejected));
    slots.accepted(&third, MODEL);
    assert_eq!(states(&slots), [(3, State::Active)]);
    assert_eq!(slots.withdraw(|_| Standing::Unknown), 0);
    assert_eq!(slots.withdraw(|_| Standing::Gone), 1);
    assert!(!slots.usable());
}

#[test]
fn a_version_that_has_ended_ends_under_its_other_numbers_too() {
    let slots = Slots::default();
    let now = Instant::now();
    let version = |value, number| Opened { version: Some(number), ..key(value) };
    // The second is taken back, the first comes again as the third and is then disabled.
    slots.replace("openai", vec![version("one", 1)], &[], now);
    slots.replace("openai", vec![version("two", 2)], &[], now);
    let first = slots.pick(MODEL, &[slots.pick(MODEL, &[], &[]).unwrap()], &[]).unwrap();
    assert_eq!(first.slot().secret.expose(), "one");
    let again = Opened { variable: "OTHER".to_owned(), ..version("one", 3) };
    slots.replace("openai", vec![version("two", 2), again], &[], now);
    let standing = Standing::Held { version: 2, standby: vec![1] };
    assert_eq!(slots.withdraw(|_| standing.clone()), 2);
    assert_eq!(states(&slots), [(2, State::Active)]);
    assert_eq!(first.slot().state(), State::Disabled);
}

#[test]
fn a_key_that_may_not_be_sent_any_more_does_not_stand_by() {
    let slots = Slots::default();
    let now = Instant::now();
    let of = |name: &str| Source { entry: Some(("prod".to_owned(), name.to_owned())), ..source() };
    let from = |name, value| Opened { version: Some(1), source: of(name), ..key(value) };
    slots.replace("openai", vec![from("a", "one")], &[], now);
    slots.replace("openai", Vec::new(), &[], now);
    let under_way = slots.pick(MODEL, &[], &[]).unwrap();
    assert_eq!(slots.bar("OPENAI_API_KEY", &of("b")), 0, "that one may still be sent");
    assert_eq!(slots.bar("OPENAI_API_KEY", &of("a")), 1);
    assert!(!slots.usable() && slots.pick(MODEL, &[], &[]).is_none());
    assert_eq!(under_way.slot().state(), State::Disabled);
}

#[test]
fn a_rejected_key_is_asked_again_once_the_one_before_is_refused() {
    let slots = Slots::default();
    let now = Instant::now();
    slots.replace("openai", vec![key("one")], &[], now);
    slots.replace("openai", vec![key("two")], &[], now);
    for _ in 0..3 {
        slots.refused(&slots.pick(MODEL, &[], &[]).unwrap());
    }
    assert_eq!(states(&slots), [(2, State::Rejected), (1, State::Active)]);
    let one = slots.pick(MODEL, &[], &[]).unwrap();
    slots.accepted(&one, MODEL);
    slots.refused(&one);
    let two = slots.pick(MODEL, &[one], &[]).unwrap();
    assert_eq!(two.slot().secret.expose(), "two");
    slots.accepted(&two, MODEL);
    assert_eq!(states(&slots), [(2, State::Active), (1, State::Draining)]);
}

#[test]
fn a_key_that_comes_from_another_place_is_another_key() {
    let slots = Slots::default();
    let now = Instant::now();
    let place = |profile: &str| Source {
        entry: Some((profile.to_owned(), "openai".to_owned())),
        ..source()
    };
    let first = |profile| Opened { version: Some(1), source: place(profile), ..key("one") };
    slots.replace("openai", vec![first("staging")], &[], now);
    assert_eq!(slots.replace("openai", vec![first("staging")], &[], now), Change::default());
    slots.replace("openai", vec![first("prod")], &[], now);
    let gone = |source: &Source| match &source.entry {
        Some((profile, _)) if profile == "staging" => Standing::Gone,
        _ => Standing::Unknown,
    };
    assert_eq!(slots.withdraw(gone), 1);
    assert_eq!(states(&slots), [(1, State::Active)]);
}

#[test]
fn a_limited_key_does_not_keep_another_ones_standby_away() {
    let slots = Slots::default();
    let now = Instant::now();
    let second = |value| Opened { variable: "SECOND".to_owned(), ..key(value) };
    slots.replace("openai", vec![key("a"), second("one")], &[], now);
    slots.replace("openai", vec![key("a"), second("two")], &[], now);
    let all = |tried: &mut Vec<InFlight>, refused: &str| {
        while let Some(slot) = slots.pick(MODEL, tried, &[]) {
            if slot.slot().secret.expose() == refused {
                slots.refused(&slot);
            }
            tried.push(slot);
        }
    };
    for _ in 0..3 {
        all(&mut Vec::new(), "two");
    }
    let view: Vec<_> = slots.view().iter().map(|s| (s.variable.clone(), s.state)).collect();
    assert!(view.contains(&("SECOND".to_owned(), State::Rejected)), "{view:?}");
    let a = slots.pick(MODEL, &[], &[]).unwrap();
    let (a, one) = match a.slot().secret.expose() {
        "a" => (a, slots.pick(MODEL, &[], &[]).unwrap()),
        _ => (slots.pick(MODEL, &[], &[]).unwrap(), a),
    };
    assert_eq!((a.slot().secret.expose(), one.slot().secret.expose()), ("a", "one"));
    slots.limit(&a, &MODEL.into(), Some(Duration::from_secs(9)));
    assert_eq!(slots.limited(MODEL), None);
    assert_eq!(slots.pick(MODEL, &[], &[]).unwrap().slot().secret.expose(), "one");
}

#[test]
fn the_key_before_does_not_stand_in_for_one_that_has_used_up_its_rate() {
    let slots = Slots::default();
    let now = Instant::now();
    slots.replace("openai", vec![key("one")], &[], now);
    slots.replace("openai", vec![key("two")], &[], now);
    let two = slots.pick(MODEL, &[], &[]).unwrap();
    assert_eq!(slots.limited(MODEL), None);
    slots.limit(&two, &MODEL.into(), Some(Duration::from_secs(9)));
    assert!(slots.limited(MODEL).is_some_and(|limited| limited.told));
    assert_eq!(slots.pick(MODEL, &[], &[]).unwrap().slot().secret.expose(), "two");
    assert!(slots.pick(MODEL, &[], &[two]).is_none());
}

#[test]
fn the_only_key_is_never_rejected() {
    let slots = Slots::default();
    slots.replace("openai", vec![key("only")], &[], Instant::now());
    for _ in 0..5 {
        let used = slots.pick(MODEL, &[], &[]).unwrap();
        assert!(!slots.refused(&used));
        assert!(slots.pick(MODEL, &[used], &[]).is_none());
    }
    assert!(slots.usable());
}

#[test]
fn the_key_before_stands_by_for_as_long_as_the_new_one_says() {
    let slots = Slots::default();
    let now = Instant::now();
    let drain = |seconds| Some(Duration::from_secs(seconds));
    slots.replace("openai", vec![key("one")], &[], now);
    slots.replace("openai", vec![Opened { drain: drain(3), ..key("two") }], &[], now);
    slots.retire(now + Duration::from_secs(2));
    assert_eq!(states(&slots), [(2, State::Active), (1, State::Draining)]);
    slots.retire(now + Duration::from_secs(3));
    assert_eq!(states(&slots), [(2, State::Active)]);
    let for_ever = Some(Duration::MAX);
    slots.replace("openai", vec![Opened { drain: for_ever, ..key("three") }], &[], now);
    slots.retire(now + DRAIN);
    assert_eq!(states(&slots), [(3, State::Active)]);
}

#[test]
fn a_key_that_cannot_be_opened_stays_and_one_that_is_not_set_drains() {
    let slots = Slots::default();
    let now = Instant::now();
    slots.replace("openai", vec![key("one")], &[], now);
    slots.replace("openai", vec![], &[VARIABLE.to_owned()], now);
    assert_eq!(states(&slots), [(1, State::Active)]);
    slots.replace("openai", vec![], &[], now);
    assert_eq!(states(&slots), [(1, State::Draining)]);
}

#[test]
fn a_key_that_is_withdrawn_begins_nothing_and_ends_what_it_began() {
    let slots = Slots::default();
    let now = Instant::now();
    let file = Source { entry: None, ..source() };
    let fed = Opened { variable: "SECOND".to_owned(), source: file, ..key("fed") };
    slots.replace("openai", vec![key("one"), fed], &[], now);
    let under_way = slots.pick(MODEL, &[], &[]).unwrap();
    let removed = |source: &Source| match source.entry {
        Some(_) => Standing::Gone,
        None => Standing::Unknown,
    };
    assert_eq!(slots.withdraw(removed), 1);
    assert_eq!(slots.withdraw(removed), 0);
    for _ in 0..2 {
        assert_eq!(slots.pick(MODEL, &[], &[]).unwrap().slot().secret.expose(), "fed");
    }
    assert_eq!(slots.withdraw(|_| Standing::Gone), 1);
    assert!(!slots.usable() && slots.pick(MODEL, &[], &[]).is_none());
    assert_eq!(under_way.slot().secret.expose(), "one");
}

#[test]
fn forgetting_loses_no_key_that_comes_at_the_same_time() {
    let slots = Slots::default();
    let now = Instant::now();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                slots.retire(now + DRAIN);
            }
        });
        for n in 1..=20_000_u64 {
            slots.replace("openai", vec![key(&n.to_string())], &[], now);
            // Each key counts on from the one before: one that was lost is missed here for ever.
            let generation = slots.pick(MODEL, &[], &[]).map(|slot| slot.slot().generation);
            if generation != Some(n) {
                done.store(true, Ordering::Relaxed);
            }
            assert_eq!(generation, Some(n));
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_key_whose_rate_is_used_up_rests_while_another_can_be_used() {
    let slots = Slots::default();
    let mut other = key("two");
    other.variable = "OTHER".to_owned();
    slots.replace("openai", vec![key("one"), other], &[], Instant::now());
    assert_eq!(slots.limited(MODEL), None);
    let first = slots.pick(MODEL, &[], &[]).unwrap();
    slots.limit(&first, &MODEL.into(), Some(Duration::from_secs(5)));
    assert_eq!(slots.limited(MODEL), None, "the other one is free");
    for _ in 0..4 {
        assert_ne!(slots.pick(MODEL, &[], &[]).unwrap().slot().id, first.slot().id);
    }
    let second = slots.pick(MODEL, &[], &[]).unwrap();
    slots.limit(&second, &MODEL.into(), Some(Duration::from_secs(86_400)));
    assert!(
        slots.limited(MODEL).unwrap().rest <= Duration::from_secs(5),
        "whichever is free first"
    );
    assert!(slots.pick(MODEL, &[], &[]).is_some(), "whoever insists gets one");
    let told = |view: &SlotView| view.limited_ms.get(MODEL).copied().unwrap_or_default();
    assert!(slots.view().iter().all(|view| (1..=60_000).contains(&told(view))));
    assert_eq!(slots.limited("another"), None, "other models have a rate of their own");
    for n in 0..1000 {
        slots.limit(&first, &format!("m{n}").into(), None);
    }
    assert_eq!(slots.view().iter().map(|view| view.limited_ms.len()).max(), Some(256));
}

#[test]
fn without_a_word_of_the_provider_a_key_rests_longer_each_time() {
    let slots = Slots::default();
    slots.replace("openai", vec![key("one")], &[], Instant::now());
    let slot = slots.pick(MODEL, &[], &[]).unwrap();
    for (from, to) in [(0, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (32, 60), (59, 60)] {
        slots.limit(&slot, &MODEL.into(), None);
        let rest = slots.limited(MODEL).unwrap().rest;
        assert!(rest > Duration::from_secs(from) && rest <= Duration::from_secs(to), "{rest:?}");
    }
    slots.accepted(&slot, MODEL);
    slots.limit(&slot, &MODEL.into(), None);
    assert!(slots.limited(MODEL).unwrap().rest <= Duration::from_secs(1));
}

#[test]
fn a_rejected_key_is_tried_again_after_a_while_by_one_request() {
    let slots = Slots::default();
    let began = Instant::now();
    let other = Opened { variable: "OTHER".to_owned(), ..key("two") };
    slots.replace("openai", vec![key("one"), other], &[], began);
    let at = |after: Duration| {
        let now = Instant::now() + after;
        let slot = slots.pick_at(MODEL, &[], &[], || now).unwrap();
        (slot.slot().secret.expose().to_owned(), slot)
    };
    let reject = || {
        while slots.view().iter().all(|slot| slot.state == State::Active) {
            let (value, slot) = at(Duration::ZERO);
            if value == "one" {
                slots.refused(&slot);
            }
        }
    };
    reject();
    // Each time one request asks it, and the time until the next is twice as long, up to an hour.
    let mut due = 0;
    for minutes in [5, 10, 20, 40, 60, 60] {
        due += minutes;
        let due = Duration::from_secs(60 * due);
        for _ in 0..4 {
            assert_eq!(at(due - Duration::from_secs(30)).0, "two", "{minutes}");
        }
        let (value, slot) = at(due + Duration::from_secs(5));
        assert_eq!(value, "one", "{minutes}");
        assert!(!slots.refused(&slot), "it is rejected already");
        assert_eq!(at(due + Duration::from_secs(5)).0, "two", "{minutes}");
    }
    // The provider takes it again, which holds for all.
    let (_, slot) = at(Duration::from_secs(86_400));
    assert!(slots.accepted(&slot, MODEL) && !slots.accepted(&slot, MODEL));
    assert!(slots.view().iter().all(|slot| slot.state == State::Active && slot.refusals == 0));
    reject();
    assert_eq!(at(Duration::from_secs(299)).0, "two", "it begins anew");
    assert_eq!(at(Duration::from_secs(301)).0, "one");
}

#[test]
fn a_key_that_is_taken_again_sends_the_one_before_back() {
    let slots = Slots::default();
    let now = Instant::now();
    slots.replace("openai", vec![key("one")], &[], now);
    slots.replace("openai", vec![key("two")], &[], now);
    for _ in 0..3 {
        slots.refused(&slots.pick(MODEL, &[], &[]).unwrap());
    }
    assert_eq!(states(&slots), [(2, State::Rejected), (1, State::Active)]);
    let later = Instant::now() + Duration::from_secs(301);
    let two = slots.pick_at(MODEL, &[], &[], || later).unwrap();
    assert_eq!(two.slot().secret.expose(), "two");
    assert!(slots.accepted(&two, MODEL));
    assert_eq!(states(&slots), [(2, State::Active), (1, State::Draining)]);
}

#[test]
fn what_began_before_a_key_was_rejected_does_not_take_it_back() {
    let slots = Slots::default();
    let now = Instant::now();
    slots.replace("openai", vec![key("one")], &[], now);
    slots.replace("openai", vec![key("two")], &[], now);
    let long = slots.pick(MODEL, &[], &[]).unwrap();
    for _ in 0..3 {
        slots.refused(&slots.pick(MODEL, &[], &[]).unwrap());
    }
    assert!(!slots.accepted(&long, MODEL) && !slots.accepted(&long.again(), MODEL));
    assert_eq!(states(&slots), [(2, State::Rejected), (1, State::Active)]);
}

#[test]
fn a_rejected_key_that_was_replaced_leaves_the_new_one_in_use() {
    let slots = Slots::default();
    let now = Instant::now();
    slots.replace("openai", vec![key("one")], &[], now);
    slots.replace("openai", vec![key("two")], &[], now);
    for _ in 0..3 {
        slots.refused(&slots.pick(MODEL, &[], &[]).unwrap());
    }
    let one = slots.pick(MODEL, &[], &[]).unwrap();
    slots.refused(&one);
    let two = slots.pick(MODEL, &[one], &[]).unwrap();
    assert_eq!(two.slot().state(), State::Rejected);
    slots.replace("openai", vec![key("three")], &[], now);
    let before = states(&slots);
    assert!(before.contains(&(3, State::Active)), "{before:?}");
    assert!(!slots.accepted(&two, MODEL));
    assert_eq!(states(&slots), before);
}

#[test]
fn a_request_that_tells_nothing_of_a_rejected_key_does_not_put_the_next_off() {
    let slots = Slots::default();
    let now = Instant::now();
    slots.replace("openai", vec![key("one")], &[], now);
    slots.replace("openai", vec![key("two")], &[], now);
    for _ in 0..3 {
        slots.refused(&slots.pick(MODEL, &[], &[]).unwrap());
    }
    let began = Instant::now();
    let at = |minutes: u64| {
        let now = began + Duration::from_secs(60 * minutes + 5);
        slots.pick_at(MODEL, &[], &[], || now).unwrap()
    };
    let value = |minutes| at(minutes).slot().secret.expose().to_owned();
    for minutes in [5, 11, 17, 23] {
        assert_eq!((value(minutes), value(minutes + 4)), ("two".to_owned(), "one".to_owned()));
    }
    // Only a refusal does, and each but once.
    let two = at(29);
    assert_eq!(two.slot().secret.expose(), "two");
    slots.refused(&two);
    slots.refused(&two);
    assert_eq!((value(38), value(40)), ("one".to_owned(), "two".to_owned()));
}
