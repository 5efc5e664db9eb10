//! One key of a provider: what is known of it, and what it is good for.

use super::DRAIN;
use crate::base::{Salted, Secret, Timestamp};
use crate::settings::Layer;
use http::HeaderMap;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a slot rests after the first refusal for its rate, where the provider says nothing.
const UNTOLD: Duration = Duration::from_secs(1);

/// So many models of one slot at most have their limits remembered.
const MOST_LIMITS: usize = 256;

/// No slot rests longer: a provider that says a day is asked again all the same.
const LONGEST_LIMIT: Duration = Duration::from_secs(60);

/// After so long a slot that was rejected is asked again by one request; then after twice as long
/// each time that it is refused.
const REJECTED: Duration = Duration::from_secs(300);

/// No longer than that.
const LONGEST_REJECTED: Duration = Duration::from_secs(3600);

/// What a slot is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Takes requests.
    Active,
    /// Was replaced; ends what it began.
    Draining,
    /// The provider does not take it.
    Rejected,
    /// The operator took it out of use.
    Disabled,
}

impl State {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Rejected => "rejected",
            Self::Disabled => "disabled",
        }
    }

    fn from_u8(n: u8) -> Self {
        match n {
            0 => Self::Active,
            1 => Self::Draining,
            2 => Self::Rejected,
            _ => Self::Disabled,
        }
    }
}

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Source {
    /// In words: `vault` and `file` change while a server runs, `environment` does not; anything
    /// else stands in the place that is named.
    #[serde(rename = "source")]
    pub(crate) word: String,
    /// The layer that wins.
    pub(crate) layer: Layer,
    /// The file that holds it: for whoever rotates it, and for nobody else.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
    /// The profile and name of the entry of the vault that holds it.
    #[serde(skip)]
    pub(crate) entry: Option<(String, String)>,
    /// What shows the value of a file to whoever has it and other fingerprints.
    #[serde(skip)]
    pub(crate) salted: Option<Salted>,
}

impl Source {
    /// Whether both say the same place, whatever it holds.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        self.layer == other.layer
            && self.word == other.word
            && self.file == other.file
            && self.entry == other.entry
    }
}

/// A key that was opened, on its way into a slot.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// The variable that names it, such as `OPENAI_API_KEY`.
    pub(crate) variable: String,
    /// The key.
    pub(crate) secret: Secret,
    /// The headers that carry it.
    pub(crate) credentials: HeaderMap,
    /// Its version in the vault, if it comes from there.
    pub(crate) version: Option<u32>,
    /// Keyed fingerprint, for comparing without showing.
    pub(crate) fingerprint: Option<String>,
    /// Where it comes from.
    pub(crate) source: Source,
    /// How long the key before it stands by, if whoever replaced it said so.
    pub(crate) drain: Option<Duration>,
    /// When it was made, if the vault knows.
    pub(crate) made_at: Option<Timestamp>,
}

impl Opened {
    /// What stands in the place of a key at a provider that needs none.
    pub(crate) fn without_key() -> Self {
        Self {
            variable: String::new(),
            secret: Secret::new(""),
            credentials: HeaderMap::new(),
            version: None,
            fingerprint: None,
            source: Source {
                word: "no key".to_owned(),
                layer: Layer::Default,
                file: None,
                entry: None,
                salted: None,
            },
            drain: None,
            made_at: None,
        }
    }
}

/// One key.
#[derive(Debug)]
pub(crate) struct Slot {
    /// `provider/VARIABLE`: stays the same through rotations.
    pub(crate) id: String,
    /// The vault's version, else how often this server has seen the key change.
    pub(crate) generation: u64,
    /// Keyed fingerprint, for comparing without showing.
    pub(crate) fingerprint: Option<String>,
    /// Where it comes from.
    pub(crate) source: Source,
    /// The headers that carry the key.
    pub(crate) credentials: HeaderMap,
    /// The key, to keep it out of what a provider writes back.
    pub(crate) secret: Secret,
    pub(super) variable: String,
    made_at: Option<Timestamp>,
    state: AtomicU8,
    pub(super) refusals: AtomicU32,
    in_flight: AtomicUsize,
    /// Whether the provider lets no more requests through for any model: seldom, so that the lock
    /// below is seldom taken.
    any_limits: AtomicBool,
    /// For which models.
    limits: Mutex<BTreeMap<Arc<str>, Limit>>,
    /// When it may be forgotten, once it drains.
    retire_at: Mutex<Option<Instant>>,
    /// When it is asked again, once it was rejected.
    again: Mutex<Option<Again>>,
}

