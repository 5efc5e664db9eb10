//! # ULT-SEC-006: signing and sealing keys are strong and not shared
//!
//! ## What it checks
//!
//! Keys that sign or seal have at least 256 bits, are no word that can be guessed, and no two
//! secrets have the same value.
//!
//! ## Why
//!
//! Whoever guesses the signing key can be anybody; two uses of one key fall together.
//!
//! ## How to fix
//!
//! `ultra keys rotate jwt` and `ultra keys rotate encryption` make new ones; internal keys are
//! generated, never typed.

use crate::check::checks::support::by_problems;
use crate::check::checks::support::prelude::*;
use crate::report::Problem;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SEC-006",
    group: Group::Secrets,
    title: "signing and sealing keys are strong and not shared",
    why: "Whoever guesses the signing key can be anybody; two uses of one key fall together.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    Ok(by_problems(config, weak, "no weak or shared key is known", "32 random bytes, used once"))
}

/// Whether a problem is about the strength of a secret.
fn weak(problem: &Problem) -> bool {
    problem.code.contains("weak") || problem.code.contains("shared")
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
            .problem(Problem::error("weak-secret", "`ULTRA_JWT_KEY` is too short"))
            .facts()
    }
}
