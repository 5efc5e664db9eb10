//! # ULT-HDR-010: errors give nothing away
//!
//! ## What it checks
//!
//! The bodies of errors hold no stack trace, no path of a source file, no SQL, and no status is
//! 500.
//!
//! ## Why
//!
//! Stack traces, SQL and paths tell an attacker where to go next.
//!
//! ## How to fix
//!
//! Answer errors with a code and a sentence; the details belong into the log, under the same
//! request id.

use crate::check::checks::support::each_answer;
use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-HDR-010",
    group: Group::Headers,
    title: "errors give nothing away",
    why: "Stack traces, SQL and paths tell an attacker where to go next.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    live.control()?;
    let probes =
        [Probe::NotFound, Probe::ModelsAnonymous, Probe::ChatMalformed, Probe::ChatUnknownModel];
    each_answer(
        live,
        &probes,
        "an error code and a sentence",
        "log the details, answer with a code",
        |e| {
            let body = e.body.to_lowercase();
            let told = TELLTALES.iter().find(|word| body.contains(**word));
            match told {
                Some(word) => Some(format!("{} tells `{word}`", e.status)),
                None => (e.status == 500).then(|| "500".to_owned()),
            }
        },
    )
}

/// Words that only the inside of a server knows.
const TELLTALES: &[&str] = &[
    "panicked at",
    "stack backtrace",
    "traceback (most recent",
    ".rs:",
    "/src/",
    "sqlx",
    "select ",
    "insert into",
    "syntax error at or near",
    "no such table",
    "/home/",
    "/root/",
];

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;
    use crate::check::live::Probe;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod()
            .answer(Probe::ChatMalformed, |e| e.body = "panicked at src/x.rs:1".to_owned())
            .facts()
    }
}
