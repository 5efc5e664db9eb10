//! # ULT-HDR-005: an allowed origin is answered exactly, and caches know
//!
//! ## What it checks
//!
//! The preflight of an allowed origin is answered with that very origin, never `*`, and with
//! `Vary: Origin`.
//!
//! ## Why
//!
//! An answer for one origin that a cache hands to another breaks the one or opens the door to the
//! other.
//!
//! ## How to fix
//!
//! Answer with the origin that matched, and add `Vary: Origin` to every answer.

use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-HDR-005",
    group: Group::Headers,
    title: "an allowed origin is answered exactly, and caches know",
    why: "An answer for one origin that a cache hands to another breaks the one or opens the door to the other.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    let Some(origin) = &live.allowed_origin else {
        return Ok(Judgement::skip("no origin is allowed"));
    };
    let answer = live.answer(Probe::CorsAllowed)?;
    let seen = answer.header("access-control-allow-origin").unwrap_or("nothing");
    let vary = answer.header("vary").unwrap_or_default().to_lowercase();
    let judgement = if seen != origin {
        Judgement::fail(format!("allows `{seen}`"), format!("allows `{origin}`"))
    } else if !vary.contains("origin") {
        Judgement::fail("no `Vary: Origin`", "`Vary: Origin`")
    } else {
        return Ok(Judgement::pass(format!("allows `{origin}`, with `Vary`")));
    };
    Ok(judgement
        .evidence(seen.to_owned(), Some(answer.request.clone()))
        .fix("answer with the origin that matched and with `Vary: Origin`"))
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
            .answer(Probe::CorsAllowed, |e| {
                e.headers
                    .iter_mut()
                    .filter(|(n, _)| n.ends_with("-origin"))
                    .for_each(|h| h.1 = "*".to_owned());
            })
            .facts()
    }
}
