//! # ULT-HDR-007: answers with personal content are not cached
//!
//! ## What it checks
//!
//! Answers of authenticated routes carry `Cache-Control: no-store`.
//!
//! ## Why
//!
//! A shared cache would hand the answer of one caller to the next.
//!
//! ## How to fix
//!
//! Set `Cache-Control: no-store` for everything behind authentication.

use crate::check::checks::support::each_answer;
use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-HDR-007",
    group: Group::Headers,
    title: "answers with personal content are not cached",
    why: "A shared cache would hand the answer of one caller to the next.",
    severity: Severity::Medium,
    gate: Gate::P1,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    live.control()?;
    let mut probes = vec![Probe::Models, Probe::Detail];
    if live.unasked.is_none() {
        probes.push(Probe::Chat);
    }
    each_answer(
        live,
        &probes,
        "`Cache-Control: no-store`",
        "set `cache-control: no-store` behind authentication",
        |e| {
            let value = e.header("cache-control").unwrap_or("nothing");
            (!value.contains("no-store")).then(|| format!("{} with `{value}`", e.status))
        },
    )
}

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
        Fixture::prod().answer(Probe::Models, |e| e.headers.clear()).facts()
    }
}
