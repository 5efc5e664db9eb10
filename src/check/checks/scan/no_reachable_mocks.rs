//! # ULT-SCAN-002: no mock is reachable outside tests
//!
//! ## What it checks
//!
//! No mock library is imported by code outside tests, and no manifest turns a mock on by default.
//!
//! ## Why
//!
//! A mock that is compiled into production answers users sooner or later.
//!
//! ## How to fix
//!
//! Move the mock into the tests or behind a feature that is off by default.

use crate::check::checks::support::by_findings;
use crate::check::checks::support::prelude::*;
use crate::scan::Rule;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SCAN-002",
    group: Group::Scan,
    title: "no mock is reachable outside tests",
    why: "A mock that is compiled into production answers users sooner or later.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    by_findings(
        facts,
        &[Rule::MockReachable],
        "mocks in tests only",
        "move the mock into the tests",
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
        Fixture::prod().found(Rule::MockReachable).facts()
    }
}
