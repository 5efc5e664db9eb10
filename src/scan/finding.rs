//! What a scan finds.

use serde::Serialize;
use std::path::PathBuf;

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// A key with the shape that a provider gives its keys.
    ProviderKey,
    /// A private key.
    PrivateKey,
    /// A secret's name with a value beside it.
    NamedSecret,
    /// A URL with a password in it.
    UrlPassword,
    /// A mock that code outside tests can reach.
    MockReachable,
    /// A test that is switched off, or code that never runs.
    Disabled,
    /// A key, account or password that everybody knows.
    DevKey,
    /// Work that was put off.
    Unfinished,
    /// A connection whose certificate nobody checks.
    TlsOff,
    /// A branch that lets callers in without credentials.
    AuthBypass,
}

impl Rule {
    /// Whether what was found is a secret.
    pub(crate) fn is_secret(self) -> bool {
        matches!(self, Self::ProviderKey | Self::PrivateKey | Self::NamedSecret | Self::UrlPassword)
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Finding {
    /// The file, from the directory that was scanned.
    pub(crate) file: PathBuf,
    /// The line, from 1.
    pub(crate) line: u32,
    /// The column in characters, from 1.
    pub(crate) column: u32,
    /// What kind of thing it is.
    pub(crate) rule: Rule,
    /// What it is, in words.
    pub(crate) what: String,
    /// The text that was found; of a secret only the part that every key of its kind has.
    pub(crate) shown: String,
}

impl Finding {
    /// `file:line:column`.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Something found in a text, before its position is known.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    /// Where it begins, in bytes.
    pub(super) at: usize,
    /// What kind of thing it is.
    pub(super) rule: Rule,
    /// What it is, in words.
    pub(super) what: String,
    /// What may be shown of it.
    pub(super) shown: String,
}
