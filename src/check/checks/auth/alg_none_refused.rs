//! # ULT-AUTH-002: tokens that choose their own algorithm are refused
//!
//! ## What it checks
//!
//! A token with `alg` `none` and no signature, otherwise equal to a valid one, is answered 401;
//! the valid one is answered 200 first.
//!
//! ## Why
//!
//! Whoever may leave out the signature can be anybody.
//!
//! ## How to fix
//!
//! Tokens are signed and verified in one place; verification must fix algorithm, audience, issuer
//! and times, whatever the token says.

use crate::check::checks::support::prelude::*;
use crate::check::checks::support::tokens_refused;
use crate::check::live::Probe;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-AUTH-002",
    group: Group::Auth,
    title: "tokens that choose their own algorithm are refused",
    why: "Whoever may leave out the signature can be anybody.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    tokens_refused(facts, &[Probe::TokenAlgNone])
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
        Fixture::prod().answer(Probe::TokenAlgNone, |e| e.status = 200).facts()
    }
}
