//! # ULT-AUTH-005: users cannot do what admins can
//!
//! ## What it checks
//!
//! A valid token without any right is answered 403 at an admin route, after a token with rights has
//! been seen to open `GET /v1/models`.
//!
//! ## Why
//!
//! Without roles every account can reload keys and read the usage of others.
//!
//! ## How to fix
//!
//! Name the permission in the handler of the route; the router asks for it before the handler
//! runs.

use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-AUTH-005",
    group: Group::Auth,
    title: "users cannot do what admins can",
    why: "Without roles every account can reload keys and read the usage of others.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let exchange = facts.live.get()?.token(Probe::TokenUserOnAdmin)?;
    if exchange.status == 403 {
        return Ok(Judgement::pass("403"));
    }
    Ok(Judgement::fail(exchange.summary(), "403")
        .evidence(exchange.summary(), Some(exchange.request.clone()))
        .fix("name the permission in the handler of the admin route"))
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
        Fixture::prod().answer(Probe::TokenUserOnAdmin, |e| e.status = 200).facts()
    }
}
