//! # ULT-SCAN-005: no unfinished code is shipped
//!
//! ## What it checks
//!
//! No macro or exception for unfinished code, and no note about work that was put off, outside
//! tests.
//!
//! ## Why
//!
//! Unfinished branches panic in front of users.
//!
//! ## How to fix
//!
//! Finish the work, or track it where it is seen.

use crate::check::checks::support::by_findings;
use crate::check::checks::support::prelude::*;
use crate::scan::Rule;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SCAN-005",
    group: Group::Scan,
    title: "no unfinished code is shipped",
    why: "Unfinished branches panic in front of users.",
    severity: Severity::Medium,
    gate: Gate::P1,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    by_findings(
        facts,
        &[Rule::Unfinished],
        "finished code",
        "finish the work, or track it elsewhere",
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
        Fixture::prod().found(Rule::Unfinished).facts()
    }
}
