//! How many requests a target is asked at a time.
//!
//! Nobody tells how much a provider bears, and it changes. So as many as the ceiling allows are let
//! through until the provider says that it is too much: a 503 or 529, a 429 that names no time, a
//! silence until the answer should have begun. When a third of the answers of the last seconds were
//! such signs, a fifth of what was under way is taken away, once for all requests that were under
//! way together; every second gives one back, and after ten seconds without a cut a tenth more. It
//! is the way in which senders share a line that nobody knows the width of (D.-M. Chiu and R. Jain,
//! "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance", 1989).
//!
//! How long answers take says nothing here: a long one is no slow one, and a first token depends on
//! the length of the prompt. A sign from a request that few others were under way with is not about
//! their number either; it is for the breaker. See docs/adr/0015.
//!
//! Nobody waits for a place. One is kept until the answer, or the stream, has ended, and given back
//! when it is dropped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many at a time are never too many: a sign among fewer is not about their number.
pub(crate) const FLOOR: u32 = 4;

/// As many as there can be: the greatest number of requests that a server works on.
pub(crate) const MOST: u32 = 1_000_000;

/// So many at a time at one target are as good as no limit, for the log.
const WIDE: u32 = 2_000;

/// The part of what was under way that a cut takes away.
const CUT: u32 = 5;

/// One sign in so many answers is too much.
const SHARE: u32 = 3;

/// How often the limit grows, and counts fade by half.
const STEP: Duration = Duration::from_secs(1);

/// So long after a cut it grows slowly: what was too much is not far above.
const CALM: Duration = Duration::from_secs(10);

/// The weight of one answer; halved every second it is gone after five.
const ONE: u32 = 16;

/// No place is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// How the places of a target stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Requests under way.
    pub(crate) in_flight: u32,
    /// How many there may be.
    pub(crate) limit: u32,
    /// How often a request found none.
    pub(crate) full: u64,
    /// How often the limit was cut.
    pub(crate) cuts: u64,
}

/// The state. Time comes from outside.
#[derive(Clone, Debug)]
struct Crowd {
    in_flight: u32,
    limit: u32,
    grown_at: Instant,
    cut_at: Option<Instant>,
    /// Counts cuts: what began before one says nothing about what is left since.
    cuts: u64,
    full: u64,
    /// Whether there may be fewer than the ceiling allows.
    narrow: bool,
    /// Answers and signs of the last seconds, fading.
    answers: u32,
    signs: u32,
    faded_at: Instant,
}

/// What is known of a request that was let in.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// How many there were with it.
    among: u32,
    /// Cuts before it.
    era: u64,
}

/// What a sign comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// It is not about how many there are.
    Elsewhere,
    /// It is, but nothing changes.
    Kept,
    /// From now on there may be so many; whether it is the first cut since all were let through.
    Cut { limit: u32, first: bool },
}

impl Crowd {
    fn new(now: Instant) -> Self {
        Self {
            in_flight: 0,
            limit: MOST,
            grown_at: now,
            cut_at: None,
            cuts: 0,
            full: 0,
            narrow: false,
            answers: 0,
            signs: 0,
            faded_at: now,
        }
    }

    /// Lets the limit grow, and old counts fade.
    fn pass(&mut self, now: Instant) {
        while self.limit < MOST && now.saturating_duration_since(self.grown_at) >= STEP {
            self.grown_at += STEP;
            let since = |cut: Instant| self.grown_at.saturating_duration_since(cut);
            let calm = self.cut_at.is_none_or(|cut| since(cut) > CALM);
            let more = if calm { self.limit / 10 } else { 0 };
            self.limit = (self.limit + 1 + more).min(MOST);
        }
        let steps = now.saturating_duration_since(self.faded_at).as_secs();
        if steps > 0 {
            let halves = u32::try_from(steps).unwrap_or(u32::MAX);
            self.answers = self.answers.checked_shr(halves).unwrap_or(0);
            self.signs = self.signs.checked_shr(halves).unwrap_or(0);
            self.faded_at += STEP.saturating_mul(halves);
        }
    }

