//! The times of a rotation, as the command line says them.

use super::desk::Desk;
use super::names::{self, Key, Kind};
use crate::report::{Fault, Problem};
use crate::rotation::{self, Order, Plan};
use crate::serve::auth::LONGEST_LIFE;
use crate::settings::value::Value as _;
use std::time::Duration;

/// How long an old key is accepted after the cut-over.
const GRACE: Duration = Duration::from_secs(24 * 3_600);
/// How long the old key of a server may finish what it began.
const DRAIN: Duration = Duration::from_secs(10 * 60);
/// How long the servers are waited for: several of their looks at the vault.
const WAIT: Duration = Duration::from_secs(30);
/// How long whoever feeds a file is waited for: a person, and a platform that takes its time.
const FEEDER: Duration = Duration::from_secs(5 * 60);
/// Between the cut-over and the last token that a server signs with the old key, and for clocks
/// that differ.
const SLACK: Duration = Duration::from_secs(60);

/// The spans that were asked for, as text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    /// `--grace`.
    pub(crate) grace: Option<String>,
    /// `--drain`.
    pub(crate) drain: Option<String>,
    /// `--wait`.
    pub(crate) wait: Option<String>,
}

/// The spans of a rotation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    grace: Option<Duration>,
    drain: Option<Duration>,
    /// How long the servers are waited for.
    pub(super) wait: Duration,
    /// Whether that was asked for.
    said: bool,
}

impl Spans {
    /// The spans, read; all that cannot be read at once.
    ///
    /// # Errors
    /// A text that is no span (2).
    pub(super) fn read(&self) -> Result<Times, Fault> {
        let mut problems = Vec::new();
        let mut read = |flag: &str, text: &Option<String>| {
            let text = text.as_deref()?;
            let span = if text == "0" { Some(Duration::ZERO) } else { Duration::parse(text) };
            if span.is_none() {
                problems.push(
                    Problem::error(
                        "malformed-value",
                        format!("`{flag} {}` is no time span", text.escape_debug()),
                    )
                    .hint(format!("{flag} 12h, or {flag} 0")),
                );
            }
            span
        };
        let (grace, drain) = (read("--grace", &self.grace), read("--drain", &self.drain));
        let wait = read("--wait", &self.wait);
        if problems.is_empty() {
            Ok(Times { grace, drain, wait: wait.unwrap_or(WAIT), said: wait.is_some() })
        } else {
            Err(Fault::new(crate::exit::ExitStatus::Usage, problems))
        }
    }
}

impl Times {
    /// How long whoever feeds a file is waited for.
    pub(super) fn wait_for_feeder(&self) -> Duration {
        if self.said { self.wait } else { FEEDER }
    }

    /// What a rotation of `key` is to be.
    ///
    /// # Errors
    /// A grace that is shorter than tokens live (6).
    pub(super) fn plan(
        &self,
        desk: &Desk<'_>,
        key: &Key,
        kind: rotation::Kind,
        compromised: bool,
    ) -> Result<Plan, Fault> {
        let grace = if compromised { Some(Duration::ZERO) } else { self.grace_of(desk, key)? };
        Ok(Plan {
            kind,
            order: order(key),
            variable: key.variable.clone(),
            destination: key.provider.as_ref().map(names::Provider::destination),
            grace,
            drain: self.drain,
            compromised,
        })
    }

    /// How long the old version of a key is accepted.
    fn grace_of(&self, desk: &Desk<'_>, key: &Key) -> Result<Option<Duration>, Fault> {
        let drained = |grace: Duration| match (self.grace, self.drain) {
            // Asked for in so many words: at once means at once.
            (Some(Duration::ZERO), None) => grace,
            (_, drain) => grace.max(drain.unwrap_or(DRAIN)),
        };
        match key.kind {
            Kind::Jwt => match self.grace {
                Some(grace) if grace < LONGEST_LIFE => Err(Fault::refused(
                    Problem::error(
                        "grace-too-short",
                        format!(
                            "`--grace {}` is shorter than the tokens of `{}` live",
                            crate::base::time::human(seconds(grace)),
                            key.name
                        ),
                    )
                    .why(format!(
                        "a token may be valid for {}, and would be refused before its time",
                        crate::base::time::human(seconds(LONGEST_LIFE))
                    ))
                    .hint(format!(
                        "leave out `--grace`; if others may know the key: `{} --compromised`",
                        desk.command("rotate", key)
                    )),
                )),
                grace => Ok(Some(grace.unwrap_or(LONGEST_LIFE) + SLACK)),
            },
            Kind::Encryption => Ok(Some(drained(self.grace.unwrap_or(GRACE)))),
            Kind::Provider => Ok(Some(drained(self.grace.unwrap_or(GRACE)))),
            _ => Ok(None),
        }
    }
}

/// When servers begin to use a new version of a key.
pub(super) fn order(key: &Key) -> Order {
    if key.kind.generated() { Order::Ahead } else { Order::AtOnce }
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}
