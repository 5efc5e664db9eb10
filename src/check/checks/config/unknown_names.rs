//! # ULT-CFG-002: every name is known
//!
//! ## What it checks
//!
//! No unknown `ULTRA_*` variable, no unknown key of a profile, no near miss of a known name in
//! any layer.
//!
//! ## Why
//!
//! A misspelt variable is silently ignored, and the default takes effect instead.
//!
//! ## How to fix
//!
//! Take the suggested name. `ultra env explain NAME` tells what a variable does; names of your
//! own application are free as long as they do not look like ours.

use crate::check::checks::support::by_problems;
use crate::check::checks::support::prelude::*;
use crate::report::Problem;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CFG-002",
    group: Group::Config,
    title: "every name is known",
    why: "A misspelt variable is silently ignored, and the default takes effect instead.",
    severity: Severity::Medium,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    Ok(by_problems(config, unknown, "all names are known", "names of the catalogue only"))
}

/// Whether a problem is about a name that is not known.
fn unknown(problem: &Problem) -> bool {
    ["unknown-", "near-miss", "renamed"].iter().any(|start| problem.code.starts_with(start))
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
            .problem(Problem::error("unknown-variable", "unknown variable `ULTRA_PROT`"))
            .facts()
    }
}
