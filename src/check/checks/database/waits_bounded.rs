//! # ULT-DB-005: waiting for the store is bounded
//!
//! ## What it checks
//!
//! `ULTRA_DB_TIMEOUT` lies between 100 ms and 10 s.
//!
//! ## Why
//!
//! A store that hangs must not hold every request with it.
//!
//! ## How to fix
//!
//! Set `ULTRA_DB_TIMEOUT` to a few seconds; 2 s is the default.

use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-DB-005",
    group: Group::Database,
    title: "waiting for the store is bounded",
    why: "A store that hangs must not hold every request with it.",
    severity: Severity::Medium,
    gate: Gate::P1,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let timeout = facts.config.get()?.settings()?.database.timeout;
    if (100..=10_000).contains(&timeout.as_millis()) {
        return Ok(Judgement::pass(format!("{timeout:?}")));
    }
    Ok(Judgement::fail(format!("{timeout:?}"), "100 ms to 10 s")
        .fix("ultra env explain ULTRA_DB_TIMEOUT"))
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().var("ULTRA_DB_TIMEOUT", "90s").facts()
    }
}
