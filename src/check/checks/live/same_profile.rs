//! # ULT-LIVE-002: the server runs the profile and mode that are judged
//!
//! ## What it checks
//!
//! The detailed health document names the profile that was asked about, and the mode that the
//! profile resolves to here.
//!
//! ## Why
//!
//! Judging one profile while another one serves says nothing about what users get.
//!
//! ## How to fix
//!
//! Point `--url` at the right server, name its profile with `--profile`, or restart the server
//! with it.

use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-LIVE-002",
    group: Group::Live,
    title: "the server runs the profile and mode that are judged",
    why: "Judging one profile while another one serves says nothing about what users get.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-LIVE-001"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let live = facts.live.get()?;
    let detail = live.detail()?;
    let Some(profile) = detail.get("profile").and_then(|p| p.as_str()) else {
        return Ok(Judgement::unknown("the health document names no profile"));
    };
    if profile != facts.profile {
        let expected = format!("profile `{}`", facts.profile);
        return Ok(Judgement::fail(format!("profile `{profile}`"), expected)
            .fix(format!("ultra check readiness --profile {profile}")));
    }
    let mode = detail.get("mode").and_then(|m| m.as_str()).unwrap_or("unknown");
    let expected = facts.config.get()?.settings()?.server.mode.word();
    // A server that was started only to be looked at asks no provider, whatever the profile says.
    if mode != expected && !live.spawned {
        return Ok(Judgement::fail(format!("mode `{mode}`"), format!("mode `{expected}`"))
            .fix(format!("restart the server in mode `{expected}`, or judge it as what it is: ULTRA_MODE={mode}")));
    }
    Ok(Judgement::pass(format!("profile `{profile}`, mode `{mode}`")))
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;
    use crate::check::live::Probe;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod()
            .answer(Probe::Detail, |e| e.body = r#"{"profile":"dev"}"#.to_owned())
            .facts()
    }
}
