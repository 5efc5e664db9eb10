//! # ULT-AUTH-001: nothing but the public paths answers without credentials
//!
//! ## What it checks
//!
//! Models, completions, messages, detailed health and an admin route are asked without
//! credentials and with a key that nobody was given. Each must answer 401 with `WWW-Authenticate`
//! (RFC 9110 §11.6.1), after the same request with a key has been seen to pass.
//!
//! ## Why
//!
//! A route without a guard is open to everybody who finds it.
//!
//! ## How to fix
//!
//! Routes are guarded unless they stand on the public list of the router; take the route off that
//! list.

use crate::check::checks::support::all_refused;
use crate::check::checks::support::prelude::*;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-AUTH-001",
    group: Group::Auth,
    title: "nothing but the public paths answers without credentials",
    why: "A route without a guard is open to everybody who finds it.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    live.control()?;
    let probes = [
        Probe::ModelsAnonymous,
        Probe::ModelsGarbage,
        Probe::ChatAnonymous,
        Probe::MessagesAnonymous,
        Probe::DetailAnonymous,
        Probe::AdminAnonymous,
    ];
    all_refused(live, &probes, "take the route off the public list of the router")
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
        Fixture::prod().answer(Probe::ChatAnonymous, |e| e.status = 200).facts()
    }
}