/// When a slot that was rejected is asked again.
#[derive(Clone, Copy, Debug)]
struct Again {
    at: Instant,
    /// When it was asked, until the provider has refused it once more.
    asked: Option<Instant>,
    /// How long after it was asked it is asked once more, if it is refused.
    pause: Duration,
}

/// The provider lets no more requests through for a while.
#[derive(Clone, Copy, Debug)]
struct Limit {
    until: Instant,
    /// Whether it was the provider that said for how long.
    told: bool,
    /// How often in a row the provider has said so.
    in_a_row: u32,
}

/// A slot that the provider lets no more requests through with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limited {
    /// For how long.
    pub(crate) rest: Duration,
    /// Whether the provider said so, rather than we guess.
    pub(crate) told: bool,
}

/// A request under way with a slot; counted until dropped.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(super) slot: Arc<Slot>,
    /// Whether it began when the slot was rejected already: only then an answer says that the
    /// provider takes the key again.
    pub(super) finds_out: bool,
}

impl InFlight {
    /// Counts a request with this slot.
    pub(super) fn with(slot: &Arc<Slot>) -> Self {
        Self::counted(slot, slot.state() == State::Rejected)
    }

    fn counted(slot: &Arc<Slot>, finds_out: bool) -> Self {
        slot.in_flight.fetch_add(1, Ordering::Relaxed);
        Self { slot: Arc::clone(slot), finds_out }
    }

