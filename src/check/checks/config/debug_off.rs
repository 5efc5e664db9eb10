//! # ULT-CFG-006: mock, debug and trace are off in protected profiles
//!
//! ## What it checks
//!
//! In a protected profile `ULTRA_MODE` is `real`, `ULTRA_DEBUG` is off, and `RUST_LOG` does not
//! turn on `debug` or `trace`.
//!
//! ## Why
//!
//! A production server that answers with mocks or logs every request body is an incident.
//!
//! ## How to fix
//!
//! Set `ULTRA_MODE=real`, `ULTRA_DEBUG=false` and `RUST_LOG=info` in the profile. `ultra env
//! explain NAME` tells which layer says otherwise.

use crate::check::checks::support::prelude::*;
use crate::settings::profile::Mode;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CFG-006",
    group: Group::Config,
    title: "mock, debug and trace are off in protected profiles",
    why: "A production server that answers with mocks or logs every request body is an incident.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    config.only_protected()?;
    let settings = config.settings()?;
    let filter = settings.telemetry.filter.to_lowercase();
    let wrong: Vec<(&str, String)> = [
        ("ULTRA_MODE", (settings.server.mode == Mode::Mock).then(|| "mock".to_owned())),
        ("ULTRA_DEBUG", settings.server.debug.then(|| "true".to_owned())),
        ("RUST_LOG", (filter.contains("debug") || filter.contains("trace")).then_some(filter)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    let Some((name, value)) = wrong.first() else {
        return Ok(Judgement::pass("real answers, no debugging"));
    };
    let observed = format!("`{name}` is `{value}`");
    let judgement = Judgement::fail(observed, "mode `real`, no debugging");
    Ok(wrong
        .iter()
        .fold(judgement, |j, (name, value)| {
            let origin = config.resolution.as_ref().and_then(|r| Some(r.text(name)?.1.to_string()));
            j.evidence(format!("`{name}={value}`"), origin)
        })
        .fix(format!("ultra env explain {name}")))
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
        Fixture::prod().var("ULTRA_MODE", "mock").facts()
    }
}
