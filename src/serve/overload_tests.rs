//! What is shed, when, and what never is.

use super::*;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The shares after each of so many seconds at such lags.
fn shares(
    control: &mut Control,
    now: &mut Instant,
    seconds: u32,
    lag: impl Fn(u32) -> u64,
) -> Vec<u32> {
    let mut shares = Vec::new();
    for _ in 0..seconds {
        let end = *now + ms(1000);
        while *now < end {
            for n in 0..10 {
                let late = ms(lag(n));
                *now += TICK + late;
                control.look(*now, late);
            }
        }
        shares.push(control.share);
    }
    shares
}

#[test]
fn a_standing_queue_is_shed_more_and_more_and_a_burst_is_not() {
    let mut now = Instant::now();
    let mut control = Control::new(now, ms(100));
    assert_eq!(shares(&mut control, &mut now, 5, |_| 1), [0; 5]);
    // In time now and then: bursts, not a queue.
    assert_eq!(shares(&mut control, &mut now, 5, |n| if n % 3 == 0 { 1 } else { 250 }), [0; 5]);
    let grown = shares(&mut control, &mut now, 12, |_| 150);
    assert!(grown.is_sorted() && grown[0] >= STEP, "{grown:?}");
    assert_eq!(grown[11], MOST, "some still get through");
    // Between half the limit and all of it nothing changes at once, and nothing stays for ever.
    assert_eq!(shares(&mut control, &mut now, 3, |_| 80), [MOST; 3]);
    assert_eq!(shares(&mut control, &mut now, 90, |_| 80)[89], 0);
    control.share = MOST;
    let shrunk = shares(&mut control, &mut now, 12, |_| 1);
    assert_eq!(shrunk[11], 0);
    assert!(shrunk.is_sorted_by(|a, b| a >= b), "{shrunk:?}");
}

#[test]
fn without_a_limit_nobody_is_shed() {
    let mut now = Instant::now();
    let mut control = Control::new(now, Duration::ZERO);
    assert_eq!(shares(&mut control, &mut now, 3, |_| 5_000), [0; 3]);
}

#[test]
fn a_few_requests_are_never_what_is_too_much() {
    let bounds = Overload::new(100, 1, 1, ms(100), &mut Registry::default());
    bounds.share.store(1000, Ordering::Relaxed);
    let places: Vec<_> = (0..=FEW).map(|_| bounds.enter().unwrap()).collect();
    let refused = bounds.enter().unwrap_err();
    assert_eq!((refused.code, refused.retry_after), ("overloaded", Some(1)));
    drop(places);
    assert!(bounds.enter().is_ok());
}

#[test]
fn bodies_share_their_room_and_small_ones_need_none() {
    let mut registry = Registry::default();
    let mib = 1 << 20;
    let bounds = Overload::new(1, 4 * mib, 3 * mib, ms(100), &mut registry);
    let first = bounds.hold(3 * mib).unwrap();
    let mut second = bounds.hold(SMALL).unwrap();
    let refused = bounds.hold(2 * mib).unwrap_err();
    assert_eq!((refused.code, refused.retry_after), ("overloaded", Some(1)));
    bounds.enlarge(&mut second, mib).unwrap();
    bounds.enlarge(&mut second, mib + 1).unwrap_err();
    let small = bounds.hold(SMALL).unwrap();
    drop(first);
    bounds.enlarge(&mut second, 4 * mib).unwrap();
    drop((second, small));
    assert_eq!(bounds.bodies.available_permits(), 4096);
    // One of the largest size always fits.
    let narrow = Overload::new(1, mib, 3 * mib, ms(100), &mut Registry::default());
    assert!(narrow.hold(3 * mib).is_ok());
}
