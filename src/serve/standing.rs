//! Whether what stands in the files is what the server runs with: the last reload may have been
//! refused, and some values count at the next start only.

use crate::base::Timestamp;
use crate::report::Problem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How it stands.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    now: Mutex<Differs>,
    taken: AtomicU64,
    refused: AtomicU64,
}

/// What differs from the files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Differs {
    /// Since when reloads are refused, and why the last one was; the server goes on with what it
    /// had.
    pub(crate) refused: Option<(Timestamp, Vec<String>)>,
    /// What counts at the next start only.
    pub(crate) needs_restart: Vec<String>,
}

impl Standing {
    /// A reload was taken over. Returns whether `needs_restart` is news.
    pub(crate) fn taken(&self, needs_restart: Vec<String>) -> bool {
        self.taken.fetch_add(1, Ordering::Relaxed);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let news = now.needs_restart != needs_restart;
        *now = Differs { refused: None, needs_restart };
        news
    }

    /// A reload was refused.
    pub(crate) fn refused(&self, problems: &[Problem], at: Timestamp) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.refused.as_ref().map_or(at, |(since, _)| *since);
        now.refused = Some((since, problems.iter().map(told).collect()));
    }

    /// Whether the last reload was refused.
    pub(super) fn is_refused(&self) -> bool {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).refused.is_some()
    }

    /// What differs from the files.
    pub(crate) fn differs(&self) -> Differs {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many reloads were taken over, and how many refused.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.taken.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

/// A problem with its way out.
pub(crate) fn told(problem: &Problem) -> String {
    match &problem.hint {
        Some(hint) => format!("{problem} ({hint})"),
        None => problem.to_string(),
    }
}
