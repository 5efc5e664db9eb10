//! # ULT-HDR-003: answers have a strict content security policy
//!
//! ## What it checks
//!
//! The `Content-Security-Policy` of API answers has `default-src` and neither `unsafe-inline` nor
//! `unsafe-eval`.
//!
//! ## Why
//!
//! Should an answer ever be rendered as a page, scripts in it would run in the name of our
//! origin.
//!
//! ## How to fix
//!
//! Send `default-src 'none'; frame-ancestors 'none'` with every API answer.

use crate::check::checks::support::each_answer;
use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-HDR-003",
    group: Group::Headers,
    title: "answers have a strict content security policy",
    why: "Should an answer ever be rendered as a page, scripts in it would run in the name of our origin.",
    severity: Severity::Medium,
    gate: Gate::P1,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    let probes = [Probe::Live, Probe::ModelsAnonymous, Probe::NotFound];
    let fix = "send `content-security-policy: default-src 'none'; frame-ancestors 'none'`";
    each_answer(live, &probes, "a strict policy", fix, |e| {
        let Some(policy) = e.header("content-security-policy") else {
            return Some(format!("{} without a policy", e.status));
        };
        let loose = ["unsafe-inline", "unsafe-eval"].iter().find(|word| policy.contains(**word));
        match loose {
            Some(word) => Some(format!("{} with `{word}`", e.status)),
            None if !policy.contains("default-src") => {
                Some(format!("{} without `default-src`", e.status))
            }
            None => None,
        }
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
        Fixture::prod().answer(Probe::Live, |e| e.headers.clear()).facts()
    }
}
