//! # ULT-OBS-005: every answer has a request id
//!
//! ## What it checks
//!
//! Answers carry `x-request-id`, also when they are refusals, and take over the id that a client
//! sends.
//!
//! ## Why
//!
//! Without one nobody finds the log line that belongs to the complaint of a user.
//!
//! ## How to fix
//!
//! Set the header in the outermost layer of the server and log the same id.

use crate::check::checks::support::each_answer;
use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;
use crate::report::Outcome;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-OBS-005",
    group: Group::Observability,
    title: "every answer has a request id",
    why: "Without one nobody finds the log line that belongs to the complaint of a user.",
    severity: Severity::Medium,
    gate: Gate::P1,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    let probes = [Probe::Live, Probe::ModelsAnonymous, Probe::NotFound];
    let judged = each_answer(
        live,
        &probes,
        "`x-request-id`",
        "set `x-request-id` in the outermost layer",
        |e| {
            e.header("x-request-id")
                .is_none()
                .then(|| format!("{} without `x-request-id`", e.status))
        },
    )?;
    if judged.outcome != Outcome::Pass {
        return Ok(judged);
    }
    let echoed =
        live.answer(Probe::Live)?.header("x-request-id") == Some(crate::check::live::REQUEST_ID);
    if echoed {
        Ok(judged)
    } else {
        Ok(Judgement::warn("the id of the client is not taken over", "the same id"))
    }
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