    fn enter(&mut self, now: Instant, ceiling: u32) -> Result<Entry, Full> {
        self.pass(now);
        if self.in_flight >= self.limit.min(ceiling) {
            self.full += 1;
            return Err(Full);
        }
        self.in_flight += 1;
        Ok(Entry { among: self.in_flight, era: self.cuts })
    }

    /// Whether the ceiling is what bounds it again, which is asked once.
    fn widened(&mut self, ceiling: u32) -> bool {
        self.limit >= ceiling.min(WIDE) && std::mem::take(&mut self.narrow)
    }

    fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    fn answered(&mut self, now: Instant) {
        self.pass(now);
        self.answers = self.answers.saturating_add(ONE);
    }

    fn overloaded(&mut self, now: Instant, entry: Entry) -> Judged {
        self.pass(now);
        self.signs = self.signs.saturating_add(ONE);
        if entry.among <= FLOOR {
            return Judged::Elsewhere;
        }
        let all = self.signs.saturating_add(self.answers);
        if entry.era != self.cuts || self.signs.saturating_mul(SHARE) < all {
            return Judged::Kept;
        }
        let among = entry.among.min(self.limit);
        self.limit = (among - among / CUT).max(FLOOR);
        self.cuts += 1;
        self.cut_at = Some(now);
        self.grown_at = now;
        Judged::Cut { limit: self.limit, first: !std::mem::replace(&mut self.narrow, true) }
    }
}

/// The places at one target.
#[derive(Debug)]
pub(crate) struct Places {
    /// The target, for the log.
    name: Box<str>,
    crowd: Mutex<Crowd>,
}

impl Places {
    /// Places at the target of this name, all of them free.
    pub(crate) fn new(name: &str) -> Arc<Self> {
        Arc::new(Self { name: name.into(), crowd: Mutex::new(Crowd::new(Instant::now())) })
    }

    /// A poisoned lock only means that another thread panicked while it looked.
    fn lock(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place, at most `ceiling` at a time.
    ///
    /// # Errors
    /// None is left.
    pub(crate) fn enter(self: &Arc<Self>, ceiling: u32) -> Result<Place, Full> {
        let (entered, widened) = {
            let mut crowd = self.lock();
            (crowd.enter(Instant::now(), ceiling), crowd.widened(ceiling))
        };
        if widened {
            tracing::info!(to = &*self.name, "as many requests at a time as before");
        }
        let entry = entered?;
        Ok(Place { places: Arc::clone(self), entry, within: None })
    }

    /// How they stand, with at most `ceiling` at a time.
    pub(crate) fn view(&self, ceiling: u32) -> View {
        let mut crowd = self.lock();
        crowd.pass(Instant::now());
        let limit = crowd.limit.min(ceiling);
        View { in_flight: crowd.in_flight, limit, full: crowd.full, cuts: crowd.cuts }
    }

    /// Whether one is left.
    pub(crate) fn has_room(&self, ceiling: u32) -> bool {
        let view = self.view(ceiling);
        view.in_flight < view.limit
    }
}

/// A place at a target. Dropped, it is free for another request.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    entry: Entry,
    /// The place among all requests of the provider, where those are bounded too.
    within: Option<Box<Place>>,
}

impl Place {
    /// The same place, with one among all requests of the provider.
    pub(crate) fn within(mut self, provider: Place) -> Self {
        self.within = Some(Box::new(provider));
        self
    }

    /// The provider has begun to answer.
    pub(crate) fn answered(&self) {
        self.places.lock().answered(Instant::now());
    }

    /// The provider shows that it has too much to do. Says whether that is laid to how many
    /// requests there are, and so is none of the breaker's business.
    pub(crate) fn overloaded(&self) -> bool {
        let judged = self.places.lock().overloaded(Instant::now(), self.entry);
        if let Judged::Cut { limit, first: true } = judged {
            let to = &*self.places.name;
            tracing::warn!(to, limit, "the provider has too much to do: fewer requests at a time");
        }
        judged != Judged::Elsewhere
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().leave();
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
