//! # ULT-SCAN-007: no switch leads around authentication
//!
//! ## What it checks
//!
//! No variable, flag or condition in code outside tests that skips, bypasses or disables
//! authentication.
//!
//! ## Why
//!
//! A switch for tests is a back door once it is deployed.
//!
//! ## How to fix
//!
//! Remove the branch; tests use ordinary short-lived tokens.

use crate::check::checks::support::by_findings;
use crate::check::checks::support::prelude::*;
use crate::scan::Rule;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SCAN-007",
    group: Group::Scan,
    title: "no switch leads around authentication",
    why: "A switch for tests is a back door once it is deployed.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    by_findings(
        facts,
        &[Rule::AuthBypass],
        "no way around authentication",
        "remove the branch; tests use short-lived tokens",
    )
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;
    use crate::scan::Rule;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().found(Rule::AuthBypass).facts()
    }
}
