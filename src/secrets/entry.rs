//! An entry of the vault and its versions: which is in use, which to go back to, which are kept.

use crate::base::{Secret, Timestamp};
use crate::settings::secret::{Remote, RingKey, RingRole};
use serde::{Deserialize, Serialize};

/// How many superseded versions of an entry are kept, newest first, for `rollback`.
const KEPT: usize = 10;

/// One entry: a name in a profile.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// The number of the newest version there ever was; numbers are not used again.
    pub(crate) last: u32,
    /// Its versions, oldest first.
    pub(crate) versions: Vec<Version>,
}

/// One version of an entry.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Version {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// The value.
    #[serde(with = "exposed")]
    pub(crate) value: Secret,
    /// What it is used for.
    pub(crate) state: State,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When a provider last accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verified_at: Option<Timestamp>,
    /// The destination (`scheme://host:port`) it was verified for and is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bound: Option<String>,
    /// Other destinations that the operator allows it for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed: Vec<String>,
    /// When a provider last refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused_at: Option<Timestamp>,
    /// Whether the operator went back from it to an older value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rolled_back: bool,
    /// The user id of who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<u32>,
    /// When its grace is over: an old one is accepted until then, and is disabled afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retire_at: Option<Timestamp>,
    /// When it was disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disabled_at: Option<Timestamp>,
    /// When the operator said that others may know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) compromised_at: Option<Timestamp>,
    /// What its issuer calls it; `None` for a value that was pasted or made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remote: Option<Remote>,
    /// How many seconds servers let the version before stand by; the usual time if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) drain_seconds: Option<u64>,
}

/// What a version is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// A rotation made it; nobody uses it yet.
    Pending,
    /// Published ahead of its use: servers verify with it and do not sign with it yet.
    Next,
    /// The one in use.
    Current,
    /// Superseded: accepted until its grace is over, and kept for `rollback`.
    Old,
    /// Out of use for good: no server accepts it, and its provider does not either if that could
    /// be arranged.
    Disabled,
}

impl State {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Next => "next",
            Self::Current => "current",
            Self::Old => "old",
            Self::Disabled => "disabled",
        }
    }
}

/// A secret inside the vault's own payload: the one place where a value is serialised.
mod exposed {
    use crate::base::Secret;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Secret, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::new)
    }
}

impl Version {
    /// Every destination that it may be sent to; empty if it is not bound yet.
    pub(crate) fn destinations(&self) -> impl Iterator<Item = &String> {
        self.bound.iter().chain(&self.allowed)
    }

    /// Whether a rotation made it that has not come to use it.
    pub(crate) fn is_unused(&self) -> bool {
        matches!(self.state, State::Pending | State::Next)
    }

    /// Whether it may be sent to `destination`: one of its own, or any while it has none.
    pub(crate) fn may_go_to(&self, destination: &str) -> bool {
        self.destinations().next().is_none() || self.destinations().any(|d| d == destination)
    }
}

impl Entry {
    /// The version in use.
    pub(crate) fn current(&self) -> Option<&Version> {
        self.versions.iter().find(|v| v.state == State::Current)
    }

    /// The version to go back to: the newest one that was in use before, with another value than
    /// the current, which no provider refused last, unless it is compromised. One that was gone back
    /// from comes after all others. It may be disabled or compromised: that is for the caller to look
    /// at, who says so.
    pub(crate) fn previous(&self) -> Option<&Version> {
        self.previous_that(|_| true)
    }

    /// The same of the versions that fit.
    pub(crate) fn previous_that(&self, fits: impl Fn(&Version) -> bool) -> Option<&Version> {
        let current = self.current();
        let candidates = || {
            let superseded = |v: &&Version| matches!(v.state, State::Old | State::Disabled);
            let old = self.versions.iter().rev().filter(superseded);
            // A compromised value is not passed over for having been disabled since: whoever goes
            // back is told of it.
            old.filter(|v| v.refused_at.is_none() || self.is_compromised(&v.value))
                .filter(|v| current.is_none_or(|c| !c.value.same_as(&v.value)))
                .filter(|v| fits(v))
        };
        candidates().find(|v| !v.rolled_back).or_else(|| candidates().next())
    }

    /// Whether the operator said of any version with this value that others may know it.
    pub(crate) fn is_compromised(&self, value: &Secret) -> bool {
        self.versions.iter().any(|v| v.compromised_at.is_some() && v.value.same_as(value))
    }

    /// Notes what a provider last said of the versions with this value.
    pub(crate) fn judged(&mut self, value: &Secret, refused_at: Option<Timestamp>) {
        for version in self.versions.iter_mut().filter(|v| v.value.same_as(value)) {
            version.refused_at = refused_at;
        }
    }

    /// The version with this number, for changing.
    pub(crate) fn version_mut(&mut self, number: u32) -> Option<&mut Version> {
        self.versions.iter_mut().find(|v| v.number == number)
    }

