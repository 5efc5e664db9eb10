//! # ULT-AUTH-013: a key in the query string opens nothing
//!
//! ## What it checks
//!
//! `GET /v1/models` with the key as a query parameter and no header is answered 401.
//!
//! ## Why
//!
//! URLs are logged by every proxy on the way; a key in one is a key in their logs.
//!
//! ## How to fix
//!
//! Read credentials from the `Authorization` and `x-api-key` headers only.

use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-AUTH-013",
    group: Group::Auth,
    title: "a key in the query string opens nothing",
    why: "URLs are logged by every proxy on the way; a key in one is a key in their logs.",
    severity: Severity::High,
    gate: Gate::P1,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    live.control()?;
    let exchange = live.answer(Probe::ModelsQuery)?;
    if exchange.status == 401 {
        return Ok(Judgement::pass("401"));
    }
    Ok(Judgement::fail(exchange.summary(), "401")
        .evidence(exchange.summary(), Some(exchange.request.clone()))
        .fix("read credentials from headers only"))
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
        Fixture::prod().answer(Probe::ModelsQuery, |e| e.status = 200).facts()
    }
}
