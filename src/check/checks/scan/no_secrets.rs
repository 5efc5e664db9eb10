//! # ULT-SCAN-001: no secret stands in the project
//!
//! ## What it checks
//!
//! Every file that git would see, and every `.env*` file besides those that only hold references,
//! is searched for keys with the shapes that vendors give them, private keys, URLs with
//! passwords, and values beside names such as `password`. Private dotenv files that git passes
//! over are judged by ULT-SEC-002 and ULT-SEC-007 instead.
//!
//! ## Why
//!
//! Whoever can read the repository can use the key.
//!
//! ## How to fix
//!
//! Move the value into the vault and rotate it. `ultra check scan` lists every finding.

use crate::check::checks::support::by_findings;
use crate::check::checks::support::prelude::*;
use crate::scan::Rule;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SCAN-001",
    group: Group::Scan,
    title: "no secret stands in the project",
    why: "Whoever can read the repository can use the key.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    by_findings(
        facts,
        &[Rule::ProviderKey, Rule::PrivateKey, Rule::NamedSecret, Rule::UrlPassword],
        "no secret in any file",
        "move the value into the vault (`ultra keys set NAME`) and rotate it: whoever read the file has it",
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
        Fixture::prod().found(Rule::ProviderKey).facts()
    }
}
