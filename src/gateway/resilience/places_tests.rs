//! The limit against made-up providers, in any order of events, and under many threads.

use super::*;
use proptest::prelude::*;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Lets `n` in at `now`.
fn enter(crowd: &mut Crowd, now: Instant, n: u32) -> Vec<Entry> {
    (0..n).map_while(|_| crowd.enter(now, MOST).ok()).collect()
}

#[test]
fn signs_of_a_few_are_not_about_their_number() {
    let t = Instant::now();
    let mut crowd = Crowd::new(t);
    for entry in enter(&mut crowd, t, FLOOR) {
        assert_eq!(crowd.overloaded(t, entry), Judged::Elsewhere);
    }
    assert_eq!(crowd.limit, MOST);
}

#[test]
fn requests_that_were_under_way_together_cut_once() {
    let t = Instant::now();
    let mut crowd = Crowd::new(t);
    let all = enter(&mut crowd, t, 30);
    let judged: Vec<Judged> = all.iter().rev().map(|entry| crowd.overloaded(t, *entry)).collect();
    assert_eq!(judged[0], Judged::Cut { limit: 24, first: true });
    assert_eq!(judged.iter().filter(|j| matches!(j, Judged::Cut { .. })).count(), 1);
    assert_eq!(crowd.enter(t, MOST).unwrap_err(), Full, "thirty are under way");
    all.iter().for_each(|_| crowd.leave());
    let again = enter(&mut crowd, t, 30);
    assert_eq!(again.len(), 24);
    assert_eq!(crowd.overloaded(t, again[23]), Judged::Cut { limit: 20, first: false });
}

#[test]
fn a_sign_now_and_then_among_many_answers_changes_nothing() {
    let t = Instant::now();
    let mut crowd = Crowd::new(t);
    let all = enter(&mut crowd, t, 100);
    for (n, entry) in all.iter().enumerate() {
        if n % 4 == 3 {
            let judged = crowd.overloaded(t, *entry);
            assert!(matches!(judged, Judged::Elsewhere | Judged::Kept), "{judged:?}");
        } else {
            crowd.answered(t);
        }
    }
    assert_eq!(crowd.limit, MOST);
    // What was long ago does not count.
    let later = t + Duration::from_secs(10);
    let entry = crowd.enter(later, MOST).unwrap();
    assert!(matches!(crowd.overloaded(later, entry), Judged::Cut { limit: 81, .. }));
}

#[test]
fn the_limit_grows_back_within_two_minutes_and_says_so_once() {
    let mut t = Instant::now();
    let mut crowd = Crowd::new(t);
    let all = enter(&mut crowd, t, 100);
    crowd.overloaded(t, all[99]);
    all.iter().for_each(|_| crowd.leave());
    assert!(!crowd.widened(2048));
    let mut seen = Vec::new();
    for _ in 0..60 {
        seen.push(crowd.limit);
        t += ms(1000);
        crowd.pass(t);
    }
    assert_eq!(&seen[..11], [80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90]);
    assert_eq!(seen[11], 100, "a tenth more, after a while without a sign");
    assert!(crowd.limit >= 2048, "{seen:?}");
    assert!(crowd.widened(2048));
    assert!(!crowd.widened(2048));
    crowd.pass(t + Duration::from_secs(1_000_000_000));
    assert_eq!(crowd.limit, MOST);
}

