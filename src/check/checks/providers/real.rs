//! # ULT-PROV-001: a real provider with a key is configured
//!
//! ## What it checks
//!
//! In mode `real` at least one provider is configured that has a key.
//!
//! ## Why
//!
//! Without one every request is refused: there is no fallback to the mock.
//!
//! ## How to fix
//!
//! `ultra keys set openai --profile PROFILE`, or any other provider; `ultra keys list` shows what
//! there is.

use crate::check::checks::support::prelude::*;
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::profile::Mode;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-PROV-001",
    group: Group::Providers,
    title: "a real provider with a key is configured",
    why: "Without one every request is refused: there is no fallback to the mock.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    let settings = config.settings()?;
    if settings.server.mode == Mode::Mock {
        if config.protected()? {
            return Ok(Judgement::fail("answers come from the mock", "a real provider")
                .fix("set `ULTRA_MODE=real`"));
        }
        return Ok(Judgement::skip("answers come from the mock"));
    }
    let resolution = config.resolution()?;
    let known = settings
        .profile
        .providers
        .iter()
        .flat_map(|(name, p)| p.keys.iter().map(move |k| (name.as_str(), k.as_str())));
    let variables = KNOWN_PROVIDERS.iter().map(|p| (p.name, p.key));
    let keyless = settings.profile.providers.iter().filter(|(_, p)| p.keys.is_empty());
    let mut with_key: Vec<&str> = known
        .chain(variables)
        .filter(|(_, key)| resolution.winner(key).is_some())
        .map(|(name, _)| name)
        .chain(keyless.map(|(name, _)| name.as_str()))
        .collect();
    with_key.sort_unstable();
    with_key.dedup();
    if !with_key.is_empty() {
        return Ok(Judgement::pass(format!("`{}`", with_key.join("`, `"))));
    }
    if config.declared_only && !settings.profile.providers.is_empty() {
        return Ok(Judgement::pass("declared; keys are left out"));
    }
    Ok(Judgement::fail("no provider has a key", "at least one")
        .fix(format!("ultra keys set openai --profile {}", facts.profile)))
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
        Fixture::open().var("ULTRA_MODE", "real").facts()
    }
}
