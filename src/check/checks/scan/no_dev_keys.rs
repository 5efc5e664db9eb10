//! # ULT-SCAN-004: no well-known key or account is used
//!
//! ## What it checks
//!
//! No example key, test key or default account stands in code outside tests.
//!
//! ## Why
//!
//! Everybody knows the password of the example.
//!
//! ## How to fix
//!
//! Read the value from a variable; the catalogue and the vault keep it.

use crate::check::checks::support::by_findings;
use crate::check::checks::support::prelude::*;
use crate::scan::Rule;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SCAN-004",
    group: Group::Scan,
    title: "no well-known key or account is used",
    why: "Everybody knows the password of the example.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    by_findings(
        facts,
        &[Rule::DevKey],
        "keys and accounts of your own",
        "replace the value by a variable",
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
        Fixture::prod().found(Rule::DevKey).facts()
    }
}
