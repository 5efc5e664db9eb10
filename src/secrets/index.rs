//! The index beside the vault: names, ages, states and fingerprints, no values.
//!
//! A write leaves the vault and the index in step at every instant: the index first holds what the
//! vault says now *and* what it will say next, then the vault is replaced, then the index drops
//! the first. Which of the two holds is told by the digest of the vault file, so a crash anywhere
//! leaves a readable pair.

use super::audit::Anchor;
use super::backend::BackendKind;
use super::entry::State;
use crate::base::{Timestamp, file};
use crate::settings::secret::Remote;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The schema that this program reads and writes.
const SCHEMA: &str = "ultra.vault-index/1";

/// The size limit of the file.
const LIMIT: u64 = 8 << 20;

/// The index file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Index {
    schema: String,
    /// The vault's id.
    pub(crate) vault: String,
    /// What keeps the vault's identity. Never changed by itself.
    pub(crate) backend: BackendKind,
    /// The public half of the identity, `age1…`.
    pub(crate) recipient: String,
    /// What the vault says since the last finished write; `None` before the first.
    pub(crate) current: Option<Snapshot>,
    /// What the vault says if the write that wrote this came as far as replacing it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Snapshot>,
}

/// What one generation of the vault says, without values.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    /// The generation.
    pub(crate) generation: u64,
    /// SHA-256 of `vault.age`.
    pub(crate) digest: String,
    /// Entries by `<profile>/<name>`.
    pub(crate) entries: BTreeMap<String, EntryFacts>,
    /// The last line of the audit when it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audit: Option<Anchor>,
}

/// What is known of an entry.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryFacts {
    /// Its versions, oldest first.
    pub(crate) versions: Vec<VersionFacts>,
}

/// What is known of a version. A field of a later program is skipped: a listing by an older one
/// is right in what it shows. Only the vault itself, which is rewritten, must be known whole.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct VersionFacts {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// What it is used for.
    pub(crate) state: State,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When a provider last accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verified_at: Option<Timestamp>,
    /// The keyed fingerprint of its value.
    pub(crate) fingerprint: String,
    /// The destination it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bound: Option<String>,
    /// Other destinations that the operator allows it for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed: Vec<String>,
    /// When a provider refused it, if that was its last word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused_at: Option<Timestamp>,
    /// Whether somebody went back from it to an older one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rolled_back: bool,
    /// The user id of who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<u32>,
    /// When its grace is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retire_at: Option<Timestamp>,
    /// When it was disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disabled_at: Option<Timestamp>,
    /// When the operator said that others may know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) compromised_at: Option<Timestamp>,
    /// What its issuer calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remote: Option<Remote>,
    /// How many seconds servers let the version before stand by; the usual time if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) drain_seconds: Option<u64>,
}

impl VersionFacts {
    /// How it stands, in words: its state and what speaks against it.
    pub(crate) fn standing(&self) -> String {
        let compromised = self.compromised_at.map(|_| "compromised");
        let refused = self.refused_at.map(|_| "refused by the provider");
        let left = self.rolled_back.then_some("rolled back");
        let marks = [Some(self.state.word()), compromised, refused, left];
        marks.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Every destination that it may be sent to; empty if it is not bound yet.
    pub(crate) fn destinations(&self) -> impl Iterator<Item = &String> {
        self.bound.iter().chain(&self.allowed)
    }

    /// Whether it may be sent to `destination`: one of its own, or any while it has none.
    pub(crate) fn may_go_to(&self, destination: &str) -> bool {
        self.destinations().next().is_none() || self.destinations().any(|d| d == destination)
    }

    /// Its destinations in words, `-` if it has none.
    pub(crate) fn destinations_text(&self) -> String {
        let all: Vec<&str> = self.destinations().map(String::as_str).collect();
        if all.is_empty() { "-".to_owned() } else { all.join(", ") }
    }
}

impl EntryFacts {
    /// The versions that may stand by for the current one: they were in use, and are neither
    /// disabled nor compromised in whatever version. The end of a grace does not matter: servers may
    /// be living on one until it is disabled, and who disables it looks at that before.
    pub(crate) fn standby(&self) -> Vec<u32> {
        let is_known = |v: &VersionFacts| {
            let same = |c: &&VersionFacts| {
                c.number == v.number || !v.fingerprint.is_empty() && c.fingerprint == v.fingerprint
            };
            self.versions.iter().filter(same).any(|c| c.compromised_at.is_some())
        };
        let may = |v: &&VersionFacts| v.state == State::Old && !is_known(v);
        self.versions.iter().filter(may).map(|v| v.number).collect()
    }

    /// The version in use.
    pub(crate) fn current(&self) -> Option<&VersionFacts> {
        self.versions.iter().find(|v| v.state == State::Current)
    }
}

impl Index {
    /// The index of a vault that was never written.
    pub(crate) fn new(vault: String, backend: BackendKind, recipient: String) -> Self {
        Self { schema: SCHEMA.to_owned(), vault, backend, recipient, current: None, next: None }
    }

    /// Reads the index; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be read, is no index, or is one of another version.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let Some(bytes) = file::read_bounded(path, LIMIT)? else { return Ok(None) };
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let any: serde_json::Value = serde_json::from_slice(&bytes)
            .map_err(|e| invalid(format!("not an index: not JSON at line {}", e.line())))?;
        let schema = any.get("schema").and_then(|s| s.as_str()).unwrap_or("none");
        if schema != SCHEMA {
            let why = format!("its format `{schema}` is unknown to this version");
            let foreign = match any.get("schema") {
                Some(_) => io::ErrorKind::Unsupported,
                None => io::ErrorKind::InvalidData,
            };
            return Err(io::Error::new(foreign, why));
        }
        serde_json::from_value(any).map(Some).map_err(|e| invalid(format!("not an index: {e}")))
    }

    /// Writes the index, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        file::write_atomic(path, &bytes, file::PRIVATE)
    }

    /// The last line of the audit that either snapshot remembers.
    pub(crate) fn audited(&self) -> Option<Anchor> {
        let snapshots = self.current.iter().chain(&self.next);
        snapshots.filter_map(|s| s.audit.clone()).max_by_key(|anchor| anchor.seq)
    }

    /// The snapshot that belongs to a vault file with this digest, if either does.
    pub(crate) fn snapshot(&self, digest: &str) -> Option<&Snapshot> {
        self.next.iter().chain(self.current.iter()).find(|s| s.digest == digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_tells_which_snapshot_holds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        assert!(Index::read(&path).unwrap().is_none());
        let mut index = Index::new("v".into(), BackendKind::Keyring, "age1x".into());
        let snapshot = |generation, digest: &str| Snapshot {
            generation,
            digest: digest.into(),
            entries: BTreeMap::new(),
            audit: None,
        };
        index.current = Some(snapshot(1, "a"));
        index.next = Some(snapshot(2, "b"));
        index.write(&path).unwrap();
        let index = Index::read(&path).unwrap().unwrap();
        assert_eq!(index.snapshot("a").unwrap().generation, 1);
        assert_eq!(index.snapshot("b").unwrap().generation, 2);
        assert!(index.snapshot("c").is_none());
    }

    #[test]
    fn another_format_is_refused_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        std::fs::write(&path, r#"{"schema":"ultra.vault-index/2"}"#).unwrap();
        assert!(Index::read(&path).unwrap_err().to_string().contains("vault-index/2"));
        std::fs::write(&path, "{").unwrap();
        assert!(Index::read(&path).is_err());
    }
}
