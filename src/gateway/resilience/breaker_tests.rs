//! Every order of events up to a depth, and the ways that operators will see.

use super::*;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Fails `n` requests at `now`.
fn fail(machine: &mut Machine, now: Instant, n: u32) {
    for _ in 0..n {
        let pass = machine.admit(now, 0).unwrap();
        machine.ended(now, pass, Some(true), 0);
    }
}

#[test]
fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not_count_on() {
    let t = Instant::now();
    let mut machine = Machine::new(t);
    fail(&mut machine, t, 4);
    let pass = machine.admit(t, 0).unwrap();
    machine.ended(t, pass, Some(false), 0);
    fail(&mut machine, t, 4);
    assert_eq!(machine.view(t).state, State::Closed);
    fail(&mut machine, t, 1);
    assert_eq!(machine.view(t).state, State::Open);
    assert_eq!(machine.admit(t + seconds(4), 0), Err(Refused::Open(t + seconds(5))));
}

#[test]
fn half_of_ten_open_it_and_half_of_nine_do_not() {
    let t = Instant::now();
    let mut machine = Machine::new(t);
    for n in 0..9 {
        let pass = machine.admit(t, 0).unwrap();
        machine.ended(t, pass, Some(n % 2 == 0), 0);
    }
    assert_eq!(machine.view(t).state, State::Closed, "five of nine are too few to tell");
    fail(&mut machine, t, 1);
    assert_eq!(machine.view(t).state, State::Open);
}

#[test]
fn what_says_nothing_about_the_provider_counts_neither_way() {
    let t = Instant::now();
    let mut machine = Machine::new(t);
    fail(&mut machine, t, 4);
    for _ in 0..100 {
        let pass = machine.admit(t, 0).unwrap();
        machine.ended(t, pass, None, 0);
    }
    assert_eq!(machine.view(t).calls, 4);
    fail(&mut machine, t, 1);
    assert_eq!(machine.view(t).state, State::Open);
}

#[test]
fn openings_grow_to_a_bound_that_keeps_recovery_within_half_a_minute() {
    let mut t = Instant::now();
    let mut machine = Machine::new(t);
    fail(&mut machine, t, 5);
    for expected in [5, 10, 15, 15, 15] {
        assert_eq!(machine.view(t).retry_in_ms, expected * 1000);
        t += seconds(expected);
        fail(&mut machine, t, 1);
    }
    assert!(LONGEST + RAMP < seconds(30));
}

/// A primary that is down for `down` of every `down + up` milliseconds for a minute and well after
/// it, at a hundred requests a second: how many of them it lost, and how long it took until it had
/// all of them again.
fn flaps(down: u64, up: u64) -> (u32, Duration) {
    let began = Instant::now();
    let mut machine = Machine::new(began);
    let (mut lost, mut refused) = (0, began);
    for n in 0..10_000 {
        let passed = Duration::from_millis(10 * n);
        let now = began + passed;
        let is_down = passed < seconds(60) && (10 * n) % (down + up) < down;
        match machine.admit(now, n * 37) {
            Ok(pass) => {
                lost += u32::from(is_down);
                machine.ended(now, pass, Some(is_down), n * 41);
            }
            Err(_) => refused = now,
        }
    }
    (lost, refused.saturating_duration_since(began + seconds(60)))
}

#[test]
fn a_minute_of_flapping_loses_few_requests_and_ends_within_half_a_minute() {
    for down in [50, 200, 700, 1_000, 3_000, 7_000, 20_000, 60_000] {
        for up in [50, 200, 700, 1_000, 3_000, 7_000, 20_000] {
            let (lost, back) = flaps(down, up);
            // Up to nine before half of ten, once in at least four seconds; one that is down for
            // less than half of the time need not open at all.
            let share = if down < up { 6_000 * down / (down + up) } else { 0 };
            let most = 150 + u32::try_from(share).unwrap();
            assert!(lost <= most, "{down} {up}: {lost} lost of the 6000 of this minute");
            assert!(back < seconds(30), "{down} {up}: {back:?}");
        }
    }
}

