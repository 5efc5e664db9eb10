//! What the command line sees of the running servers: who they are, and which keys they have.

use crate::base::{Salted, Timestamp, words};
use crate::report::Fault;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A server that was seen within the last 60 s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replica {
    /// Its instance id.
    pub(crate) instance: String,
    /// When it last gave a sign of life.
    pub(crate) at: Timestamp,
    /// The version of its binary.
    pub(crate) version: String,
    /// The profile it serves.
    pub(crate) profile: String,
    /// The generation of the vault that it has read.
    pub(crate) vault_generation: Option<u64>,
    /// Its keys.
    pub(crate) slots: Vec<ReplicaSlot>,
}

impl Replica {
    /// Whether it takes a value of the variable from the vault, or would if there were one.
    pub(crate) fn heeds_vault(&self, variable: &str) -> bool {
        let mut in_use = self.slots.iter().filter(|s| s.variable == variable && s.in_use());
        !in_use.any(ReplicaSlot::is_over_vault)
    }

    /// Whether it uses the value with this fingerprint of the key `key`, or may: nobody can tell
    /// where it does not say, or makes its fingerprints with another key.
    pub(crate) fn uses(&self, variable: &str, fingerprint: &str, key: Option<&str>) -> bool {
        let mut in_use = self.slots.iter().filter(|s| s.variable == variable && s.in_use());
        in_use.any(|s| {
            s.fingerprint.as_deref().is_none_or(|f| f == fingerprint)
                || s.fingerprint_key.as_deref().is_some_and(|theirs| Some(theirs) != key)
        })
    }
}

/// A key as a server has it. One without a variable and a state could not be read: it may be any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplicaSlot {
    /// The variable.
    #[serde(default)]
    pub(crate) variable: String,
    /// The keyed fingerprint of its value.
    #[serde(default)]
    pub(crate) fingerprint: Option<String>,
    /// Counts the values that the variable had on that server.
    #[serde(default)]
    pub(crate) generation: u64,
    /// `active`, `draining`, `rejected` or `disabled`; for keys that sign, the role.
    #[serde(default)]
    pub(crate) state: String,
    /// Where the value comes from: `vault`, `file`, `environment`, or the place in words.
    #[serde(default)]
    pub(crate) source: Option<String>,
    /// The layer that wins on that server.
    #[serde(default)]
    pub(crate) layer: Option<String>,
    /// The file that holds the value, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<PathBuf>,
    /// Names the key that the fingerprint was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint_key: Option<String>,
    /// What shows the value of a file to whoever has it and other fingerprints.
    #[serde(default, skip_serializing)]
    pub(crate) salted: Option<Salted>,
}

impl ReplicaSlot {
    /// Whether it is what new requests, tokens and seals use: not the one before.
    pub(crate) fn in_use(&self) -> bool {
        matches!(self.state.as_str(), "active" | "rejected" | "signs")
    }

    /// Whether a file feeds it.
    pub(crate) fn is_fed(&self) -> bool {
        self.source.as_deref() == Some("file")
    }

    /// Whether a value in the vault would not be used. A server that says no layer is of an
    /// earlier version, which has files and variables from the environment above the vault.
    pub(crate) fn is_over_vault(&self) -> bool {
        match self.layer.as_deref() {
            Some(layer) => matches!(layer, "named-file" | "process" | "flag"),
            None => matches!(self.source.as_deref(), Some("file" | "environment")),
        }
    }
}

/// The running servers of a profile.
pub(crate) trait Fleet {
    /// Hands the sealed vault to servers that do not see its file. Handing the same generation
    /// over again is no error. Says which generation they had before; `None` where there is no
    /// store, or nobody could be told.
    ///
    /// # Errors
    /// The store cannot be reached (5), or holds a vault that this one does not come from (6).
    fn publish(&self, generation: u64, sealed: &[u8]) -> Result<Option<u64>, Fault>;

    /// Whether the vault here comes from what servers were given. What is done at an issuer by a
    /// vault that does not may be done to the key that they use.
    ///
    /// # Errors
    /// The store cannot be reached (5), or holds a vault that this one does not come from (6).
    fn agrees(&self) -> Result<(), Fault>;

    /// The servers that were seen within the last 60 s.
    ///
    /// # Errors
    /// The store cannot be read (5): then nobody knows who uses what.
    fn replicas(&self) -> Result<Vec<Replica>, Fault>;

    /// Has the servers that can be told look at the vault now, rather than at their next poll.
    fn hasten(&self);
}

/// How far a key has come among the servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Acknowledgement {
    /// How many servers have it.
    pub(crate) on: usize,
    /// Of how many.
    pub(crate) of: usize,
    /// The instances that do not have it yet.
    pub(crate) waiting: Vec<String>,
    /// The instances on which the provider rejected it.
    pub(crate) rejected: Vec<String>,
}

impl Acknowledgement {
    /// On how many: `2 of 3 servers`.
    pub(crate) fn in_words(&self, one: &str) -> String {
        format!("{} of {}", self.on, words::count(self.of, one))
    }

    /// Whether every server has it and none saw it rejected.
    pub(crate) fn is_whole(&self) -> bool {
        self.waiting.is_empty() && self.rejected.is_empty()
    }
}

/// What it takes for a server to have a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Has {
    /// It knows it: of keys that sign, to verify with it at least.
    Anyhow,
    /// It works with it: of keys that sign, it signs.
    AtWork,
}

