//! What a step is, and what it says.

use super::suite::Suite;
use super::{Exchange, NoAnswer};
use crate::report::Outcome;
use crate::settings::profile::Gate;
use futures_util::future::BoxFuture;
use std::time::Duration;

/// A step of the suite.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// Its number, from 1.
    pub(crate) number: u8,
    /// A kebab-case name that never changes.
    pub(crate) name: &'static str,
    /// What must be seen.
    pub(crate) expected: &'static str,
    /// What a failure blocks.
    pub(crate) gate: Gate,
    /// Whether nothing after it makes sense if it fails.
    pub(crate) aborts: bool,
    /// Tries the server.
    pub(crate) run: for<'a> fn(&'a Suite) -> BoxFuture<'a, Seen>,
}

/// What a step says.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// What was seen.
    pub(crate) observed: String,
    /// The request, as a line for a shell without secrets.
    pub(crate) request: Option<String>,
    /// How long the server took.
    pub(crate) latency: Option<Duration>,
}

impl Seen {
    /// Something that was seen without an answer of the server.
    pub(crate) fn new(outcome: Outcome, observed: impl Into<String>) -> Self {
        Self { outcome, observed: observed.into(), request: None, latency: None }
    }

    /// Something that was seen in an answer.
    pub(crate) fn of(outcome: Outcome, observed: impl Into<String>, answer: &Exchange) -> Self {
        Self {
            request: Some(answer.request.clone()),
            latency: Some(answer.latency),
            ..Self::new(outcome, observed)
        }
    }

    /// It was as expected, or `wrong` says what was not.
    pub(crate) fn judged(answer: &Exchange, holds: String, wrong: Option<String>) -> Self {
        match wrong {
            None => Self::of(Outcome::Pass, holds, answer),
            Some(wrong) => Self::of(Outcome::Fail, wrong, answer),
        }
    }

    /// There was no answer where there should be one.
    pub(crate) fn unanswered(why: &NoAnswer) -> Self {
        Self::new(Outcome::Fail, why.to_string())
    }
}

/// Judges a refusal: 401, with a challenge, and with `code` in the error body if one is asked for.
pub(crate) fn refused(answer: &Exchange, code: Option<&str>) -> Seen {
    let wrong = if answer.status != 401 {
        Some(answer.summary())
    } else if answer.header("www-authenticate").is_none() {
        Some("401 without `WWW-Authenticate`".to_owned())
    } else {
        code.filter(|code| !answer.body.contains(&format!("\"{code}\"")))
            .map(|code| format!("{} without the code `{code}`", answer.summary()))
    };
    Seen::judged(answer, answer.summary(), wrong)
}
