//! # ULT-DB-002: the schema of the store is the one of this program
//!
//! ## What it checks
//!
//! No migration of this program is pending in the store of the profile, none was changed since,
//! and the store is not newer than the program. Nothing is migrated by this check.
//!
//! ## Why
//!
//! A server on a schema that it does not know fails request by request, or loses data.
//!
//! ## How to fix
//!
//! `ultra db migrate --profile PROFILE`; for a newer schema, run the newer program.

use crate::check::checks::support::prelude::*;
use crate::check::facts::DatabaseState;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-DB-002",
    group: Group::Database,
    title: "the schema of the store is the one of this program",
    why: "A server on a schema that it does not know fails request by request, or loses data.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &["ULT-DB-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let database = facts.database.get()?;
    let DatabaseState::Open { pending, mismatch, .. } = &database.state else {
        return Ok(Judgement::skip("there is no store yet"));
    };
    let fix = format!("ultra db migrate --profile {}", facts.profile);
    if let Some(why) = mismatch {
        return Ok(Judgement::fail(why.clone(), "the schema of this program").fix(fix));
    }
    let Some(first) = pending.first() else {
        return Ok(Judgement::pass("no migration is pending"));
    };
    let observed = format!("{} pending, `{first}` first", pending.len());
    // An embedded store of an unprotected profile migrates itself at the next start.
    if !database.postgres && !facts.config.get()?.protected()? {
        return Ok(Judgement::warn(observed, "none pending").fix(fix));
    }
    Ok(Judgement::fail(observed, "none pending").fix(fix))
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::facts::DatabaseState;
    use crate::check::fixture::Fixture;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod()
            .database(|d| {
                d.state = DatabaseState::Open {
                    pending: vec!["0002_x".to_owned()],
                    mismatch: None,
                    service_keys: Ok(vec![]),
                }
            })
            .facts()
    }
}
