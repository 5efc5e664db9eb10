//! What becomes of an entry, and why.

use crate::report::Place;
use serde::Serialize;

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// It goes into the file under its own name.
    Kept,
    /// It goes into the file under the name it has here.
    Renamed,
    /// It goes into the vault.
    Vault,
    /// It stands for a value that nobody gave.
    Placeholder,
    /// It says nothing.
    Empty,
    /// Without it the same holds.
    Default,
    /// Another entry says the same.
    Duplicate,
    /// It does nothing here.
    Unused,
    /// It names the profile, which is not said in a file.
    Profile,
    /// The operator left it out.
    Left,
    /// It is no key, and only keys are taken over.
    NoKey,
}

/// What becomes of an entry. It has no `Debug`: the text may be a secret.
pub(super) struct Decision {
    /// The name in the source.
    pub(super) name: String,
    /// Where it stands.
    pub(super) place: Place,
    /// What becomes of it.
    pub(super) what: What,
    /// The name it gets.
    pub(super) to: Option<String>,
    /// The value it gets.
    pub(super) text: String,
    /// Whether the value is a secret.
    pub(super) secret: bool,
    /// Why.
    pub(super) why: Option<String>,
    /// Whether `--keep-unused` would take it over.
    pub(super) keepable: bool,
    /// Whether no flag keeps its name, because its value is written otherwise under today's.
    pub(super) otherwise: bool,
}

impl Decision {
    /// The same entry with another end.
    pub(super) fn is(mut self, what: What, why: &str) -> Self {
        self.what = what;
        self.why = Some(why.to_owned());
        self
    }

    /// The same entry, kept under its name.
    pub(super) fn stays_silently(mut self) -> Self {
        self.what = What::Kept;
        self.to = Some(self.name.clone());
        self
    }

    /// The same entry, kept under its name, with something to say about it.
    pub(super) fn stays(self, why: String) -> Self {
        let mut kept = self.stays_silently();
        kept.why = Some(why);
        kept
    }

    /// Leaves it where it is unless it is a key.
    pub(super) fn keep_to_keys(&mut self) {
        if self.written() {
            self.what = What::NoKey;
            self.to = None;
            self.why.get_or_insert_with(|| "`ultra env import` takes it over".to_owned());
        }
    }

    /// Whether it goes into the file.
    pub(super) fn written(&self) -> bool {
        matches!(self.what, What::Kept | What::Renamed)
    }
}
