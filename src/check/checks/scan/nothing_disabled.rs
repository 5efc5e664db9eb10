//! # ULT-SCAN-003: no test is switched off, no code never runs
//!
//! ## What it checks
//!
//! No `ignore` or `skip` mark on a test and no branch that can never be taken, in Rust, Python,
//! JavaScript, TypeScript, Go, Java and C.
//!
//! ## Why
//!
//! What a switched-off test would have found reaches users.
//!
//! ## How to fix
//!
//! Repair the test or delete it, and delete code that never runs.

use crate::check::checks::support::by_findings;
use crate::check::checks::support::prelude::*;
use crate::scan::Rule;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SCAN-003",
    group: Group::Scan,
    title: "no test is switched off, no code never runs",
    why: "What a switched-off test would have found reaches users.",
    severity: Severity::Medium,
    gate: Gate::P1,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    by_findings(
        facts,
        &[Rule::Disabled],
        "all tests on, all code in use",
        "repair the test or delete it",
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
        Fixture::prod().found(Rule::Disabled).facts()
    }
}