#[test]
fn two_successes_begin_the_ramp_and_its_end_closes() {
    let mut t = Instant::now();
    let mut machine = Machine::new(t);
    fail(&mut machine, t, 5);
    t += seconds(5);
    for _ in 0..2 {
        let pass = machine.admit(t, 0).unwrap();
        assert_eq!(machine.admit(t, 0), Err(Refused::Probing), "one at a time");
        machine.ended(t, pass, Some(false), 0);
    }
    assert_eq!(machine.view(t).state, State::Ramp);
    let passing = |machine: &mut Machine, t| {
        (0..100).filter(|&lot| machine.clone().admit(t, lot).is_ok()).count()
    };
    assert_eq!(passing(&mut machine, t), 10);
    assert_eq!(passing(&mut machine, t + seconds(5)), 50);
    assert_eq!(passing(&mut machine, t + seconds(10)), 100);
    machine.admit(t + seconds(10), 99).unwrap();
    assert_eq!(machine.tier, 0, "the next opening is a first one again");
}

#[test]
fn what_began_before_an_opening_says_nothing_about_what_comes_after() {
    let t = Instant::now();
    let mut machine = Machine::new(t);
    let early = machine.admit(t, 0).unwrap();
    fail(&mut machine, t, 5);
    let later = t + seconds(5);
    let probe = machine.admit(later, 0).unwrap();
    machine.ended(later, early, Some(false), 0);
    assert_eq!(machine.admit(later, 0), Err(Refused::Probing), "the probe is still out");
    machine.ended(later, probe, Some(true), 0);
    assert_eq!(machine.view(later).state, State::Open);
}

#[test]
fn a_probe_whose_client_goes_away_makes_room_for_the_next() {
    let t = Instant::now();
    let breaker = Arc::new(Breaker::default());
    fail(&mut breaker.lock(), t, 5);
    breaker.lock().phase = Phase::Open { until: t };
    drop(breaker.admit().unwrap());
    let probe = breaker.admit().unwrap();
    assert_eq!(breaker.admit().unwrap_err(), Refused::Probing);
    probe.succeeded();
    breaker.admit().unwrap().succeeded();
    assert_eq!(breaker.view().state, State::Ramp);
    breaker.insist().unwrap();
    breaker.reset();
    assert_eq!(breaker.view().state, State::Closed);
    assert_eq!(breaker.view().opened, 1);
}

#[test]
fn a_probe_that_takes_long_does_not_keep_a_provider_from_its_requests() {
    let t = Instant::now();
    let mut machine = Machine::new(t);
    fail(&mut machine, t, 5);
    let slow = machine.admit(t + seconds(5), 0).unwrap();
    assert_eq!(machine.admit(t + seconds(9), 0), Err(Refused::Probing));
    assert!(machine.rests(t + seconds(9)));
    let next = machine.admit(t + seconds(10), 0).unwrap();
    assert_eq!(machine.admit(t + seconds(10), 0), Err(Refused::Probing));
    machine.ended(t + seconds(10), slow, Some(false), 0);
    assert_eq!(machine.admit(t + seconds(10), 0), Err(Refused::Probing), "the next is still out");
    machine.ended(t + seconds(10), next, Some(false), 0);
    assert_eq!(machine.view(t + seconds(10)).state, State::Ramp);
}

#[test]
fn a_stream_that_finds_out_succeeds_with_its_first_event() {
    let breaker = Arc::new(Breaker::default());
    fail(&mut breaker.lock(), Instant::now(), 5);
    breaker.lock().phase = Phase::Open { until: Instant::now() };
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = breaker.admit().unwrap();
        stream.began();
        streams.push(stream);
    }
    assert_eq!(breaker.view().state, State::Ramp);
    streams.into_iter().for_each(Permit::failed);
    assert_eq!(breaker.view().failures, 2, "how they end counts");
}

/// What can happen to a breaker.
#[derive(Clone, Copy, Debug)]
enum Event {
    Begin,
    Succeed,
    Fail,
    GoAway,
    Wait(u64),
    Reset,
}

