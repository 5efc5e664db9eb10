//! # ULT-CFG-001: the profile loads and validates
//!
//! ## What it checks
//!
//! Files, layers, types and rules of the profile are read exactly as `ultra serve` reads them,
//! and every error is reported at once with its place.
//!
//! ## Why
//!
//! A server with an invalid configuration refuses to start, or starts as something else than was
//! meant.
//!
//! ## How to fix
//!
//! Each error names its place and a way out. `ultra env validate` shows the same list, `ultra env
//! explain NAME` where a value comes from.
//!
//! With `--secrets declared`, secrets that have no value yet are left out, so that CI can judge a
//! production profile without its secrets.

use crate::check::checks::support::prelude::*;
use crate::check::checks::support::{by_problems, says_secret_missing};
use crate::report::Problem;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CFG-001",
    group: Group::Config,
    title: "the profile loads and validates",
    why: "A server with an invalid configuration refuses to start, or starts as something else than was meant.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    let counts = |p: &Problem| p.is_error() && !(config.declared_only && says_secret_missing(p));
    let name = &facts.profile;
    Ok(by_problems(config, counts, &format!("`{name}` has no error"), "no error"))
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
            .problem(Problem::error("malformed-value", "`ULTRA_PORT` has the value `x`"))
            .facts()
    }
}