/// How far the value with this fingerprint has come as `variable`. A server that has no value of
/// the variable at all uses neither the old nor the new one, and is not counted.
pub(crate) fn acknowledged(
    replicas: &[Replica],
    variable: &str,
    fingerprint: &str,
    has: Has,
) -> Acknowledgement {
    let mut told = Acknowledgement::default();
    for replica in replicas {
        // What cannot be understood, as a later version may write it, may be anything.
        let unread = replica.slots.iter().any(|slot| slot.variable.is_empty());
        let of = |slot: &&ReplicaSlot| slot.variable == variable;
        let slots: Vec<&ReplicaSlot> = replica.slots.iter().filter(of).collect();
        if slots.is_empty() && !unread {
            continue;
        }
        told.of += 1;
        let it = |slot: &&&ReplicaSlot| slot.fingerprint.as_deref() == Some(fingerprint);
        // Several providers may be given the same variable: where one rejects it, it is rejected,
        // and where one works with another value, that one is still in use.
        let in_use = || slots.iter().filter(|slot| slot.state != "draining");
        let signs = |slot: &&ReplicaSlot| RING.contains(&slot.state.as_str());
        let known = match slots.iter().any(signs) {
            _ if unread => false,
            true if has == Has::AtWork => slots.iter().filter(it).any(|s| s.state == SIGNS),
            true => slots.iter().any(|slot| it(&slot)),
            false => {
                let works = |slot: &&ReplicaSlot| it(&slot) && slot.state == "active";
                in_use().next().is_some() && in_use().all(works)
            }
        };
        if slots.iter().filter(it).any(|slot| slot.state == "rejected") {
            told.rejected.push(replica.instance.clone());
        } else if known {
            told.on += 1;
        } else {
            told.waiting.push(replica.instance.clone());
        }
    }
    told
}

/// The state of the key that signs.
const SIGNS: &str = "signs";

/// The states of keys that sign and verify; others authenticate with somebody.
const RING: [&str; 3] = [SIGNS, "next", "verifies"];

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(instance: &str, slots: &[(&str, &str, &str)]) -> Replica {
        let slot = |(variable, fingerprint, state): &(&str, &str, &str)| ReplicaSlot {
            variable: (*variable).into(),
            fingerprint: Some((*fingerprint).into()),
            generation: 1,
            state: (*state).into(),
            ..ReplicaSlot::default()
        };
        Replica {
            instance: instance.into(),
            at: Timestamp::UNIX_EPOCH,
            version: "1".into(),
            profile: "dev".into(),
            vault_generation: Some(1),
            slots: slots.iter().map(slot).collect(),
        }
    }

    #[test]
    fn a_server_acknowledges_with_the_fingerprint_itself() {
        let fleet = [
            replica("a", &[("K", "old", "draining"), ("K", "new", "active")]),
            replica("b", &[("K", "old", "active"), ("L", "new", "active")]),
            replica("c", &[("K", "new", "rejected"), ("K", "old", "active")]),
            replica("d", &[("K", "new", "disabled")]),
            replica("e", &[("L", "other", "active")]),
        ];
        let told = acknowledged(&fleet, "K", "new", Has::Anyhow);
        assert_eq!((told.on, told.of), (1, 4));
        assert_eq!((told.waiting.join(" "), told.rejected.join(" ")), ("b d".into(), "c".into()));
        assert!(!told.is_whole());
        assert!(acknowledged(&[], "K", "new", Has::Anyhow).is_whole(), "nobody runs");
    }

    #[test]
    fn a_server_has_a_value_where_all_that_use_it_have_it() {
        let told = |slots: &[(&str, &str, &str)]| {
            let told = acknowledged(&[replica("a", slots)], "K", "new", Has::Anyhow);
            (told.on, told.waiting.len(), told.rejected.len())
        };
        assert_eq!(told(&[("K", "new", "active"), ("K", "old", "active")]), (0, 1, 0));
        assert_eq!(told(&[("K", "new", "active"), ("K", "new", "rejected")]), (0, 0, 1));
        assert_eq!(told(&[("K", "new", "draining"), ("K", "old", "active")]), (0, 1, 0));
        assert_eq!(told(&[("K", "new", "draining")]), (0, 1, 0));
        assert_eq!(told(&[("K", "new", "active"), ("K", "new", "active")]), (1, 0, 0));
        // What a later version may write.
        assert_eq!(told(&[("K", "new", "resting")]), (0, 1, 0));
        assert_eq!(told(&[("K", "new", "active"), ("", "", "")]), (0, 1, 0));
        assert_eq!(told(&[("K", "new", "signs"), ("", "", "")]), (0, 1, 0));
        assert_eq!(told(&[("", "", "")]), (0, 1, 0));
        assert_eq!(told(&[("L", "new", "active")]), (0, 0, 0));
    }

    #[test]
    fn a_key_that_signs_is_known_before_it_is_at_work() {
        let fleet = [replica("a", &[("K", "old", "signs"), ("K", "new", "next")])];
        assert!(acknowledged(&fleet, "K", "new", Has::Anyhow).is_whole());
        assert!(!acknowledged(&fleet, "K", "new", Has::AtWork).is_whole());
        let fleet = [replica("a", &[("K", "new", "signs"), ("K", "old", "verifies")])];
        assert!(acknowledged(&fleet, "K", "new", Has::AtWork).is_whole());
    }
}