const EVENTS: [Event; 7] = [
    Event::Begin,
    Event::Succeed,
    Event::Fail,
    Event::GoAway,
    Event::Wait(1),
    Event::Wait(16),
    Event::Reset,
];

/// A breaker with the requests that are under way, oldest first.
#[derive(Clone)]
struct World {
    machine: Machine,
    now: Instant,
    under_way: Vec<(Pass, Instant)>,
}

impl World {
    fn happens(&mut self, event: Event) {
        let ends = match event {
            Event::Succeed => Some(Some(false)),
            Event::Fail => Some(Some(true)),
            Event::GoAway => Some(None),
            Event::Begin | Event::Wait(_) | Event::Reset => None,
        };
        match event {
            Event::Begin => {
                let before = self.machine.view(self.now).state;
                match self.machine.admit(self.now, 50) {
                    Ok(pass) => {
                        assert_ne!(before, State::Open);
                        self.under_way.push((pass, self.now));
                    }
                    Err(_) => assert_ne!(before, State::Closed),
                }
            }
            Event::Wait(n) => self.now += seconds(n),
            Event::Reset => {
                self.machine.reset(self.now);
                assert_eq!(self.machine.view(self.now).state, State::Closed);
            }
            Event::Succeed | Event::Fail | Event::GoAway => {}
        }
        if let Some(failed) = ends
            && !self.under_way.is_empty()
        {
            let (pass, _) = self.under_way.remove(0);
            self.machine.ended(self.now, pass, failed, 0);
        }
    }

    /// What holds whatever has happened.
    fn holds(&self) {
        let era = self.machine.era;
        let fresh = |(pass, began): &&(Pass, Instant)| {
            pass.probe.is_some() && pass.era == era && self.now < *began + TRIAL
        };
        let probes = self.under_way.iter().filter(fresh).count();
        assert!(probes <= 1, "two probes at once");
        if let Phase::HalfOpen { probing, .. } = self.machine.phase {
            let known = probing.is_some_and(|(_, since)| self.now < since + TRIAL);
            assert_eq!(known, probes == 1, "a probe that is out is known, and no other");
        }
        let view = self.machine.view(self.now);
        assert!(view.failures <= view.calls);
        assert!(view.retry_in_ms <= 15_000);
        // A provider that has recovered has its requests again within half a minute: nothing that
        // happened before keeps the breaker open for good.
        let mut healed = self.clone();
        for (pass, _) in std::mem::take(&mut healed.under_way) {
            healed.machine.ended(healed.now, pass, None, 0);
        }
        let mut taken = 0;
        for _ in 0..30 {
            healed.now += seconds(1);
            if let Ok(pass) = healed.machine.admit(healed.now, 0) {
                healed.machine.ended(healed.now, pass, Some(false), 0);
                taken += 1;
            }
        }
        assert!(taken >= 15, "{taken}");
        assert_eq!(healed.machine.view(healed.now).state, State::Closed);
    }
}

/// All sequences of `depth` events after `world`.
fn explore(world: &World, depth: u32) {
    world.holds();
    if depth == 0 {
        return;
    }
    for event in EVENTS {
        let mut next = world.clone();
        next.happens(event);
        explore(&next, depth - 1);
    }
}

#[test]
fn in_every_order_of_events_one_probe_is_out_and_the_way_back_is_open() {
    let now = Instant::now();
    let closed = World { machine: Machine::new(now), now, under_way: Vec::new() };
    explore(&closed, 5);
    // From where the interesting states are near.
    let mut brink = closed.clone();
    fail(&mut brink.machine, now, 4);
    explore(&brink, 5);
    let mut open = closed;
    fail(&mut open.machine, now, 5);
    explore(&open, 5);
    let mut trial = open.clone();
    trial.happens(Event::Wait(16));
    trial.happens(Event::Begin);
    explore(&trial, 5);
    trial.happens(Event::Succeed);
    trial.happens(Event::Begin);
    trial.happens(Event::Succeed);
    assert_eq!(trial.machine.view(trial.now).state, State::Ramp);
    explore(&trial, 5);
}
