//! The process environment: read once, here, and never changed.

use crate::base::SecretBytes;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// The variable in which an export says what it set: the profile behind [`PROFILE`], and stamps,
/// separated by blanks.
pub(crate) const EXPORTED: &str = "__ULTRA_EXPORT";

/// Begins the name of the profile in what an export says; no name of a variable has it.
const PROFILE: char = '=';

/// The variable in which `env run` says which names that `ultra` reads otherwise are the
/// application's: one stamp.
pub(crate) const APPLICATION: &str = "__ULTRA_APPLICATION";

/// Ends the stamp of a variable that was exported by the shell before.
const BEFORE: &str = ":x";

/// What tells later that `name` still has this value: the name and a short digest. It stands in an
/// environment that holds the value itself.
pub(crate) fn stamp(name: &str, value: &str) -> String {
    let digest = Sha256::new().chain_update(name).chain_update([0]).chain_update(value).finalize();
    let short: Vec<u8> = digest.iter().copied().take(8).collect();
    format!("{name}:{}", HEXLOWER.encode(&short))
}

/// A snapshot of the process environment. Names that are not UTF-8 are left out; they cannot be
/// variables of ours. Values that are not UTF-8 are kept apart, so that they can be reported.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    texts: BTreeMap<String, String>,
    broken: BTreeMap<String, SecretBytes>,
    /// Names that are set, and whose values are an export's; and whether the shell had exported
    /// them before that.
    exported: BTreeMap<String, bool>,
}

impl Environment {
    /// The environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    pub(crate) fn of_process() -> Self {
        Self::from_pairs(std::env::vars_os())
    }

    /// An environment of these pairs.
    pub(crate) fn from_pairs(pairs: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in pairs {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => {
                    environment.texts.insert(name, value);
                }
                Err(value) => {
                    environment.broken.insert(name, SecretBytes::new(value.into_vec()));
                }
            }
        }
        environment
    }

    /// The environment as it was before `ultra env export` in this shell: without the variables
    /// that still have the value which the export gave them.
    pub(crate) fn before_export(&self) -> Self {
        let mut before = self.clone();
        let Some(stamps) = before.texts.remove(EXPORTED) else { return before };
        before.exported.insert(EXPORTED.to_owned(), false);
        for whole in stamps.split(' ') {
            let (stamp, exported) = match whole.strip_suffix(BEFORE) {
                Some(stamp) => (stamp, true),
                None => (whole, false),
            };
            let Some((name, _)) = stamp.split_once(':') else { continue };
            if before.texts.get(name).is_some_and(|value| stamp == self::stamp(name, value)) {
                before.texts.remove(name);
                before.exported.insert(name.to_owned(), exported);
            }
        }
        before
    }

    /// What [`EXPORTED`] says of an export of these stamps of `profile`.
    pub(crate) fn export_note(profile: &str, stamps: &[String]) -> String {
        let profile = format!("{PROFILE}{profile}");
        [&profile].into_iter().chain(stamps).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The profile of the export in this shell; `None` without an export.
    pub(crate) fn exported_profile(&self) -> Option<&str> {
        self.get(EXPORTED)?.split(' ').find_map(|part| part.strip_prefix(PROFILE))
    }

    /// The names that [`Self::before_export`] took away, and whether the shell had exported each
    /// with a value of its own, which nobody but the shell knows.
    pub(crate) fn taken_back(&self) -> impl Iterator<Item = (&str, bool)> {
        self.exported.iter().map(|(name, before)| (name.as_str(), *before))
    }

    /// Whether `name` has a value that `env run` or `env export` handed on as the application's own,
    /// so that it says nothing to `ultra`.
    pub(crate) fn is_applications(&self, name: &str) -> bool {
        let Some(value) = self.get(name) else { return false };
        let stamp = stamp(name, value);
        [APPLICATION, EXPORTED].into_iter().filter_map(|marker| self.get(marker)).any(|stamps| {
            stamps.split(' ').any(|whole| whole.strip_suffix(BEFORE).unwrap_or(whole) == stamp)
        })
    }

    /// The stamp with which an export leaves `name`: it also tells the next export whether the
    /// shell had exported the variable by itself.
    pub(crate) fn stamp(&self, name: &str, value: &str) -> String {
        let before = if self.exports(name) { BEFORE } else { "" };
        format!("{}{before}", stamp(name, value))
    }

    /// Whether the shell exports `name` by itself, or did before an export of ours.
    pub(crate) fn exports(&self, name: &str) -> bool {
        self.exported.get(name).copied().unwrap_or_else(|| self.has(name))
    }

    /// The value of `name`, if it is set and UTF-8.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// Whether `name` is set, to whatever.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.texts.contains_key(name)
            || self.exported.contains_key(name)
            || self.broken.contains_key(name)
    }

    /// The names of everything that is set.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().chain(self.broken.keys()).map(String::as_str)
    }

    /// All pairs, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names whose values are not UTF-8, with these.
    pub(crate) fn broken(&self) -> impl Iterator<Item = (&str, &SecretBytes)> {
        self.broken.iter().map(|(name, value)| (name.as_str(), value))
    }
}

/// Only names: values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.texts.keys()).finish()
    }
}
