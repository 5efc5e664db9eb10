//! Slots: a provider's keys as the server sees them.
//!
//! The set of a provider is swapped as a whole, so a request sees one set or the other and never
//! waits. What is replaced drains: requests under way end with the key they began with, and for a
//! while it stands in for a new key that the provider does not take.

mod slot;

pub(crate) use slot::{InFlight, Limited, Opened, Slot, SlotView, Source, State};

use arc_swap::ArcSwap;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a replaced key stands by.
pub(crate) const DRAIN: Duration = Duration::from_secs(600);

/// So many refusals in a row, and a slot is rejected if another can take its place.
const REFUSALS: u32 = 3;

/// What [`Slots::replace`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// Keys that are new.
    pub(crate) added: usize,
    /// Keys that drain now.
    pub(crate) drained: usize,
    /// Keys that may no longer be used at all.
    pub(crate) withdrawn: usize,
}

/// The slots of one provider.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    set: ArcSwap<Vec<Arc<Slot>>>,
    turn: AtomicUsize,
}

/// What the vault says of a key that came from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody can say at present, or it is from somewhere else.
    Unknown,
    /// It was taken out of the vault.
    Gone,
    /// It is there.
    Held {
        /// The version in use.
        version: u64,
        /// Other versions that may stand by for it.
        standby: Vec<u64>,
    },
}

/// A slot as one request finds it.
struct Seen<'a> {
    slot: &'a Arc<Slot>,
    state: State,
    /// Whether the provider lets no more requests through with it at present.
    rests: bool,
    /// Whether the provider refused it for this request.
    refused: bool,
    /// Whether its rate was used up for this request.
    limited: bool,
}

impl Seen<'_> {
    /// Whether it is in use in the place of `other`, and good as far as this request knows.
    fn is_before(&self, other: &Self) -> bool {
        self.state == State::Active && !self.refused && self.slot.variable == other.slot.variable
    }
}

/// The active slots of the same variable, which a draining one may stand in for.
fn successors<'a>(set: &'a [Arc<Slot>], slot: &'a Slot) -> impl Iterator<Item = &'a Arc<Slot>> {
    set.iter().filter(|s| s.state() == State::Active && s.variable == slot.variable)
}

impl Slots {
    /// Whether any slot can take a request.
    pub(crate) fn usable(&self) -> bool {
        !self.set.load().is_empty()
    }

    /// The slot for the next request: the active ones take turns, those that the provider lets no
    /// more requests through with last. For a key that is `refused` the one that it replaced stands
    /// in, not so for one that is `limited`: these are the slots that this request has tried. One that
    /// was rejected is asked again by one request after a while, and where nothing else is left.
    pub(crate) fn pick(
        &self,
        model: &str,
        refused: &[InFlight],
        limited: &[InFlight],
    ) -> Option<InFlight> {
        self.pick_at(model, refused, limited, Instant::now)
    }

