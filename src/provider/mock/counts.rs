//! How often a behaviour was asked for already, so that it can be for the first requests only.
//!
//! Requests are counted apart by service key, family, model and run: the header [`RUN`] if the client
//! sends it, else the user that the request names, else the conversation itself with its seed. So
//! tests that run side by side do not disturb each other, and the same request sent again is the
//! second of its run.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The header that names a run.
pub(crate) const RUN: &str = "x-mock-run";

/// So many runs are remembered at least, those that were asked for last; twice as many at most.
const RUNS: usize = 4096;

/// Counts by run.
#[derive(Debug, Default)]
pub(super) struct Counts {
    hasher: RandomState,
    known: Mutex<Known>,
}

/// Two generations: when the young one is full it becomes the old one, and the old one is
/// forgotten. What is asked for is young again.
#[derive(Debug, Default)]
struct Known {
    young: HashMap<u64, Run>,
    old: HashMap<u64, Run>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    requests: u64,
    began: Instant,
}

impl Counts {
    /// Counts a request of a run: how many were before it, and how long ago the first came.
    pub(super) fn next(&self, run: impl Hash, now: Instant) -> (u64, Duration) {
        // Two runs with one hash would be counted as one: not to be expected in 64 bits.
        let key = self.hasher.hash_one(run);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut run = match known.young.get(&key).or_else(|| known.old.get(&key)) {
            Some(run) => *run,
            None => Run { requests: 0, began: now },
        };
        let before = run.requests;
        run.requests += 1;
        if known.young.len() >= RUNS && !known.young.contains_key(&key) {
            known.old = std::mem::take(&mut known.young);
        }
        known.young.insert(key, run);
        (before, now.saturating_duration_since(run.began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_apart_and_only_so_many_remembered() {
        let (counts, now) = (Counts::default(), Instant::now());
        let later = now + Duration::from_secs(5);
        assert_eq!(counts.next("a", now), (0, Duration::ZERO));
        assert_eq!(counts.next("a", later), (1, Duration::from_secs(5)));
        assert_eq!(counts.next("b", later), (0, Duration::ZERO));
        for run in 0..10 * RUNS {
            counts.next(run, now);
            counts.next("kept", now);
        }
        assert_eq!(counts.next("a", later).0, 0, "it was forgotten");
        assert_eq!(usize::try_from(counts.next("kept", now).0).unwrap(), 10 * RUNS);
        let known = counts.known.lock().unwrap();
        assert!(known.young.len() <= RUNS && known.old.len() <= RUNS);
    }
}
