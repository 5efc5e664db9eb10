//! # ULT-AUTH-004: the signature of tokens is verified
//!
//! ## What it checks
//!
//! A valid token whose payload was changed is answered 401; the unchanged one is answered 200
//! first.
//!
//! ## Why
//!
//! A token whose content can be changed lets every user become an administrator.
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
    id: "ULT-AUTH-004",
    group: Group::Auth,
    title: "the signature of tokens is verified",
    why: "A token whose content can be changed lets every user become an administrator.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    tokens_refused(facts, &[Probe::TokenTampered])
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
        Fixture::prod().answer(Probe::TokenTampered, |e| e.status = 200).facts()
    }
}
