//! # ULT-HDR-002: answers carry the hardening headers
//!
//! ## What it checks
//!
//! Answers 200, 401 and 404 carry `X-Content-Type-Options: nosniff`, `Referrer-Policy` and
//! `X-Frame-Options` or `frame-ancestors`.
//!
//! ## Why
//!
//! Browsers then guess content types, leak addresses to other sites and let pages be framed.
//!
//! ## How to fix
//!
//! Set the headers in the outermost layer of the server, so that errors carry them too.

use crate::check::checks::support::each_answer;
use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-HDR-002",
    group: Group::Headers,
    title: "answers carry the hardening headers",
    why: "Browsers then guess content types, leak addresses to other sites and let pages be framed.",
    severity: Severity::Medium,
    gate: Gate::P1,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    let probes = [Probe::Live, Probe::ModelsAnonymous, Probe::NotFound];
    each_answer(
        live,
        &probes,
        "all hardening headers",
        "set the headers in the outermost layer",
        |e| {
            let framed = e.header("x-frame-options").is_none()
                && !e
                    .header("content-security-policy")
                    .is_some_and(|v| v.contains("frame-ancestors"));
            let missing: Vec<&str> = [
                ("X-Content-Type-Options", e.header("x-content-type-options") != Some("nosniff")),
                ("Referrer-Policy", e.header("referrer-policy").is_none()),
                ("X-Frame-Options", framed),
            ]
            .into_iter()
            .filter_map(|(name, missing)| missing.then_some(name))
            .collect();
            (!missing.is_empty())
                .then(|| format!("{} without `{}`", e.status, missing.join("`, `")))
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
        Fixture::prod().answer(Probe::NotFound, |e| e.headers.clear()).facts()
    }
}
