//! # ULT-CFG-004: no value is a placeholder
//!
//! ## What it checks
//!
//! No value is one of the stand-ins that templates ship: `change-me`, `your-…`, `replace_with_…`,
//! `xxx`, `<…>`.
//!
//! ## Why
//!
//! A placeholder that reaches production is a password that everybody knows.
//!
//! ## How to fix
//!
//! Replace the value at the place that is named; `ultra keys set NAME` for a secret.

use crate::check::checks::support::by_problems;
use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CFG-004",
    group: Group::Config,
    title: "no value is a placeholder",
    why: "A placeholder that reaches production is a password that everybody knows.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    Ok(by_problems(
        config,
        |p| p.code.contains("placeholder"),
        "no value is a placeholder",
        "values of your own",
    ))
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
            .problem(Problem::error("placeholder", "`ULTRA_JWT_KEY` is a placeholder"))
            .facts()
    }
}
