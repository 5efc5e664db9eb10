//! # ULT-CFG-003: everything that is required has a value
//!
//! ## What it checks
//!
//! Every variable that this profile requires has a value in some layer. An empty secret counts as
//! unset.
//!
//! ## Why
//!
//! Without a key that signs or seals, the server cannot keep identities apart; without a provider
//! key it can answer nobody.
//!
//! ## How to fix
//!
//! Set each variable that is named: `ultra keys set NAME --profile PROFILE` for secrets, the
//! profile or a dotenv file for the rest, or `NAME_FILE` where a platform mounts secrets.

use crate::check::checks::support::prelude::*;
use crate::check::checks::support::{by_problems, says_missing, says_secret_missing};
use crate::report::Problem;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CFG-003",
    group: Group::Config,
    title: "everything that is required has a value",
    why: "Without a key that signs or seals, the server cannot keep identities apart; without a provider key it can answer nobody.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    let counts = |p: &Problem| says_missing(p) && !(config.declared_only && says_secret_missing(p));
    let judgement =
        by_problems(config, counts, "nothing is missing", "a value for each required variable");
    Ok(judgement)
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;
    use crate::report::Problem;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod()
            .problem(Problem::error("missing-secret", "`ULTRA_JWT_KEY` is not set"))
            .facts()
    }
}
