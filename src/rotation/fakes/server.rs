//! A server in memory: it has what it was handed, and nothing else.

use crate::base::Timestamp;
use crate::rotation::fleet::ReplicaSlot;
use crate::rotation::journal::Order;

/// How long a server keeps a value that it was told to replace.
const DRAIN: i64 = 600;

/// A value as a server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) value: String,
    pub(crate) fingerprint: String,
    /// As the heartbeats of real servers say it.
    pub(crate) state: &'static str,
    since: i64,
}

/// What servers were handed last: the vault's generation, and its values, the one in use first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handed {
    pub(crate) generation: u64,
    /// Value, fingerprint and role.
    pub(crate) values: Vec<(String, String, &'static str)>,
}

/// A server: the values it has, the one it works with first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server {
    pub(crate) held: Vec<Held>,
    pub(crate) generation: u64,
    pub(crate) lags: bool,
    pub(crate) rejects: bool,
}

impl Server {
    /// Takes what was handed over, unless it lags.
    pub(crate) fn take(&mut self, handed: &Handed, order: Order, now: Timestamp) {
        if self.lags || handed.values.is_empty() {
            return;
        }
        let since = now.as_second();
        let known = |held: &[Held], fingerprint: &str, state: &str| {
            held.iter().any(|h| h.fingerprint == fingerprint && h.state == state)
        };
        let fresh = |(value, fingerprint, role): &(String, String, &'static str)| {
            let state = match order {
                Order::Ahead => role,
                // It was tried and refused, or is now.
                Order::AtOnce if self.rejects && !known(&self.held, fingerprint, "active") => {
                    "rejected"
                }
                Order::AtOnce => "active",
            };
            Held { value: value.clone(), fingerprint: fingerprint.clone(), state, since }
        };
        let mut held: Vec<Held> = handed.values.iter().map(fresh).collect();
        if order == Order::AtOnce {
            let rejected = held.iter().any(|h| h.state == "rejected");
            let mut before: Vec<Held> = std::mem::take(&mut self.held);
            before.retain(|b| !held.iter().any(|h| h.fingerprint == b.fingerprint));
            for old in &mut before {
                if old.state != "draining" {
                    (old.state, old.since) = ("draining", since);
                }
            }
            // What stands in for a rejected value is not given up.
            before.retain(|b| rejected || since - b.since < DRAIN);
            held.extend(before);
        }
        self.held = held;
        self.generation = handed.generation;
    }

    /// The value that it works with: one that stands in if the new one was rejected.
    pub(crate) fn works_with(&self) -> &Held {
        let works = |h: &&Held| matches!(h.state, "active" | "signs");
        let stands_in = || self.held.iter().find(|h| h.state == "draining");
        self.held.iter().find(works).or_else(stands_in).unwrap_or(&self.held[0])
    }

    /// Whether it accepts what a value with this fingerprint signed.
    pub(crate) fn accepts(&self, fingerprint: &str) -> bool {
        self.held.iter().any(|h| h.fingerprint == fingerprint)
    }

    /// What its heartbeat says.
    pub(crate) fn slots(&self) -> Vec<ReplicaSlot> {
        let slot = |held: &Held| ReplicaSlot {
            variable: "OPENAI_API_KEY".into(),
            fingerprint: Some(held.fingerprint.clone()),
            generation: 1,
            state: held.state.into(),
            ..ReplicaSlot::default()
        };
        self.held.iter().map(slot).collect()
    }
}
