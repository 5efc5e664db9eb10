//! # ULT-AUTH-003: expiry, start, issuer and audience of tokens are enforced
//!
//! ## What it checks
//!
//! Correctly signed tokens that have expired, are not valid yet, or are for another audience or
//! of another issuer are minted by the server itself and must each be answered 401; a valid one
//! is answered 200 first.
//!
//! ## Why
//!
//! A token that never ends, or that was made for somebody else, is a stolen key that cannot be
//! taken back.
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
    id: "ULT-AUTH-003",
    group: Group::Auth,
    title: "expiry, start, issuer and audience of tokens are enforced",
    why: "A token that never ends, or that was made for somebody else, is a stolen key that cannot be taken back.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    tokens_refused(
        facts,
        &[Probe::TokenExpired, Probe::TokenFuture, Probe::TokenAudience, Probe::TokenIssuer],
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
        Fixture::prod().answer(Probe::TokenExpired, |e| e.status = 200).facts()
    }
}
