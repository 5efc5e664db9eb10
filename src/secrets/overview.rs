//! What vault file and index say together, without opening anything.

use super::crypto::digest;
use super::document::Document;
use super::index::{EntryFacts, Index};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Tells one content of a file from another without reading it: replaced files differ in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// How the vault and its index stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Freshness {
    /// There is no vault yet.
    NoVault,
    /// The index says what is in the vault.
    Fresh,
    /// The vault is not the one that was written last: damaged, of another version, or put there
    /// by hand (a backup, a copy), and then the next write puts the index right.
    Stale,
    /// There is a vault, and its index is gone.
    NoIndex,
    /// The index tells of a vault that is gone.
    Lost,
}

/// What the bytes of the vault look like, as far as that shows without opening it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// Like an age file.
    #[default]
    Age,
    /// Like an age file of a later version.
    Later,
    /// Like none.
    Damaged,
}

impl Form {
    /// Of these bytes: only their head is looked at.
    fn of(sealed: &[u8]) -> Self {
        match age::Decryptor::new(sealed) {
            Ok(_) => Self::Age,
            Err(age::DecryptError::UnknownFormat) if sealed.starts_with(AGE) => Self::Later,
            Err(_) => Self::Damaged,
        }
    }
}

/// How an age file of any version begins.
const AGE: &[u8] = b"age-encryption.org/v";

/// What is known without opening anything.
#[derive(Clone, Debug)]
pub(crate) struct Overview {
    /// The index, if there is one.
    pub(crate) index: Option<Index>,
    /// Whether it can be believed.
    pub(crate) freshness: Freshness,
    /// What the vault looks like.
    pub(crate) form: Form,
    /// The generation of the vault, as far as the index knows; 0 before the first write.
    pub(crate) generation: u64,
    /// Entries by `<profile>/<name>`.
    pub(crate) entries: BTreeMap<String, EntryFacts>,
}

impl Overview {
    /// Whether there is anything for a profile.
    pub(crate) fn has_entries(&self, profile: &str) -> bool {
        let folder = Document::key(profile, "");
        self.entries.iter().any(|(name, e)| name.starts_with(&folder) && !e.versions.is_empty())
    }

    /// What is known of a name in a profile.
    pub(crate) fn entry(&self, profile: &str, name: &str) -> Option<&EntryFacts> {
        self.entries.get(&Document::key(profile, name)).filter(|e| !e.versions.is_empty())
    }
}

/// The stamp of the file, if there is one.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some(Stamp {
        device: meta.dev(),
        inode: meta.ino(),
        size: meta.size(),
        modified: (meta.mtime(), meta.mtime_nsec()),
    })
}

/// What index and vault file say together.
pub(super) fn glance(index: Option<Index>, sealed: Option<&[u8]>) -> Overview {
    let (freshness, snapshot) = match (&index, sealed) {
        (None, None) => (Freshness::NoVault, None),
        (None, Some(_)) => (Freshness::NoIndex, None),
        (Some(index), None) if index.current.is_none() => (Freshness::NoVault, None),
        (Some(index), None) => (Freshness::Lost, index.current.clone()),
        (Some(index), Some(sealed)) => match index.snapshot(&digest(sealed)) {
            Some(snapshot) => (Freshness::Fresh, Some(snapshot.clone())),
            None => (Freshness::Stale, index.current.clone()),
        },
    };
    let (generation, entries) =
        snapshot.map_or((0, BTreeMap::new()), |s| (s.generation, s.entries));
    let form = sealed.filter(|_| freshness != Freshness::Fresh).map(Form::of).unwrap_or_default();
    Overview { index, freshness, form, generation, entries }
}
