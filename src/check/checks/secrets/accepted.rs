//! # ULT-SEC-004: providers accept our keys
//!
//! ## What it checks
//!
//! Each provider of a real profile is asked for its list of models with each key; that costs no
//! tokens. Refused is a failure, asked too often a warning, no answer is unknown. A key in the vault
//! that is bound to another address is sent nowhere and fails: servers refuse it there, too.
//!
//! ## Why
//!
//! A key that was revoked or never worked turns every request into an error.
//!
//! ## How to fix
//!
//! `ultra keys rotate NAME` with a key that the provider accepts; the new value is tested before
//! it is used. Where the provider moved: `ultra keys allow NAME --host ADDRESS`.

use crate::base::words;
use crate::check::checks::support::prelude::*;
use crate::check::facts::KeyState;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SEC-004",
    group: Group::Secrets,
    title: "providers accept our keys",
    why: "A key that was revoked or never worked turns every request into an error.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    facts.config.get()?.only_real()?;
    let providers = facts.providers.get()?;
    if providers.is_empty() {
        return Ok(Judgement::skip("no provider has a key"));
    }
    let refused = providers.iter().find_map(|p| match p.verdict {
        KeyState::Refused(status) => Some((p, status)),
        _ => None,
    });
    if let Some((provider, status)) = refused {
        let observed = format!("`{}` answers {status} to `{}`", provider.name, provider.key);
        return Ok(Judgement::fail(observed, "a list of models")
            .fix(format!("ultra keys rotate {} --profile {}", provider.name, facts.profile)));
    }
    let bound = providers.iter().find_map(|p| match &p.verdict {
        KeyState::BoundElsewhere { why, fix } => Some((why, fix)),
        _ => None,
    });
    if let Some((why, fix)) = bound {
        // A server refuses it in the same way, so nothing answers there.
        let judgement = Judgement::fail(why, "a key that may be sent to its provider");
        return Ok(match fix {
            Some(fix) => judgement.fix(fix),
            None => judgement,
        });
    }
    let unknown = providers.iter().find_map(|p| match &p.verdict {
        KeyState::Unverified(why) => Some(format!("`{}` could not be asked: {why}", p.name)),
        _ => None,
    });
    if let Some(why) = unknown {
        return Ok(Judgement::unknown(why));
    }
    if let Some(p) = providers.iter().find(|p| matches!(p.verdict, KeyState::RateLimited)) {
        return Ok(Judgement::warn(format!("`{}` answers 429", p.name), "a list of models"));
    }
    Ok(Judgement::pass(format!("{} accepted", words::count(providers.len(), "key"))))
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::facts::{KeyState, ProviderFacts};
    use crate::check::fixture::Fixture;
    /// A provider that said this.
    fn provider(verdict: KeyState) -> ProviderFacts {
        ProviderFacts {
            name: "openai".to_owned(),
            key: "OPENAI_API_KEY".to_owned(),
            verdict,
            wanted: vec![],
        }
    }

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().provider(provider(KeyState::Accepted(vec![]))).facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().provider(provider(KeyState::Refused(401))).facts()
    }
}
