//! The words for what a program reads.

use serde::Serialize;
use std::collections::BTreeMap;

/// A program that reads dotenv files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tool {
    /// The crate `dotenvy`.
    Dotenvy,
    /// The npm package `dotenv`.
    Motdotla,
    /// The PyPI package `python-dotenv`.
    Python,
    /// Node's own `--env-file`.
    Node,
    /// Docker Compose, `env_file:` and `.env`.
    Compose,
    /// `set -a; . FILE` in bash.
    Bash,
}

impl Tool {
    /// All, in the order they are shown.
    pub(crate) const ALL: [Self; 6] =
        [Self::Dotenvy, Self::Motdotla, Self::Python, Self::Node, Self::Compose, Self::Bash];

    /// Its name on the command line and in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dotenvy => "dotenvy",
            Self::Motdotla => "motdotla",
            Self::Python => "python",
            Self::Node => "node",
            Self::Compose => "compose",
            Self::Bash => "bash",
        }
    }

    /// The program and the version whose behaviour is meant.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Dotenvy => "dotenvy 0.15.7 (crate)",
            Self::Motdotla => "dotenv 18.0.10 (npm)",
            Self::Python => "python-dotenv 1.2.4 (PyPI)",
            Self::Node => "node 20.20 `--env-file`",
            Self::Compose => "Docker Compose 2.40.3 `env_file:`",
            Self::Bash => "bash 5.2 `set -a; . FILE`",
        }
    }
}

/// What a program has after reading a file. Names and values are bytes, as the program sees them.
/// It has no `Debug`: values may be secrets.
#[derive(Default)]
pub(crate) struct Reading {
    /// The variables.
    pub(crate) values: BTreeMap<Vec<u8>, Item>,
    /// Where the program gave up, if it did.
    pub(crate) stop: Option<Stop>,
    /// The commands it runs, with their lines.
    pub(crate) runs: Vec<(u32, String)>,
}

/// A variable. It has no `Debug`: the value may be a secret.
#[derive(Clone)]
pub(crate) struct Item {
    /// The line its assignment begins on.
    pub(crate) line: u32,
    /// What it is set to.
    pub(crate) value: Value,
}

/// What a variable is set to. It has no `Debug`: it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// This text.
    Text(Vec<u8>),
    /// What a command prints, which the program runs for it.
    Runs(String),
    /// Something that the file alone does not tell, such as a process id.
    Varies(&'static str),
}

/// Where and why a program gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// The line of the statement that it did not take.
    pub(crate) line: u32,
    /// Why, as a fragment.
    pub(crate) why: &'static str,
    /// What that means for the other lines.
    pub(crate) reach: Reach,
}

/// What a stop means for the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Nothing of the file counts.
    Whole,
    /// What stands above counts, nothing from here on.
    Rest,
    /// What stands above counts; the rest is a program of which nothing can be told.
    Unknown,
}

#[cfg(test)]
impl Value {
    /// Whether it is this very text.
    pub(in crate::settings::dotenv) fn is_text(&self, bytes: &[u8]) -> bool {
        matches!(self, Self::Text(text) if text == bytes)
    }
}

impl Reading {
    /// Adds a variable; one of the same name is replaced.
    pub(super) fn set(&mut self, name: &[u8], line: u32, text: Vec<u8>) {
        self.values.insert(name.to_vec(), Item { line, value: Value::Text(text) });
    }

    /// The same, but what is read from that line on is not known.
    pub(super) fn unknown_from(mut self, line: u32, why: &'static str) -> Self {
        self.stop = Some(Stop { line, why, reach: Reach::Unknown });
        self
    }

    /// A file of which nothing is taken.
    pub(super) fn refused(line: u32, why: &'static str) -> Self {
        Self { stop: Some(Stop { line, why, reach: Reach::Whole }), ..Self::default() }
    }
}

/// How much text references may copy in a file, as in our own dialect.
pub(super) const LARGEST: usize = 64 << 20;
/// Why a reading ends there.
pub(super) const TOO_LARGE: &str = "values become too large to follow";
/// Why a reading ends where references stand in each other without an end.
pub(super) const TOO_DEEP: &str = "references stand too deep in each other to follow";

/// What is left of the text that references may copy: each could double the one before.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(LARGEST)
    }
}

impl Budget {
    /// Takes as many bytes; `None` if there are not so many left.
    pub(super) fn take(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.checked_sub(bytes)?;
        Some(())
    }
}

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts what a model looks at, for the tests of what it costs.
#[cfg(test)]
pub(super) fn step(count: usize) {
    STEPS.with(|steps| steps.set(steps.get() + u64::try_from(count).unwrap()));
}

/// Nothing is counted outside of tests.
#[cfg(not(test))]
#[inline]
pub(super) fn step(_: usize) {}

/// How many steps it takes.
#[cfg(test)]
pub(super) fn steps(work: impl FnOnce()) -> u64 {
    let before = STEPS.with(std::cell::Cell::get);
    work();
    STEPS.with(std::cell::Cell::get) - before
}

/// The lines of a text, to be asked for in rising order of offsets; linear in all.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    /// The lines of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, line: 1 }
    }

    /// The line that the offset is on.
    pub(super) fn at(&mut self, offset: usize) -> u32 {
        if offset < self.at {
            (self.at, self.line) = (0, 1);
        }
        let passed = self.bytes.get(self.at..offset).unwrap_or_default();
        let more = memchr::memchr_iter(b'\n', passed).count();
        self.line = self.line.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        self.at = offset.min(self.bytes.len());
        self.line
    }
}
