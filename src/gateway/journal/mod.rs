//! The usage journal: rows are on disk before the last byte of an answer leaves, and reach the
//! store when the store is there.
//!
//! A journal is a directory of segments that only grow, a cursor that says how far the store has
//! followed, and a lock. A row is one line: the CRC-32 of its JSON in hexadecimal, a blank, the
//! JSON. It is written with one `write(2)`, alone or with rows of other requests that are answered at
//! the same moment, so the death of the process loses nothing; the task that syncs every 100 ms bounds what a power cut can lose. Reading resumes after the last row
//! that the store has taken, and the store passes over rows that it has already.

mod claim;
mod frame;
mod group;
mod reader;
mod recent;
mod segment;
mod tend;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use crate::store::UsageRow;
pub(crate) use reader::{Tasks, start};
pub(crate) use writer::Journal;

use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// How a journal is opened.
#[derive(Clone, Debug)]
pub(crate) struct JournalOptions {
    /// The directory of all journals of a profile, `journal/<profile>` in the state directory:
    /// whoever takes over what is left there has the same store.
    pub(crate) dir: PathBuf,
    /// What the rows that the store has not taken may amount to; more is refused.
    pub(crate) max_bytes: u64,
    /// When a new segment is begun.
    pub(crate) segment_bytes: u64,
    /// How often what was written is synced, and the store told.
    pub(crate) interval: Duration,
}

impl JournalOptions {
    /// The usual bounds, for a profile in the state directory: 1 GiB of rows, about five million
    /// requests.
    pub(crate) fn of_profile(state_dir: &std::path::Path, profile: &str) -> Self {
        Self {
            dir: state_dir.join("journal").join(profile),
            max_bytes: 1 << 30,
            segment_bytes: 16 << 20,
            interval: Duration::from_millis(100),
        }
    }
}

/// Why a row was not kept, or the journal not opened. A request that cannot be metered is not
/// served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JournalError {
    /// The store has been away for so long that the bound is reached, or the disk is full.
    #[error("the usage journal `{at}` is full: {why}")]
    Full {
        /// The directory.
        at: String,
        /// The cause.
        why: String,
    },
    /// It cannot be written or read.
    #[error("the usage journal `{at}` cannot be used: {why}")]
    Unusable {
        /// The directory or file.
        at: String,
        /// The cause.
        why: String,
    },
}

impl JournalError {
    /// The error for people.
    pub(crate) fn problem(&self) -> crate::report::Problem {
        let (code, hint) = match self {
            Self::Full { .. } => ("journal-full", "free space, or bring the store back"),
            Self::Unusable { .. } => {
                ("journal-unusable", "check the owner, mode and disk of the state directory")
            }
        };
        crate::report::Problem::error(code, self.to_string()).hint(hint)
    }
}

/// How a journal is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct JournalStatus {
    /// Rows kept since it was opened.
    pub(crate) appended: u64,
    /// Rows that the store has taken since it was opened, those of earlier owners included.
    pub(crate) stored: u64,
    /// Bytes that the store has not taken yet.
    pub(crate) pending_bytes: u64,
    /// Lines that were torn or damaged and had to be passed over.
    pub(crate) damaged: u64,
    /// Rows that the store will never take; they are in `rejected.log` of the journal.
    pub(crate) rejected: u64,
    /// Whether rows can be kept at present.
    pub(crate) writable: bool,
    /// Why rows could not be kept or not be passed on lately.
    pub(crate) last_error: Option<String>,
}
