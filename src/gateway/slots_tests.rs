//! Slots: replacing, draining, rejecting, disabling.

use super::*;

const VARIABLE: &str = "OPENAI_API_KEY";

/// No key that could not be opened, and none that is gone.
const NONE: (&[String], &[String]) = (&[], &[]);

fn key(value: &str) -> Opened {
    Opened {
        variable: VARIABLE.to_owned(),
        secret: Secret::new(value),
        credentials: HeaderMap::new(),
        version: None,
        fingerprint: None,
        source: Source { word: VAULT.to_owned(), layer: Layer::Vault, file: None },
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
    assert!(slots.pick(&[]).is_none());
    slots.replace("openai", vec![key("one")], NONE, now);
    let under_way = slots.pick(&[]).unwrap();
    assert_eq!(slots.replace("openai", vec![key("one")], NONE, now), Change::default());
    slots.replace("openai", vec![key("two")], NONE, now);
    assert_eq!(states(&slots), [(2, State::Active), (1, State::Draining)]);
    assert_eq!(slots.pick(&[]).unwrap().slot().secret.expose(), "two");
    assert_eq!(under_way.slot().secret.expose(), "one");
    slots.retire(now + DRAIN);
    assert_eq!(states(&slots), [(2, State::Active)]);
}

#[test]
fn a_refused_key_is_passed_over_for_the_one_before() {
    let slots = Slots::default();
    let now = Instant::now();
    slots.replace("openai", vec![key("good")], NONE, now);
    slots.replace("openai", vec![key("bad")], NONE, now);
    for n in 1..=3 {
        let bad = slots.pick(&[]).unwrap();
        assert_eq!(bad.slot().secret.expose(), "bad");
        assert_eq!(slots.refused(&bad), n == 3);
        let other = slots.pick(&[bad]).unwrap();
        assert_eq!(other.slot().secret.expose(), "good");
    }
    assert_eq!(states(&slots), [(2, State::Rejected), (1, State::Active)]);
    assert_eq!(slots.pick(&[]).unwrap().slot().secret.expose(), "good");
    // The same bad key again changes nothing.
    slots.replace("openai", vec![key("bad")], NONE, now);
    assert_eq!(slots.pick(&[]).unwrap().slot().secret.expose(), "good");
}

#[test]
fn only_the_key_that_was_replaced_last_stands_by() {
    let slots = Slots::default();
    let now = Instant::now();
    for value in ["one", "two", "three"] {
        slots.replace("openai", vec![key(value)], NONE, now);
    }
    assert_eq!(states(&slots), [(3, State::Active), (2, State::Draining)]);
    let third = slots.pick(&[]).unwrap();
    let second = slots.pick(std::slice::from_ref(&third)).unwrap();
    assert_eq!(second.slot().secret.expose(), "two");
    assert!(slots.pick(&[third, second]).is_none());
}

#[test]
fn the_only_key_is_never_rejected() {
    let slots = Slots::default();
    slots.replace("openai", vec![key("only")], NONE, Instant::now());
    for _ in 0..5 {
        let used = slots.pick(&[]).unwrap();
        assert!(!slots.refused(&used));
        assert!(slots.pick(&[used]).is_none());
    }
    assert!(slots.usable());
}

#[test]
fn the_key_before_stands_by_for_as_long_as_the_new_one_says() {
    let slots = Slots::default();
    let now = Instant::now();
    let drain = |seconds| Some(Duration::from_secs(seconds));
    slots.replace("openai", vec![key("one")], NONE, now);
    slots.replace("openai", vec![Opened { drain: drain(3), ..key("two") }], NONE, now);
    slots.retire(now + Duration::from_secs(2));
    assert_eq!(states(&slots), [(2, State::Active), (1, State::Draining)]);
    slots.retire(now + Duration::from_secs(3));
    assert_eq!(states(&slots), [(2, State::Active)]);
    let for_ever = Some(Duration::MAX);
    slots.replace("openai", vec![Opened { drain: for_ever, ..key("three") }], NONE, now);
    slots.retire(now + DRAIN);
    assert_eq!(states(&slots), [(3, State::Active)]);
}

#[test]
fn a_key_that_cannot_be_opened_stays_and_one_that_is_gone_begins_nothing() {
    let slots = Slots::default();
    let now = Instant::now();
    slots.replace("openai", vec![key("one")], NONE, now);
    slots.replace("openai", vec![], (&[VARIABLE.to_owned()], &[]), now);
    assert_eq!(states(&slots), [(1, State::Active)]);
    let file = Source { word: "file".to_owned(), layer: Layer::Process, file: None };
    slots.replace("openai", vec![Opened { source: file, ..key("fed") }], NONE, now);
    slots.replace("openai", vec![], (&[], &[VARIABLE.to_owned()]), now);
    assert_eq!(states(&slots), [(2, State::Draining)], "a file may just be being written");
    slots.replace("openai", vec![key("two")], NONE, now);
    let under_way = slots.pick(&[]).unwrap();
    slots.replace("openai", vec![], (&[], &[VARIABLE.to_owned()]), now);
    assert_eq!(states(&slots), []);
    assert!(!slots.usable() && slots.pick(&[]).is_none());
    assert_eq!(under_way.slot().secret.expose(), "two");
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
            slots.replace("openai", vec![key(&n.to_string())], NONE, now);
            // Each key counts on from the one before: one that was lost is missed here for ever.
            let generation = slots.pick(&[]).map(|slot| slot.slot().generation);
            if generation != Some(n) {
                done.store(true, Ordering::Relaxed);
            }
            assert_eq!(generation, Some(n));
        }
        done.store(true, Ordering::Relaxed);
    });
}
