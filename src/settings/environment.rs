//! The process environment: read once, here, and never changed.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// A snapshot of the process environment. Names that are not UTF-8 are left out; they cannot be
/// variables of ours. Values that are not UTF-8 are kept apart, so that they can be reported.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    texts: BTreeMap<String, String>,
    broken: Vec<String>,
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
                Err(_) => environment.broken.push(name),
            }
        }
        environment
    }

    /// The value of `name`, if it is set and UTF-8.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// All pairs, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names whose values are not UTF-8.
    pub(crate) fn broken(&self) -> &[String] {
        &self.broken
    }
}

/// Only names: values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.texts.keys()).finish()
    }
}
