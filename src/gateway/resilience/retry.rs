//! What is tried again, and after how long.
//!
//! One loop with one deadline asks every target once in its turn, and one that was asked again only
//! until there were [`ATTEMPTS`] attempts. A target
//! that broke before a byte of its answer came is asked once more; one that was silent is not, for
//! it would be silent again, and the next one is asked. The waits grow and are drawn at random
//! within their upper half, so that many requests that failed together do not come back together
//! (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Repeats at the same
//! target come out of a budget that follows the traffic, so that they never multiply the load of a
//! provider that is down.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many attempts of a request, refused keys not counted, and no target is asked again.
pub(crate) const ATTEMPTS: u32 = 3;

/// The longest that a request waits because a provider tells it to.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The first wait, where the provider says nothing; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(200);

/// The longest wait, where the provider says nothing.
const LONGEST: Duration = Duration::from_secs(5);

/// The wait before repeat `n`, from 0. `lot` is any number, by which it is drawn.
pub(crate) fn backoff(n: u32, lot: u64) -> Duration {
    let full = FIRST.saturating_mul(1_u32.checked_shl(n).unwrap_or(u32::MAX)).min(LONGEST);
    let drawn = u32::try_from(lot % 1001).unwrap_or_default();
    full / 2 + full / 2 * drawn / 1000
}

/// A repeat costs this much.
const REPEAT: u64 = 1000;

/// A request adds this much: one repeat for five requests.
const REQUEST: u64 = 200;

/// Each second adds this much whatever the traffic: ten repeats.
const SECOND: u64 = 10 * REPEAT;

/// No more than ten seconds' worth is saved up.
const MOST: u64 = 10 * SECOND;

/// What repeats at the same target come out of.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Requests since the account was made up last.
    requests: AtomicU64,
    account: Mutex<Account>,
}

#[derive(Debug)]
struct Account {
    saved: u64,
    at: Instant,
}

impl Default for Budget {
    fn default() -> Self {
        let account = Account { saved: SECOND, at: Instant::now() };
        Self { requests: AtomicU64::new(0), account: Mutex::new(account) }
    }
}

impl Budget {
    /// Takes note of a request.
    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there is enough for a repeat, which is taken out.
    pub(crate) fn repeat(&self) -> bool {
        self.repeat_at(Instant::now())
    }

    fn repeat_at(&self, now: Instant) -> bool {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(account.at).as_millis();
        let by_time = u64::try_from(passed).unwrap_or(u64::MAX).saturating_mul(SECOND / 1000);
        let by_requests = self.requests.swap(0, Ordering::Relaxed).saturating_mul(REQUEST);
        account.saved = account.saved.saturating_add(by_time).saturating_add(by_requests).min(MOST);
        account.at = account.at.max(now);
        let enough = account.saved >= REPEAT;
        if enough {
            account.saved -= REPEAT;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_bounded_and_are_drawn_from_their_upper_half() {
        let range = |n| (backoff(n, 0).as_millis(), backoff(n, 1000).as_millis());
        assert_eq!(range(0), (100, 200));
        assert_eq!(range(1), (200, 400));
        assert_eq!(range(4), (1600, 3200));
        assert_eq!(range(5), (2500, 5000));
        assert_eq!(range(200), (2500, 5000));
    }

    #[test]
    fn repeats_follow_the_traffic_and_a_trickle_is_always_there() {
        let budget = Budget::default();
        let began = budget.account.lock().unwrap().at;
        let repeats = |at| (0..100_000).take_while(|_| budget.repeat_at(at)).count();
        assert_eq!(repeats(began), 10);
        for _ in 0..50 {
            budget.request();
        }
        assert_eq!(repeats(began), 10, "one for five requests");
        assert_eq!(repeats(began + Duration::from_secs(1)), 10);
        assert_eq!(repeats(began + Duration::from_secs(3600)), 100, "no more is saved up");
        assert_eq!(repeats(began), 0, "a clock that goes back gives nothing");
    }
}
