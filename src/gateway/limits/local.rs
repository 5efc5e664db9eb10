//! GCRA in the memory of this process. A caller may use its whole minute at once, then gets it
//! back evenly.

use super::{Decision, Limited, Limiter};
use arc_swap::ArcSwap;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Every rate has a limiter of its own; there are as many rates as operators have thought of.
type Keyed<C> =
    RateLimiter<Limited, DefaultKeyedStateStore<Limited>, C, StateInformationMiddleware>;

/// A limiter that knows what this process has seen.
pub(crate) struct LocalLimiter<C: Clock = DefaultClock> {
    clock: C,
    by_rate: ArcSwap<Vec<(NonZeroU32, Arc<Keyed<C>>)>>,
}

impl Default for LocalLimiter {
    fn default() -> Self {
        Self::with_clock(DefaultClock::default())
    }
}

impl<C: Clock + Clone> LocalLimiter<C> {
    /// A limiter on another clock.
    pub(crate) fn with_clock(clock: C) -> Self {
        Self { clock, by_rate: ArcSwap::default() }
    }

    fn of_rate(&self, rate: NonZeroU32) -> Arc<Keyed<C>> {
        let find = |known: &[(NonZeroU32, Arc<Keyed<C>>)]| {
            known.iter().find(|(known, _)| *known == rate).map(|(_, keyed)| Arc::clone(keyed))
        };
        if let Some(keyed) = find(&self.by_rate.load()) {
            return keyed;
        }
        let quota = Quota::per_minute(rate);
        let keyed = RateLimiter::dashmap_with_clock(quota, self.clock.clone());
        let new = Arc::new(keyed.with_middleware());
        self.by_rate.rcu(|known| {
            let mut known = Vec::clone(known);
            // Somebody else may have been faster; all must count in the same place.
            if find(&known).is_none() {
                known.push((rate, Arc::clone(&new)));
            }
            known
        });
        find(&self.by_rate.load()).unwrap_or(new)
    }

    /// See [`Limiter::check`].
    pub(crate) fn decide(&self, who: &Limited, per_minute: u32) -> Decision {
        let rate = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let interval = Duration::from_secs(60) / rate.get();
        match self.of_rate(rate).check_key(who) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Decision {
                    allowed: true,
                    limit: rate.get(),
                    remaining,
                    reset: interval * rate.get().saturating_sub(remaining),
                    retry_after: Duration::ZERO,
                }
            }
            Err(until) => {
                let retry_after = until.wait_time_from(self.clock.now());
                Decision {
                    allowed: false,
                    limit: rate.get(),
                    remaining: 0,
                    reset: interval * rate.get().saturating_sub(1) + retry_after,
                    retry_after,
                }
            }
        }
    }
}

#[async_trait::async_trait]
impl<C> Limiter for LocalLimiter<C>
where
    C: Clock + Clone + Send + Sync,
    C::Instant: Send + Sync,
{
    async fn check(&self, who: &Limited, per_minute: u32) -> Decision {
        self.decide(who, per_minute)
    }

    fn retain_recent(&self) {
        for (_, limiter) in self.by_rate.load().iter() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

impl<C: Clock> std::fmt::Debug for LocalLimiter<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalLimiter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn remembered<C: Clock>(limiter: &LocalLimiter<C>) -> usize {
        limiter.by_rate.load().iter().map(|(_, known)| known.len()).sum()
    }

    fn key(id: &str) -> Limited {
        Limited::Key(id.into())
    }

    #[test]
    fn a_minute_can_be_used_at_once_and_comes_back_evenly() {
        let clock = FakeRelativeClock::default();
        let limiter = LocalLimiter::with_clock(clock.clone());
        for used in 1..=6 {
            let decision = limiter.decide(&key("a"), 6);
            assert!(decision.allowed);
            assert_eq!(decision.remaining, 6 - used);
            assert_eq!(decision.reset, Duration::from_secs(10) * used);
        }
        let refused = limiter.decide(&key("a"), 6);
        assert!(!refused.allowed);
        assert_eq!((refused.limit, refused.remaining), (6, 0));
        assert_eq!(refused.retry_after_seconds(), 10);
        assert_eq!(refused.reset, Duration::from_secs(60));

        clock.advance(Duration::from_millis(9_500));
        assert_eq!(limiter.decide(&key("a"), 6).retry_after_seconds(), 1);
        clock.advance(Duration::from_millis(500));
        assert!(limiter.decide(&key("a"), 6).allowed);
        assert!(!limiter.decide(&key("a"), 6).allowed);
    }

    #[test]
    fn callers_do_not_share_and_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let limiter = LocalLimiter::with_clock(clock.clone());
        assert!(limiter.decide(&key("a"), 1).allowed);
        assert!(!limiter.decide(&key("a"), 1).allowed);
        assert!(limiter.decide(&key("b"), 1).allowed);
        assert!(limiter.decide(&Limited::Address([127, 0, 0, 1].into()), 1).allowed);
        assert_eq!(remembered(&limiter), 3);
        limiter.retain_recent();
        assert_eq!(remembered(&limiter), 3);
        clock.advance(Duration::from_secs(121));
        limiter.retain_recent();
        assert_eq!(remembered(&limiter), 0);
    }

    #[test]
    fn the_greatest_rate_does_not_overflow() {
        let limiter = LocalLimiter::default();
        let decision = limiter.decide(&key("a"), 100_000_000);
        assert!(decision.allowed);
        assert!(decision.remaining >= 99_999_998);
        assert!(limiter.decide(&key("a"), u32::MAX).allowed);
    }
}
