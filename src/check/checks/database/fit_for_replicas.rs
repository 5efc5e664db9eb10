//! # ULT-DB-004: the store is the kind that the policy asks for
//!
//! ## What it checks
//!
//! Where the policy of the profile requires PostgreSQL the store is PostgreSQL, and its pool is
//! no larger than a default server (100 connections) can serve to two replicas.
//!
//! ## Why
//!
//! An embedded store is one file on one machine: the second replica would not see it.
//!
//! ## How to fix
//!
//! Point `DATABASE_URL` at PostgreSQL, and keep `ULTRA_DB_POOL_SIZE` times the number of replicas
//! below its `max_connections`.

use crate::base::words;
use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-DB-004",
    group: Group::Database,
    title: "the store is the kind that the policy asks for",
    why: "An embedded store is one file on one machine: the second replica would not see it.",
    severity: Severity::High,
    gate: Gate::P1,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    let settings = config.settings()?;
    let database = facts.database.get()?;
    if !database.postgres {
        if settings.profile.policy.require_postgres {
            return Ok(Judgement::fail("the embedded store", "PostgreSQL")
                .fix(format!("ultra keys set database --profile {}", facts.profile)));
        }
        return Ok(Judgement::skip("the embedded store has no pool"));
    }
    // What is left of the 100 connections that PostgreSQL allows unless told otherwise, after its
    // reserve, for two replicas that overlap during a roll-out.
    const MOST: u64 = 45;
    let pool = settings.database.pool_size.0;
    let each = words::count(pool, "connection");
    if pool > MOST {
        return Ok(Judgement::warn(format!("{each} each"), format!("at most {MOST}"))
            .fix("set `ULTRA_DB_POOL_SIZE` to what `max_connections` bears"));
    }
    Ok(Judgement::pass(format!("PostgreSQL, {each} each")))
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
        Fixture::prod()
            .policy(|p| p.policy.require_postgres = true)
            .database(|d| d.postgres = false)
            .facts()
    }
}
