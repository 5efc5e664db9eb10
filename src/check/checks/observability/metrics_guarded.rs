//! # ULT-OBS-002: metrics can be scraped, but not by everybody
//!
//! ## What it checks
//!
//! `GET /metrics` without credentials is answered 401, 403 or 404. With a key that has the scope
//! it is text that Prometheus can read.
//!
//! ## Why
//!
//! Metrics tell who uses what how much; without them nobody notices an outage.
//!
//! ## How to fix
//!
//! Give the scraper a service key with the scope `metrics`, or an address of its own
//! (`ULTRA_METRICS_ADDR`).

use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-OBS-002",
    group: Group::Observability,
    title: "metrics can be scraped, but not by everybody",
    why: "Metrics tell who uses what how much; without them nobody notices an outage.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    let anonymous = live.answer(Probe::MetricsAnonymous)?;
    if !matches!(anonymous.status, 401 | 403 | 404) {
        return Ok(Judgement::fail(format!("{} without credentials", anonymous.summary()), "401")
            .evidence(anonymous.summary(), Some(anonymous.request.clone()))
            .fix("take `/metrics` off the public list of the router"));
    }
    live.control()?;
    let scraped = live.answer(Probe::Metrics)?;
    if matches!(scraped.status, 403 | 404) {
        return Ok(Judgement::pass("guarded; our key may not read them"));
    }
    if !scraped.ok() || !scraped.body.lines().any(|l| l.starts_with("# TYPE ")) {
        return Ok(Judgement::fail(
            format!("{} with a key", scraped.summary()),
            "text for Prometheus",
        )
        .evidence(scraped.summary(), Some(scraped.request.clone()))
        .fix(scraped.request.clone()));
    }
    Ok(Judgement::pass("guarded, and readable with a key"))
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
        Fixture::prod().answer(Probe::MetricsAnonymous, |e| e.status = 200).facts()
    }
}
