//! # ULT-DB-001: the store can be reached
//!
//! ## What it checks
//!
//! The store of the profile is opened with the credentials of the profile. PostgreSQL on another
//! machine must be reached with a verified certificate (`sslmode=verify-full`). An embedded store
//! that does not exist yet is made at the first start.
//!
//! ## Why
//!
//! Without its store the server keeps no identity, no usage and no limits.
//!
//! ## How to fix
//!
//! Mend `DATABASE_URL`; `ultra db status` says what the store answers.

use crate::check::checks::support::prelude::*;
use crate::check::facts::DatabaseState;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-DB-001",
    group: Group::Database,
    title: "the store can be reached",
    why: "Without its store the server keeps no identity, no usage and no limits.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &["ULT-CFG-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let database = facts.database.get()?;
    match &database.state {
        DatabaseState::Unreachable(why) => Ok(Judgement::fail(why.clone(), "a store that answers")
            .fix(format!("ultra db status --profile {}", facts.profile))),
        DatabaseState::Absent => {
            Ok(Judgement::skip("the embedded store is made at the first start"))
        }
        DatabaseState::Open { .. }
            if database.postgres && !database.local && !database.verified_tls =>
        {
            Ok(Judgement::fail(
                "the certificate of the server is not verified",
                "`sslmode=verify-full`",
            )
            .fix("add `sslmode=verify-full` to `DATABASE_URL`"))
        }
        DatabaseState::Open { .. } => Ok(Judgement::pass("it answers")),
    }
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
        Fixture::prod().database(|d| d.verified_tls = false).facts()
    }
}
