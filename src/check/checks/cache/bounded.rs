//! # ULT-CACHE-002: the memory cache is bounded within reason
//!
//! ## What it checks
//!
//! `ULTRA_CACHE_MAX_BYTES` is at least 1 MiB, so that it is of use, and at most 8 GiB.
//!
//! ## Why
//!
//! A cache without a bound grows until the machine has none left.
//!
//! ## How to fix
//!
//! Set `ULTRA_CACHE_MAX_BYTES`; 64 MiB is the default.

use crate::check::checks::support::prelude::*;
use crate::settings::groups::CacheKind;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CACHE-002",
    group: Group::Cache,
    title: "the memory cache is bounded within reason",
    why: "A cache without a bound grows until the machine has none left.",
    severity: Severity::Medium,
    gate: Gate::P1,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let settings = facts.config.get()?.settings()?;
    if settings.cache.kind != CacheKind::Memory {
        return Ok(Judgement::skip("the cache is not in memory"));
    }
    let bytes = settings.cache.max_bytes.0;
    if (1 << 20..=8 << 30).contains(&bytes) {
        return Ok(Judgement::pass(format!("{} MiB", bytes >> 20)));
    }
    Ok(Judgement::fail(format!("{bytes} bytes"), "1 MiB to 8 GiB")
        .fix("ultra env explain ULTRA_CACHE_MAX_BYTES"))
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
        Fixture::prod().var("ULTRA_CACHE_MAX_BYTES", "1KiB").facts()
    }
}
