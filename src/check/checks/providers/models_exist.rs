//! # ULT-PROV-002: the models that routes ask for exist
//!
//! ## What it checks
//!
//! Every model that a route asks a provider for is on the list that the provider gives.
//!
//! ## Why
//!
//! A model that was retired answers 404 to every request that is routed to it.
//!
//! ## How to fix
//!
//! Change the target of the route in the profile; `ultra keys verify` asks
//! the providers for their lists.

use crate::base::words;
use crate::check::checks::support::prelude::*;
use crate::check::facts::KeyState;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-PROV-002",
    group: Group::Providers,
    title: "the models that routes ask for exist",
    why: "A model that was retired answers 404 to every request that is routed to it.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Live,
    needs: &["ULT-SEC-004"],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    facts.config.get()?.only_real()?;
    let providers = facts.providers.get()?;
    let mut asked = 0;
    for provider in providers {
        let KeyState::Accepted(models) = &provider.verdict else { continue };
        // Some servers that speak the protocol have no list; an empty one says nothing.
        if models.is_empty() {
            continue;
        }
        asked += provider.wanted.len();
        if let Some(model) = provider.wanted.iter().find(|m| !models.contains(m)) {
            let observed = format!("`{}` does not list `{model}`", provider.name);
            return Ok(Judgement::fail(observed, "a model of the provider")
                .fix(format!("ultra keys verify --profile {}", facts.profile)));
        }
    }
    Ok(match asked {
        0 => Judgement::skip("no route of its own, or no list to compare with"),
        n => Judgement::pass(format!("{} listed", words::count(n, "model"))),
    })
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::facts::{KeyState, ProviderFacts};
    use crate::check::fixture::Fixture;
    /// A provider that has `m1` and is asked for this.
    fn provider(wanted: &str) -> ProviderFacts {
        ProviderFacts {
            name: "openai".to_owned(),
            key: "OPENAI_API_KEY".to_owned(),
            verdict: KeyState::Accepted(vec!["m1".to_owned()]),
            wanted: vec![wanted.to_owned()],
        }
    }

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().provider(provider("m1")).facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().provider(provider("m2")).facts()
    }
}