    /// Adds a version in `state` and says its number. A new current one supersedes the old.
    pub(crate) fn add(
        &mut self,
        value: Secret,
        state: State,
        created_at: Timestamp,
        bound: Option<String>,
    ) -> u32 {
        self.last += 1;
        let number = self.last;
        if state == State::Current {
            self.supersede();
        }
        self.versions.push(Version {
            number,
            value,
            state,
            created_at,
            verified_at: None,
            bound,
            allowed: Vec::new(),
            refused_at: None,
            rolled_back: false,
            by: Some(rustix::process::getuid().as_raw()),
            retire_at: None,
            disabled_at: None,
            compromised_at: None,
            remote: None,
            drain_seconds: None,
        });
        self.prune();
        number
    }

    /// Makes version `number` the current one; whether it was there.
    pub(crate) fn promote(&mut self, number: u32) -> bool {
        if !self.versions.iter().any(|v| v.number == number) {
            return false;
        }
        self.supersede();
        if let Some(version) = self.version_mut(number) {
            version.state = State::Current;
            version.retire_at = None;
        }
        self.prune();
        true
    }

    /// Lets version `to` go where the operator let version `from` go, and any older one with the
    /// same value: what was said of a key holds for its next value too.
    pub(crate) fn may_go_as(&mut self, from: u32, to: u32) {
        let Some(new) = self.versions.iter().find(|v| v.number == to) else { return };
        let says = |v: &&Version| v.number == from || v.value.same_as(&new.value);
        let before: Vec<&Version> = self.versions.iter().filter(says).collect();
        let bound = new.bound.clone().or_else(|| before.iter().find_map(|v| v.bound.clone()));
        let mut allowed: Vec<String> = Vec::new();
        for destination in before.iter().flat_map(|v| v.destinations()) {
            if bound.as_ref() != Some(destination) && !allowed.contains(destination) {
                allowed.push(destination.clone());
            }
        }
        if let Some(new) = self.version_mut(to) {
            (new.bound, new.allowed) = (bound, allowed);
        }
    }

    /// The latest instant that it tells of: no right clock is before that.
    pub(crate) fn latest(&self) -> Option<Timestamp> {
        let dates = |v: &Version| {
            [Some(v.created_at), v.verified_at, v.refused_at, v.disabled_at, v.compromised_at]
        };
        self.versions.iter().flat_map(dates).flatten().max()
    }

    /// Forgets the version `number` that nobody signs or authenticates with yet.
    pub(crate) fn discard(&mut self, number: u32) {
        self.versions
            .retain(|v| v.number != number || !matches!(v.state, State::Pending | State::Next));
    }

    /// Forgets the version `number`, whatever its state; whether it was there.
    pub(crate) fn remove(&mut self, number: u32) -> bool {
        let before = self.versions.len();
        self.versions.retain(|v| v.number != number);
        self.versions.len() < before
    }

    /// The values that a server works with besides provider keys: the current one signs, the next
    /// one and those within their grace verify. A value that occurs twice is said once.
    pub(crate) fn ring(&self) -> Vec<RingKey> {
        let order = |state| match state {
            State::Current => 0,
            State::Next => 1,
            _ => 2,
        };
        let mut versions: Vec<&Version> = self.versions.iter().rev().collect();
        versions.sort_by_key(|v| order(v.state));
        let mut ring: Vec<RingKey> = Vec::new();
        for version in versions {
            let role = match (version.state, version.retire_at) {
                (State::Current, _) => RingRole::Signs,
                (State::Next, _) => RingRole::Verifies { until: None },
                (State::Old, Some(until)) if version.compromised_at.is_none() => {
                    RingRole::Verifies { until: Some(until) }
                }
                _ => continue,
            };
            if !ring.iter().any(|key| key.secret.same_as(&version.value)) {
                let (version, secret) = (version.number, version.value.clone());
                ring.push(RingKey { version, secret, role });
            }
        }
        ring
    }

    fn supersede(&mut self) {
        for version in self.versions.iter_mut().filter(|v| v.state == State::Current) {
            version.state = State::Old;
        }
    }

    /// Drops the oldest versions that nobody waits for: not those within their grace, and not
    /// those that can still be disabled with their issuer.
    fn prune(&mut self) {
        let idle = |v: &Version| match v.state {
            State::Old => v.retire_at.is_none() && v.remote.is_none(),
            State::Disabled => true,
            State::Pending | State::Next | State::Current => false,
        };
        let kept = self.versions.iter().filter(|v| idle(v)).count();
        let mut surplus = kept.saturating_sub(KEPT);
        self.versions.retain(|v| {
            let drop = surplus > 0 && idle(v);
            surplus -= usize::from(drop);
            !drop
        });
    }
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