/// A provider that answers `bears` requests at a time after `takes`, and refuses others at once.
/// Clients ask whenever a place is free. Answers and signs of the last half of the time, and the
/// limits there.
fn simulated(bears: usize, takes: Duration, seconds: u64) -> (u64, u64, Vec<u32>) {
    let begin = Instant::now();
    let mut crowd = Crowd::new(begin);
    let mut served: Vec<Instant> = Vec::new();
    let (mut answers, mut signs, mut limits) = (0, 0, Vec::new());
    for step in 0..seconds * 100 {
        let now = begin + ms(step * 10);
        let counts = step >= seconds * 50;
        let before = served.len();
        served.retain(|end| *end > now);
        for _ in served.len()..before {
            crowd.leave();
            crowd.answered(now);
            answers += u64::from(counts);
        }
        // More clients than it bears, each of which tries once in a while.
        for _ in 0..4 {
            let Ok(entry) = crowd.enter(now, 2048) else { break };
            if served.len() < bears {
                served.push(now + takes);
            } else {
                crowd.overloaded(now, entry);
                crowd.leave();
                signs += u64::from(counts);
            }
        }
        if counts {
            limits.push(crowd.limit);
        }
    }
    (answers, signs, limits)
}

#[test]
fn it_finds_what_a_provider_bears() {
    for (bears, takes) in [(8, ms(200)), (8, ms(5_000)), (40, ms(1_000)), (100, ms(2_000))] {
        let (answers, signs, limits) = simulated(bears, takes, 120);
        let bears = u64::try_from(bears).unwrap();
        let able = bears * 60_000 / u64::try_from(takes.as_millis()).unwrap();
        assert!(
            answers * 10 >= able * 8,
            "{bears} {takes:?}: {answers} of {able}, {signs} refused"
        );
        let most = limits.iter().max().copied().unwrap();
        assert!(u64::from(most) <= bears + bears / 4 + 2, "{bears} {takes:?}: {most}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Enter(u32),
    Leave,
    Answered,
    Overloaded,
    Pass(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        5 => (1_u32..40).prop_map(Event::Enter),
        2 => Just(Event::Leave),
        2 => Just(Event::Answered),
        3 => Just(Event::Overloaded),
        1 => (0_u64..20_000).prop_map(Event::Pass),
    ];
    prop::collection::vec(event, 0..300)
}

proptest! {
    #[test]
    fn never_above_the_ceiling_below_the_floor_or_short_of_a_place(events in events()) {
        let mut now = Instant::now();
        let mut crowd = Crowd::new(now);
        let mut inside: Vec<Entry> = Vec::new();
        for event in events {
            match event {
                Event::Enter(ceiling) => {
                    let before = crowd.in_flight;
                    match crowd.enter(now, ceiling) {
                        Ok(entry) => {
                            inside.push(entry);
                            prop_assert!(before < ceiling && before < crowd.limit);
                        }
                        Err(Full) => prop_assert!(before >= ceiling.min(crowd.limit)),
                    }
                }
                Event::Leave => {
                    if inside.pop().is_some() {
                        crowd.leave();
                    }
                }
                Event::Answered => crowd.answered(now),
                Event::Overloaded => {
                    let before = crowd.limit;
                    if let Some(entry) = inside.pop() {
                        crowd.overloaded(now, entry);
                        crowd.leave();
                        prop_assert!(crowd.limit <= before);
                    }
                }
                Event::Pass(millis) => {
                    let before = crowd.limit;
                    now += ms(millis);
                    crowd.pass(now);
                    prop_assert!(crowd.limit >= before);
                }
            }
            prop_assert!((FLOOR..=MOST).contains(&crowd.limit));
            prop_assert_eq!(usize::try_from(crowd.in_flight).unwrap(), inside.len());
        }
    }
}

#[test]
fn under_many_threads_no_place_is_taken_twice_or_lost() {
    let places = Places::new("p/m");
    let provider = Places::new("p");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..2_000 {
                    let Ok(all) = provider.enter(7) else { continue };
                    let Ok(place) = places.enter(5) else { continue };
                    let place = place.within(all);
                    assert!(places.view(5).in_flight <= 5 && provider.view(7).in_flight <= 7);
                    match n % 3 {
                        0 => place.answered(),
                        1 => drop(place.overloaded()),
                        _ => {}
                    }
                }
            });
        }
    });
    assert_eq!((places.view(5).in_flight, provider.view(7).in_flight), (0, 0));
    assert!(places.has_room(5));
}