    fn pick_at(
        &self,
        model: &str,
        refused: &[InFlight],
        limited: &[InFlight],
        now: impl FnOnce() -> Instant,
    ) -> Option<InFlight> {
        let set = self.set.load();
        let usual = refused.is_empty() && limited.is_empty();
        if let ([only], true) = (set.as_slice(), usual) {
            return Some(InFlight::with(only));
        }
        // Looked at once: states change meanwhile, and a slot that is looked at twice may be missed
        // both times.
        let now = now();
        let seen: Vec<Seen<'_>> = set
            .iter()
            .map(|slot| {
                let among = |tried: &[InFlight]| tried.iter().any(|t| Arc::ptr_eq(&t.slot, slot));
                Seen {
                    slot,
                    state: slot.state(),
                    rests: slot.limited(model, now).is_some(),
                    refused: among(refused),
                    limited: among(limited),
                }
            })
            .collect();
        let again = |s: &&Seen<'_>| {
            s.state == State::Rejected
                && !(s.rests || s.refused || s.limited)
                && s.slot.is_asked_again(now)
        };
        if let Some(rejected) = seen.iter().find(again) {
            return Some(InFlight::with(rejected.slot));
        }
        let is_free = |s: &Seen<'_>| match s.state {
            State::Active => true,
            State::Draining => !seen.iter().any(|a| a.is_before(s)),
            State::Rejected => {
                seen.iter().all(|other| other.state == State::Rejected || other.refused)
            }
            State::Disabled => false,
        };
        let of = |state: State, rests: bool| {
            let fits = |s: &&Seen<'_>| {
                s.state == state && s.rests == rests && !s.refused && !s.limited && is_free(s)
            };
            let turn = match seen.iter().filter(fits).count() {
                0 => return None,
                1 => 0,
                count => self.turn.fetch_add(1, Ordering::Relaxed) % count,
            };
            seen.iter().filter(fits).nth(turn)
        };
        let turns = [
            (State::Active, false),
            (State::Draining, false),
            (State::Active, true),
            (State::Draining, true),
            (State::Rejected, false),
            (State::Rejected, true),
        ];
        turns
            .into_iter()
            .find_map(|(state, rests)| of(state, rests))
            .map(|s| InFlight::with(s.slot))
    }

    /// For how long the provider lets no more requests for `model` through, whatever the key; `None`
    /// if one may be sent.
    pub(crate) fn limited(&self, model: &str) -> Option<Limited> {
        let now = Instant::now();
        let set = self.set.load();
        let in_turn = set.iter().filter(|slot| match slot.state() {
            State::Active => true,
            State::Draining => successors(&set, slot).next().is_none(),
            State::Rejected | State::Disabled => false,
        });
        let mut shortest: Option<Limited> = None;
        for slot in in_turn {
            let limited = slot.limited(model, now)?;
            if shortest.is_none_or(|least| limited.rest < least.rest) {
                shortest = Some(limited);
            }
        }
        shortest
    }

    /// The provider takes the key, but lets no more requests for `model` through for `told`.
    pub(crate) fn limit(&self, used: &InFlight, model: &Arc<str>, told: Option<Duration>) {
        used.slot.limit(model, told, Instant::now());
    }

    /// The provider took the key and a request for `model`. One that was rejected when the request
    /// began is in use again, and what stood in for it stands by; not so one that has been replaced
    /// meanwhile. True if so.
    pub(crate) fn accepted(&self, used: &InFlight, model: &str) -> bool {
        let slot = &used.slot;
        slot.taken(model);
        if !used.finds_out {
            return false;
        }
        let set = self.set.load();
        let is_here = set.iter().any(|s| Arc::ptr_eq(s, slot));
        if !is_here || !slot.becomes(State::Rejected, State::Active) {
            return false;
        }
        let stood_in = |s: &&Arc<Slot>| !Arc::ptr_eq(s, slot);
        successors(&set, slot).filter(stood_in).for_each(|s| s.drain(Instant::now(), DRAIN));
        true
    }

    /// The provider refused the key. Refused thrice in a row it is rejected, if another slot can
    /// take its place; the only one stays, so that it heals when the provider takes it again.
    /// True if it has just been rejected.
    pub(crate) fn refused(&self, used: &InFlight) -> bool {
        let refusals = used.slot.refusals.fetch_add(1, Ordering::Relaxed) + 1;
        if used.finds_out {
            used.slot.refused_again();
        }
        if refusals < REFUSALS || used.slot.state() != State::Active {
            return false;
        }
        let set = self.set.load();
        let fit = |other: &&Arc<Slot>| {
            !Arc::ptr_eq(other, &used.slot)
                && matches!(other.state(), State::Active | State::Draining)
                && other.refusals.load(Ordering::Relaxed) == 0
        };
        let same = |other: &&Arc<Slot>| fit(other) && other.variable == used.slot.variable;
        // A key that was replaced takes the place of the one that replaced it, and of no other.
        let other = |other: &&Arc<Slot>| fit(other) && other.state() == State::Active;
        let Some(heir) = set.iter().find(same).or_else(|| set.iter().find(other)) else {
            return false;
        };
        used.slot.rest_rejected(Instant::now());
        if !used.slot.becomes(State::Active, State::Rejected) {
            return false;
        }
        heir.becomes(State::Draining, State::Active);
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
                    && s.source.is_same_place(&opened.source)
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

    /// Takes keys out of use at once that are gone, or may no longer be used though another version
    /// is here: nothing begins with them any more, and what they began ends with them. Says how many.
    pub(crate) fn withdraw(&self, standing: impl Fn(&Source) -> Standing) -> usize {
        let before = self.set.load();
        let here = |slot: &Slot, version: u64| {
            before.iter().any(|s| s.source.entry == slot.source.entry && s.generation == version)
        };
        let is_over = |slot: &&Arc<Slot>| match standing(&slot.source) {
            Standing::Unknown => false,
            Standing::Gone => true,
            Standing::Held { version, standby } => {
                slot.generation != version
                    && !standby.contains(&slot.generation)
                    && here(slot, version)
            }
        };
        let over: Vec<&Arc<Slot>> = before.iter().filter(is_over).collect();
        // The same value may stand by under another number.
        let is_same = |slot: &Slot| {
            let in_use = match standing(&slot.source) {
                Standing::Held { version, .. } => slot.generation == version,
                Standing::Unknown | Standing::Gone => true,
            };
            let same = |o: &&Arc<Slot>| {
                o.source.entry == slot.source.entry && o.secret.same_as(&slot.secret)
            };
            !in_use && over.iter().any(same)
        };
        self.take_out(|slot| over.iter().any(|o| std::ptr::eq(&***o, slot)) || is_same(slot))
    }

    /// Takes the keys of `variable` from the place that `source` says out of use at once: they may
    /// not be sent to this provider any more. Says how many.
    pub(crate) fn bar(&self, variable: &str, source: &Source) -> usize {
        self.take_out(|slot| slot.variable == variable && slot.source.entry == source.entry)
    }

    fn take_out(&self, is_over: impl Fn(&Slot) -> bool) -> usize {
        let over: Vec<Arc<Slot>> =
            self.set.load().iter().filter(|slot| is_over(slot)).cloned().collect();
        if !over.is_empty() {
            let stays = |slot: &&Arc<Slot>| !over.iter().any(|o| Arc::ptr_eq(o, slot));
            self.set.rcu(|set| set.iter().filter(stays).cloned().collect::<Vec<_>>());
            over.iter().for_each(|slot| slot.set(State::Disabled));
        }
        over.len()
    }

    /// Forgets keys that have drained.
    pub(crate) fn retire(&self, now: Instant) {
        if !self.set.load().iter().any(|s| s.due(now)) {
            return;
        }
        // Keys may be replaced at the same time, and theirs is the set to forget them in.
        self.set.rcu(|set| set.iter().filter(|s| !s.due(now)).cloned().collect::<Vec<_>>());
    }

    /// The slots as they are shown: those with a key.
    pub(crate) fn view(&self) -> Vec<SlotView> {
        self.set.load().iter().filter(|slot| slot.has_key()).map(|slot| slot.view()).collect()
    }
}

#[cfg(test)]
mod tests;
