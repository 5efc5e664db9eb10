//! # ULT-HDR-004: foreign origins are not allowed
//!
//! ## What it checks
//!
//! A preflight and a request from origins that nobody allowed, and from `null`, are answered
//! without `Access-Control-Allow-Origin`.
//!
//! ## Why
//!
//! A page of anybody could then call the API in the name of whoever visits it.
//!
//! ## How to fix
//!
//! List each allowed origin in full in `ULTRA_CORS_ORIGINS`; never echo the `Origin` header.

use crate::check::checks::support::each_answer;
use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-HDR-004",
    group: Group::Headers,
    title: "foreign origins are not allowed",
    why: "A page of anybody could then call the API in the name of whoever visits it.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    let probes = [Probe::CorsForeign, Probe::CorsForeignActual, Probe::CorsNull];
    let fix = "list each allowed origin in `ULTRA_CORS_ORIGINS`, in full";
    each_answer(live, &probes, "no `Access-Control-Allow-Origin`", fix, |e| {
        e.header("access-control-allow-origin").map(|origin| format!("allows `{origin}`"))
    })
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
        Fixture::prod()
            .answer(Probe::CorsForeign, |e| {
                e.headers.push((
                    "access-control-allow-origin".to_owned(),
                    "https://evil.example".to_owned(),
                ));
            })
            .facts()
    }
}
