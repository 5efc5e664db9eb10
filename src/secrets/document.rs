//! The content of the vault as a whole, and what the index keeps of it.

use super::audit::Anchor;
use super::entry::{Entry, Version};
use super::index::{EntryFacts, VersionFacts};
use crate::base::Secret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The whole content of a vault.
///
/// Unknown fields are refused: a later program's field would be lost by rewriting.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// The vault's id, which is also the user of its item in the OS keyring.
    pub(crate) vault: String,
    /// Counts the writes, from 1.
    pub(crate) generation: u64,
    /// Entries by `<profile>/<name>`.
    pub(crate) entries: BTreeMap<String, Entry>,
    /// The last line of the audit when it was written. Nobody without the identity can change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audit: Option<Anchor>,
}

impl Document {
    /// An empty vault that was never written.
    pub(crate) fn new(vault: String) -> Self {
        Self { vault, generation: 0, entries: BTreeMap::new(), audit: None }
    }

    /// The key of an entry.
    pub(crate) fn key(profile: &str, name: &str) -> String {
        format!("{profile}/{name}")
    }

    /// The entry of a name in a profile.
    pub(crate) fn entry(&self, profile: &str, name: &str) -> Option<&Entry> {
        self.entries.get(&Self::key(profile, name))
    }

    /// The entry of a name in a profile, for changing; empty if new.
    pub(crate) fn entry_mut(&mut self, profile: &str, name: &str) -> &mut Entry {
        self.entries.entry(Self::key(profile, name)).or_default()
    }

    /// The document as JSON text, in a buffer that is wiped.
    pub(crate) fn to_json(&self) -> Option<Zeroizing<String>> {
        let values: usize =
            self.entries.values().flat_map(|e| &e.versions).map(|v| v.value.expose().len()).sum();
        let versions: usize = self.entries.values().map(|e| e.versions.len()).sum();
        // Room for everything, escaped: a growing buffer would leave copies of values behind.
        let room = 6 * values + 512 * versions + 512 * self.entries.len() + 1024;
        let mut text = Vec::with_capacity(room);
        serde_json::to_writer(&mut text, self).ok()?;
        String::from_utf8(text).ok().map(Zeroizing::new)
    }

    /// What the index keeps of it: everything but the values, of which `fingerprint` makes
    /// fingerprints.
    pub(crate) fn facts(
        &self,
        fingerprint: impl Fn(&Secret) -> String,
    ) -> BTreeMap<String, EntryFacts> {
        self.entries.iter().map(|(key, entry)| (key.clone(), entry.facts(&fingerprint))).collect()
    }
}

impl Entry {
    /// The same of one entry.
    pub(crate) fn facts(&self, fingerprint: impl Fn(&Secret) -> String) -> EntryFacts {
        let facts = |v: &Version| VersionFacts {
            number: v.number,
            state: v.state,
            created_at: v.created_at,
            verified_at: v.verified_at,
            fingerprint: fingerprint(&v.value),
            bound: v.bound.clone(),
            allowed: v.allowed.clone(),
            refused_at: v.refused_at,
            rolled_back: v.rolled_back,
            by: v.by,
            retire_at: v.retire_at,
            disabled_at: v.disabled_at,
            compromised_at: v.compromised_at,
            remote: v.remote.clone(),
            drain_seconds: v.drain_seconds,
        };
        EntryFacts { versions: self.versions.iter().map(facts).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::State;
    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn the_json_is_read_back_and_foreign_fields_are_refused() {
        let mut document = Document::new("id".into());
        let value = Secret::new("a\"b\\c\u{1}é");
        document.entry_mut("dev", "openai").add(
            value.clone(),
            State::Current,
            Timestamp::UNIX_EPOCH,
            Some("https://h:443".into()),
        );
        let text = document.to_json().unwrap();
        let back: Document = serde_json::from_str(&text).unwrap();
        assert!(back.entry("dev", "openai").unwrap().current().unwrap().value.same_as(&value));
        assert!(!format!("{back:?}").contains("b\\\\c"));
        let newer = text.replacen("\"generation\"", "\"shine\":1,\"generation\"", 1);
        assert!(serde_json::from_str::<Document>(&newer).is_err());
    }
}
