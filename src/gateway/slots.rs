//! Slots: a provider's keys as the server sees them.
//!
//! The set of a provider is swapped as a whole, so a request sees one set or the other and never
//! waits. What is replaced drains: requests under way end with the key they began with, and for a
//! while it stands in for a new key that the provider does not take.

use crate::base::{Salted, Secret, Timestamp};
use crate::settings::Layer;
use arc_swap::ArcSwap;
use http::HeaderMap;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a replaced key stands by.
pub(crate) const DRAIN: Duration = Duration::from_secs(600);

/// So many refusals in a row, and a slot is rejected if another can take its place.
const REFUSALS: u32 = 3;

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
    variable: String,
    made_at: Option<Timestamp>,
    state: AtomicU8,
    refusals: AtomicU32,
    in_flight: AtomicUsize,
    /// When it may be forgotten, once it drains.
    retire_at: Mutex<Option<Instant>>,
}

/// A request under way with a slot; counted until dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Slot>);

impl InFlight {
    /// The slot it uses.
    pub(crate) fn slot(&self) -> &Slot {
        &self.0
    }

    /// The same slot, counted once more: for what outlives this one.
    pub(crate) fn again(&self) -> Self {
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Slot {
    fn of(provider: &str, opened: Opened, generation: u64) -> Self {
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
            retire_at: Mutex::default(),
        }
    }

    /// Takes it out of use; it is forgotten after `drain`.
    fn drain(&self, now: Instant, drain: Duration) {
        let at = now.checked_add(drain).unwrap_or(now + DRAIN);
        *self.retire_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
        self.set(State::Draining);
    }

    fn due(&self, now: Instant) -> bool {
        let at = *self.retire_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.state() == State::Draining && at.is_none_or(|at| at <= now)
    }

    /// What it is good for.
    pub(crate) fn state(&self) -> State {
        State::from_u8(self.state.load(Ordering::Relaxed))
    }

    fn set(&self, state: State) {
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
    /// When the key was made, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) made_at: Option<Timestamp>,
}

/// What [`Slots::replace`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// Keys that are new.
    pub(crate) added: usize,
    /// Keys that drain now.
    pub(crate) drained: usize,
}

/// The slots of one provider.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    set: ArcSwap<Vec<Arc<Slot>>>,
    turn: AtomicUsize,
}

impl Slots {
    /// Whether any slot can take a request.
    pub(crate) fn usable(&self) -> bool {
        self.set.load().iter().any(|s| matches!(s.state(), State::Active | State::Draining))
    }

    /// The slot for the next request: the active ones take turns; if none is left a draining one
    /// stands in. `refused` are the slots that the provider has just refused for this request.
    pub(crate) fn pick(&self, refused: &[InFlight]) -> Option<InFlight> {
        let set = self.set.load();
        let fresh = |slot: &&Arc<Slot>| !refused.iter().any(|r| Arc::ptr_eq(&r.0, slot));
        let of = |state: State| {
            let count = set.iter().filter(|s| s.state() == state).filter(fresh).count();
            let turn = match count {
                0 => return None,
                1 => 0,
                _ => self.turn.fetch_add(1, Ordering::Relaxed) % count,
            };
            set.iter().filter(|s| s.state() == state).filter(fresh).nth(turn)
        };
        let slot = of(State::Active).or_else(|| of(State::Draining))?;
        slot.in_flight.fetch_add(1, Ordering::Relaxed);
        Some(InFlight(Arc::clone(slot)))
    }

    /// The provider took the key.
    pub(crate) fn accepted(&self, used: &InFlight) {
        // A store only where something changes keeps the line of the slot shared between cores.
        if used.0.refusals.load(Ordering::Relaxed) != 0 {
            used.0.refusals.store(0, Ordering::Relaxed);
        }
    }

    /// The provider refused the key. Refused thrice in a row it is rejected, if another slot can
    /// take its place; the only one stays, so that it heals when the provider takes it again.
    /// True if it has just been rejected.
    pub(crate) fn refused(&self, used: &InFlight) -> bool {
        let refusals = used.0.refusals.fetch_add(1, Ordering::Relaxed) + 1;
        if refusals < REFUSALS || used.0.state() != State::Active {
            return false;
        }
        let set = self.set.load();
        let heir = set.iter().find(|other| {
            !Arc::ptr_eq(other, &used.0)
                && matches!(other.state(), State::Active | State::Draining)
                && other.refusals.load(Ordering::Relaxed) == 0
        });
        let Some(heir) = heir else { return false };
        used.0.set(State::Rejected);
        heir.set(State::Active);
        true
    }

