//! Calls and failures of the last half minute.

use std::time::{Duration, Instant};

/// How long a call counts.
pub(super) const SPAN: Duration = Duration::from_secs(30);

/// So many parts are forgotten one after the other.
const PARTS: u64 = 10;

/// What happened in one part of the span.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    /// The number of the part since the beginning.
    number: u64,
    calls: u32,
    failures: u32,
}

/// A rolling count.
#[derive(Clone, Debug)]
pub(super) struct Window {
    began: Instant,
    parts: [Part; PARTS as usize],
}

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, parts: [Part::default(); PARTS as usize] }
    }

    /// The number of the part in which `now` is.
    fn number(&self, now: Instant) -> u64 {
        let part = SPAN.as_millis() / u128::from(PARTS);
        let passed = now.saturating_duration_since(self.began).as_millis() / part;
        u64::try_from(passed).unwrap_or(u64::MAX)
    }

    pub(super) fn count(&mut self, now: Instant, failed: bool) {
        let number = self.number(now);
        let index = usize::try_from(number % PARTS).unwrap_or_default();
        if let Some(part) = self.parts.get_mut(index) {
            if part.number != number {
                *part = Part { number, calls: 0, failures: 0 };
            }
            part.calls = part.calls.saturating_add(1);
            part.failures = part.failures.saturating_add(u32::from(failed));
        }
    }

    /// Calls and failures that still count.
    pub(super) fn sums(&self, now: Instant) -> (u32, u32) {
        let number = self.number(now);
        let counts = |part: &&Part| part.number + PARTS > number && part.number <= number;
        self.parts.iter().filter(counts).fold((0_u32, 0_u32), |(calls, failures), part| {
            (calls.saturating_add(part.calls), failures.saturating_add(part.failures))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_for_the_span_and_no_longer() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut window = Window::new(began);
        window.count(at(1), true);
        window.count(at(2), false);
        window.count(at(20), true);
        assert_eq!(window.sums(at(20)), (3, 2));
        assert_eq!(window.sums(at(29)), (3, 2));
        assert_eq!(window.sums(at(31)), (1, 1));
        assert_eq!(window.sums(at(60)), (0, 0));
        window.count(at(31), false);
        assert_eq!(window.sums(at(31)), (2, 1), "the part of the first two is used again");
        assert_eq!(window.sums(at(10_000)), (0, 0));
    }
}
