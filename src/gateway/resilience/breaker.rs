//! The breaker of a target: whether a request may be sent there, judged by how those before ended.
//!
//! Closed, every request passes. It opens when five in a row fail, or half of at least ten within
//! half a minute. Open, none passes; each opening after the first is longer. Then one request at a
//! time is let through to see, or one in five seconds where they take longer; two that succeed in a
//! row begin a ramp, on which a tenth, then half
//! of the requests pass, and at its end the breaker is closed. The names and the three states are
//! those of M. Nygard, *Release It!* (2007); the ramp is there because a provider that has just
//! recovered breaks again under the whole load.
//!
//! What counts as a failure is the provider's doing: no connection, a 5xx, silence, a stream that
//! breaks off. A caller's mistake, a rate limit or a client that goes away count neither way. A
//! stream is judged when it ends; only one that finds out succeeds with its first event.
//!
//! The state is under one lock and knows no clock, so every order of events can be tried in tests.

use super::window::Window;
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many failures in a row open it.
const IN_A_ROW: u32 = 5;

/// So many calls within the span say something about their share of failures.
const ENOUGH: u32 = 10;

/// How long it is open the first time.
const FIRST: Duration = Duration::from_secs(5);

/// How long it is open at most: with the ramp, a provider has all requests again within half a
/// minute of its recovery.
const LONGEST: Duration = Duration::from_secs(15);

/// How long a request that finds out keeps others from it: one that takes longer tells nothing yet.
const TRIAL: Duration = Duration::from_secs(5);

/// So many successes in a row end the trial.
const PROVEN: u32 = 2;

/// How long the ramp is; a tenth passes in its first third, half in the second.
const RAMP: Duration = Duration::from_secs(10);

/// The state for people and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// Requests pass.
    Closed,
    /// No request passes.
    Open,
    /// One request at a time passes.
    HalfOpen,
    /// Some requests pass, more and more.
    Ramp,
}

impl State {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::Ramp => "ramp",
        }
    }
}

#[derive(Clone, Debug)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen { probing: Option<(u64, Instant)>, successes: u32 },
    Ramp { since: Instant },
}

/// Why a request may not pass now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Until this moment nothing passes.
    Open(Instant),
    /// Another request finds out.
    Probing,
    /// It is not among those that pass on the ramp; if nobody else can answer it may.
    Ramp,
}

/// How it stands, for showing.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct View {
    /// The state.
    pub(crate) state: State,
    /// Calls of the last half minute.
    pub(crate) calls: u32,
    /// Those of them that failed.
    pub(crate) failures: u32,
    /// Failures in a row.
    pub(crate) in_a_row: u32,
    /// How often it has opened since the server runs.
    pub(crate) opened: u64,
    /// Milliseconds until it lets a request through to see; 0 unless it is open.
    pub(crate) retry_in_ms: u64,
}

/// The state machine. Time comes from outside.
#[derive(Clone, Debug)]
struct Machine {
    phase: Phase,
    window: Window,
    in_a_row: u32,
    /// Openings since it was last closed.
    tier: u32,
    opened: u64,
    /// Counts openings and resets: what began before one says nothing about what comes after.
    era: u64,
    /// Numbers the requests that find out.
    probes: u64,
}

