//! # ULT-OBS-001: being alive and being ready are told apart
//!
//! ## What it checks
//!
//! `GET /api/health/live` and `GET /api/health/ready` both answer, without credentials; the first
//! with 200, the second with 200 or 503 and a JSON document.
//!
//! ## Why
//!
//! A server that is restarted whenever its database is slow makes an outage of every hiccup.
//!
//! ## How to fix
//!
//! Liveness asks about the process alone, readiness about what it needs. Point the probes of your
//! platform at one each.

use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-OBS-001",
    group: Group::Observability,
    title: "being alive and being ready are told apart",
    why: "A server that is restarted whenever its database is slow makes an outage of every hiccup.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    let alive = live.answer(Probe::Live)?;
    let ready = live.answer(Probe::Ready)?;
    let fix = "ultra serve; see `/api/health/live` and `/api/health/ready`";
    if alive.status != 200 {
        return Ok(Judgement::fail(format!("live: {}", alive.summary()), "200").fix(fix));
    }
    if !matches!(ready.status, 200 | 503) || ready.json().is_none() {
        return Ok(Judgement::fail(format!("ready: {}", ready.summary()), "200 or 503 with JSON")
            .evidence(ready.summary(), Some(ready.request.clone()))
            .fix(fix));
    }
    Ok(Judgement::pass(format!("live {}, ready {}", alive.status, ready.status)))
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
        Fixture::prod().answer(Probe::Ready, |e| e.status = 404).facts()
    }
}
