//! # ULT-SCAN-006: certificates are checked everywhere
//!
//! ## What it checks
//!
//! No client is told to accept any certificate or any host name.
//!
//! ## Why
//!
//! A connection whose certificate nobody checks can be read by whoever stands in between.
//!
//! ## How to fix
//!
//! Trust the authority that signed the certificate: add it to the trust store instead of trusting
//! everybody.

use crate::check::checks::support::by_findings;
use crate::check::checks::support::prelude::*;
use crate::scan::Rule;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SCAN-006",
    group: Group::Scan,
    title: "certificates are checked everywhere",
    why: "A connection whose certificate nobody checks can be read by whoever stands in between.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    by_findings(
        facts,
        &[Rule::TlsOff],
        "certificates are checked",
        "trust the right authority instead of nobody",
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
        Fixture::prod().found(Rule::TlsOff).facts()
    }
}