impl Machine {
    fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Closed,
            window: Window::new(now),
            in_a_row: 0,
            tier: 0,
            opened: 0,
            era: 0,
            probes: 0,
        }
    }

    /// Whether a request may pass. `lot` is any number, by which it is drawn.
    fn admit(&mut self, now: Instant, lot: u64) -> Result<Pass, Refused> {
        if let Phase::Open { until } = self.phase {
            if now < until {
                return Err(Refused::Open(until));
            }
            self.phase = Phase::HalfOpen { probing: None, successes: 0 };
        }
        match &mut self.phase {
            Phase::Closed | Phase::Open { .. } => {}
            Phase::HalfOpen { probing, .. } => {
                let out = |(_, since): (u64, Instant)| now.saturating_duration_since(since) < TRIAL;
                if probing.is_some_and(out) {
                    return Err(Refused::Probing);
                }
                self.probes += 1;
                *probing = Some((self.probes, now));
                return Ok(Pass { era: self.era, probe: Some(self.probes) });
            }
            Phase::Ramp { since } => {
                let passed = now.saturating_duration_since(*since);
                let share = match passed {
                    _ if passed >= RAMP => 100,
                    _ if passed >= RAMP / 3 => 50,
                    _ => 10,
                };
                if share == 100 {
                    self.close();
                } else if lot % 100 >= share {
                    return Err(Refused::Ramp);
                }
            }
        }
        Ok(Pass { era: self.era, probe: None })
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.tier = 0;
    }

    /// Takes note of how a request ended; `None` if that says nothing about the provider.
    fn ended(&mut self, now: Instant, pass: Pass, failed: Option<bool>, lot: u64) {
        if pass.era != self.era {
            return;
        }
        if let Phase::HalfOpen { probing, successes } = &mut self.phase {
            // One that was let through before says nothing new.
            let Some(probe) = pass.probe else { return };
            if probing.is_some_and(|(latest, _)| latest == probe) {
                *probing = None;
            }
            match failed {
                None => {}
                Some(true) => self.open(now, lot),
                Some(false) => {
                    *successes += 1;
                    if *successes >= PROVEN {
                        self.phase = Phase::Ramp { since: now };
                        self.window = Window::new(now);
                        self.in_a_row = 0;
                    }
                }
            }
            return;
        }
        let Some(failed) = failed else { return };
        self.window.count(now, failed);
        self.in_a_row = if failed { self.in_a_row.saturating_add(1) } else { 0 };
        let (calls, failures) = self.window.sums(now);
        let half = calls >= ENOUGH && failures.saturating_mul(2) >= calls;
        if failed && (self.in_a_row >= IN_A_ROW || half) {
            self.open(now, lot);
        }
    }

    /// Opens it, for up to a fifth less than the full time, so that servers do not ask at once.
    fn open(&mut self, now: Instant, lot: u64) {
        let full = FIRST.saturating_mul(self.tier.saturating_add(1)).min(LONGEST);
        let less = full / 5 * u32::try_from(lot % 1000).unwrap_or_default() / 1000;
        self.phase = Phase::Open { until: now + (full - less) };
        self.tier = self.tier.saturating_add(1);
        self.opened += 1;
        self.era += 1;
        self.window = Window::new(now);
        self.in_a_row = 0;
    }

    fn reset(&mut self, now: Instant) {
        let (opened, era, probes) = (self.opened, self.era + 1, self.probes);
        *self = Self { opened, era, probes, ..Self::new(now) };
    }

    fn rests(&self, now: Instant) -> bool {
        match self.phase {
            Phase::Open { until } => now < until,
            Phase::HalfOpen { probing, .. } => {
                probing.is_some_and(|(_, since)| now.saturating_duration_since(since) < TRIAL)
            }
            Phase::Closed | Phase::Ramp { .. } => false,
        }
    }

    fn view(&self, now: Instant) -> View {
        let (calls, failures) = self.window.sums(now);
        let (state, until) = match self.phase {
            Phase::Closed => (State::Closed, None),
            Phase::Open { until } if until > now => (State::Open, Some(until)),
            Phase::Open { .. } | Phase::HalfOpen { .. } => (State::HalfOpen, None),
            Phase::Ramp { since } if now.saturating_duration_since(since) < RAMP => {
                (State::Ramp, None)
            }
            Phase::Ramp { .. } => (State::Closed, None),
        };
        let rest = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        View {
            state,
            calls,
            failures,
            in_a_row: self.in_a_row,
            opened: self.opened,
            retry_in_ms: u64::try_from(rest.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A request that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pass {
    era: u64,
    /// The number of the request that finds out, if it is one.
    probe: Option<u64>,
}

/// The breaker of a target.
#[derive(Debug)]
pub(crate) struct Breaker(Mutex<Machine>);

impl Default for Breaker {
    fn default() -> Self {
        Self(Mutex::new(Machine::new(Instant::now())))
    }
}

impl Breaker {
    /// A poisoned lock only means that another thread panicked while it looked.
    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a request through, or says why not.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Permit, Refused> {
        let pass = self.lock().admit(Instant::now(), rand::random())?;
        Ok(Permit { breaker: Arc::clone(self), pass: Some(pass) })
    }

    /// Lets a request through that nobody else can answer, although the ramp would not.
    pub(crate) fn insist(self: &Arc<Self>) -> Result<Permit, Refused> {
        let pass = self.lock().admit(Instant::now(), 0)?;
        Ok(Permit { breaker: Arc::clone(self), pass: Some(pass) })
    }

    /// Whether nothing passes at present.
    pub(crate) fn rests(&self) -> bool {
        self.lock().rests(Instant::now())
    }

    /// Closes it, whatever it has seen.
    pub(crate) fn reset(&self) {
        self.lock().reset(Instant::now());
    }

    /// How it stands.
    pub(crate) fn view(&self) -> View {
        self.lock().view(Instant::now())
    }
}

/// A request under way. Dropped without a verdict it says nothing about the provider: the client
/// went away.
#[derive(Debug)]
pub(crate) struct Permit {
    breaker: Arc<Breaker>,
    pass: Option<Pass>,
}

impl Permit {
    /// A stream has begun: enough for a request that finds out. How it ends counts like that of any
    /// other.
    pub(crate) fn began(&mut self) {
        if let Some(pass) = &mut self.pass
            && pass.probe.is_some()
        {
            self.breaker.lock().ended(Instant::now(), *pass, Some(false), rand::random());
            pass.probe = None;
        }
    }

    /// Whether it is to find out if the provider works again.
    pub(crate) fn finds_out(&self) -> bool {
        self.pass.is_some_and(|pass| pass.probe.is_some())
    }

    /// The provider did its part.
    pub(crate) fn succeeded(mut self) {
        self.end(Some(false));
    }

    /// The provider did not do its part.
    pub(crate) fn failed(mut self) {
        self.end(Some(true));
    }

    fn end(&mut self, failed: Option<bool>) {
        if let Some(pass) = self.pass.take() {
            self.breaker.lock().ended(Instant::now(), pass, failed, rand::random());
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.end(None);
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