    /// Takes a new set of keys. `kept` are variables whose key could not be opened: their slots
    /// stay as they are. Everything else that is not among `opened` drains.
    pub(crate) fn replace(
        &self,
        provider: &str,
        opened: Vec<Opened>,
        kept: &[String],
        now: Instant,
    ) -> Change {
        let old = self.set.load_full();
        let mut change = Change::default();
        let drains: Vec<(String, Duration)> =
            opened.iter().filter_map(|o| Some((o.variable.clone(), o.drain?))).collect();
        let drain = |slot: &Slot| {
            let said = drains.iter().find(|(variable, _)| *variable == slot.variable);
            said.map_or(DRAIN, |(_, drain)| *drain)
        };
        let mut new: Vec<Arc<Slot>> = Vec::with_capacity(opened.len() + 1);
        for opened in opened {
            let known = old.iter().find(|s| {
                s.variable == opened.variable
                    && s.secret.same_as(&opened.secret)
                    && opened.version.is_none_or(|v| u64::from(v) == s.generation)
                    && s.state() != State::Draining
            });
            if let Some(known) = known {
                new.push(Arc::clone(known));
                continue;
            }
            let latest = old
                .iter()
                .filter(|s| s.variable == opened.variable)
                .map(|s| s.generation)
                .max()
                .unwrap_or(0);
            let generation = opened.version.map_or(latest + 1, u64::from);
            change.added += 1;
            new.push(Arc::new(Slot::of(provider, opened, generation)));
        }
        let gives_way = |slot: &&Arc<Slot>| {
            slot.state() == State::Active
                && !kept.contains(&slot.variable)
                && !new.iter().any(|s| {
                    Arc::ptr_eq(s, slot)
                        || s.variable == slot.variable && s.state() == State::Rejected
                })
        };
        let drained: Vec<&str> =
            old.iter().filter(gives_way).map(|slot| slot.variable.as_str()).collect();
        for slot in old.iter() {
            if new.iter().any(|s| Arc::ptr_eq(s, slot)) {
                continue;
            }
            let rejected =
                |s: &Arc<Slot>| s.variable == slot.variable && s.state() == State::Rejected;
            match slot.state() {
                _ if kept.contains(&slot.variable) => new.push(Arc::clone(slot)),
                // It stands in for a key that is still the configured one.
                State::Active if new.iter().any(rejected) => new.push(Arc::clone(slot)),
                State::Active => {
                    change.drained += 1;
                    slot.drain(now, drain(slot));
                    new.push(Arc::clone(slot));
                }
                // Only the key that was replaced last stands by: one from before that was given up
                // on purpose, and what it began ends by itself.
                State::Draining if !slot.due(now) && !drained.contains(&slot.variable.as_str()) => {
                    new.push(Arc::clone(slot));
                }
                State::Draining | State::Rejected | State::Disabled => {}
            }
        }
        self.set.store(Arc::new(new));
        change
    }

    /// Takes keys out of use at once: nothing begins with them any more, and what they began ends
    /// with them. Says how many.
    pub(crate) fn withdraw(&self, gone: impl Fn(&Source) -> bool) -> usize {
        let before = self.set.load();
        let count = before.iter().filter(|slot| gone(&slot.source)).count();
        if count > 0 {
            self.set.rcu(|set| {
                set.iter().filter(|slot| !gone(&slot.source)).cloned().collect::<Vec<_>>()
            });
        }
        count
    }

    /// Forgets keys that have drained.
    pub(crate) fn retire(&self, now: Instant) {
        if !self.set.load().iter().any(|s| s.due(now)) {
            return;
        }
        // Keys may be replaced at the same time, and theirs is the set to forget them in.
        self.set.rcu(|set| set.iter().filter(|s| !s.due(now)).cloned().collect::<Vec<_>>());
    }

    /// The slots as they are shown.
    pub(crate) fn view(&self) -> Vec<SlotView> {
        self.set
            .load()
            .iter()
            .map(|slot| SlotView {
                id: slot.id.clone(),
                variable: slot.variable.clone(),
                generation: slot.generation,
                state: slot.state(),
                fingerprint: slot.fingerprint.clone(),
                source: slot.source.clone(),
                in_flight: slot.in_flight.load(Ordering::Relaxed),
                refusals: slot.refusals.load(Ordering::Relaxed),
                made_at: slot.made_at,
            })
            .collect()
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