    /// The slot it uses.
    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// The same slot, counted once more: for what outlives this one.
    pub(crate) fn again(&self) -> Self {
        Self::counted(&self.slot, self.finds_out)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.slot.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Slot {
    pub(super) fn of(provider: &str, opened: Opened, generation: u64) -> Self {
        Self {
            id: format!("{provider}/{}", opened.variable),
            generation,
            fingerprint: opened.fingerprint,
            source: opened.source,
            credentials: opened.credentials,
            secret: opened.secret,
            variable: opened.variable,
            made_at: opened.made_at,
            state: AtomicU8::new(State::Active as u8),
            refusals: AtomicU32::new(0),
            in_flight: AtomicUsize::new(0),
            any_limits: AtomicBool::new(false),
            limits: Mutex::default(),
            retire_at: Mutex::default(),
            again: Mutex::default(),
        }
    }

    /// Takes it out of use; it is forgotten after `drain`.
    pub(super) fn drain(&self, now: Instant, drain: Duration) {
        let at = now.checked_add(drain).unwrap_or(now + DRAIN);
        *self.retire_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
        self.set(State::Draining);
    }

    /// It is about to be rejected.
    pub(super) fn rest_rejected(&self, now: Instant) {
        let after = Again { at: now + REJECTED, asked: None, pause: REJECTED.saturating_mul(2) };
        *self.again.lock().unwrap_or_else(PoisonError::into_inner) = Some(after);
    }

    /// Whether it is time to ask it again though it was rejected. True once for each time: whoever
    /// is told so does it, and if that tells nothing of the key somebody else does soon.
    pub(super) fn is_asked_again(&self, now: Instant) -> bool {
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        match again.as_mut() {
            Some(again) if again.at <= now => {
                again.at = now + REJECTED;
                again.asked = Some(now);
                true
            }
            _ => false,
        }
    }

    /// It was asked again, and refused once more.
    pub(super) fn refused_again(&self) {
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(again) = again.as_mut()
            && let Some(asked) = again.asked.take()
        {
            again.at = asked + again.pause;
            again.pause = again.pause.saturating_mul(2).min(LONGEST_REJECTED);
        }
    }

    fn limits(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Limit>> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The provider lets no more requests for `model` through for `told`, or, where it does not
    /// say, for twice as long as the last time.
    pub(super) fn limit(&self, model: &Arc<str>, told: Option<Duration>, now: Instant) {
        let mut limits = self.limits();
        if limits.len() >= MOST_LIMITS && !limits.contains_key(model) {
            // Clients choose names of models, and they must not fill the memory.
            limits.retain(|_, limit| limit.until > now);
            if limits.len() >= MOST_LIMITS {
                limits.pop_first();
            }
        }
        let before = limits.get(model).map_or(0, |limit| limit.in_a_row);
        let untold = UNTOLD.saturating_mul(1_u32.checked_shl(before).unwrap_or(u32::MAX));
        let until = now + told.unwrap_or(untold).min(LONGEST_LIMIT);
        let limit = Limit { until, told: told.is_some(), in_a_row: before.saturating_add(1) };
        limits.insert(Arc::clone(model), limit);
        self.any_limits.store(true, Ordering::Relaxed);
    }

    /// For how long the provider lets no more requests for `model` through; `None` if it does.
    pub(super) fn limited(&self, model: &str, now: Instant) -> Option<Limited> {
        if !self.any_limits.load(Ordering::Relaxed) {
            return None;
        }
        let limit = *self.limits().get(model)?;
        let rest = limit.until.checked_duration_since(now).filter(|rest| !rest.is_zero())?;
        Some(Limited { rest, told: limit.told })
    }

    /// The provider took a request for `model`.
    pub(super) fn taken(&self, model: &str) {
        // A store only where something changes keeps the line of the slot shared between cores.
        if self.refusals.load(Ordering::Relaxed) != 0 {
            self.refusals.store(0, Ordering::Relaxed);
        }
        if self.any_limits.load(Ordering::Relaxed) {
            let mut limits = self.limits();
            limits.remove(model);
            self.any_limits.store(!limits.is_empty(), Ordering::Relaxed);
        }
    }

    pub(super) fn due(&self, now: Instant) -> bool {
        let at = *self.retire_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.state() == State::Draining && at.is_none_or(|at| at <= now)
    }

    /// Whether there is a key: a provider that needs none has a slot without one.
    pub(super) fn has_key(&self) -> bool {
        !self.variable.is_empty()
    }

    /// How it is shown.
    pub(super) fn view(&self) -> SlotView {
        let now = Instant::now();
        SlotView {
            id: self.id.clone(),
            variable: self.variable.clone(),
            generation: self.generation,
            state: self.state(),
            fingerprint: self.fingerprint.clone(),
            source: self.source.clone(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            refusals: self.refusals.load(Ordering::Relaxed),
            limited_ms: self
                .limits()
                .iter()
                .filter_map(|(model, limit)| {
                    let rest = limit.until.checked_duration_since(now)?;
                    Some((model.to_string(), u64::try_from(rest.as_millis()).ok()?))
                })
                .collect(),
            made_at: self.made_at,
        }
    }

    /// What it is good for.
    pub(crate) fn state(&self) -> State {
        State::from_u8(self.state.load(Ordering::Relaxed))
    }

    /// Goes from one state to another; false if it is not in that one.
    pub(super) fn becomes(&self, from: State, to: State) -> bool {
        let (from, to) = (from as u8, to as u8);
        self.state.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    pub(super) fn set(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
    }
}

/// A slot as it is shown: no value, only what tells it from others.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SlotView {
    /// `provider/VARIABLE`.
    pub(crate) id: String,
    /// The variable alone.
    pub(crate) variable: String,
    /// Its generation.
    pub(crate) generation: u64,
    /// What it is good for.
    pub(crate) state: State,
    /// Keyed fingerprint.
    pub(crate) fingerprint: Option<String>,
    /// Where it comes from.
    #[serde(flatten)]
    pub(crate) source: Source,
    /// Requests under way with it.
    pub(crate) in_flight: usize,
    /// How often in a row the provider has refused it.
    pub(crate) refusals: u32,
    /// Milliseconds for which the provider lets no more requests through with it, by model.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) limited_ms: BTreeMap<String, u64>,
    /// When the key was made, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) made_at: Option<Timestamp>,
}
