//! Routes lead to providers, providers to keys.

use super::Rule;
use super::view::View;
use crate::base::near;
use crate::report::Problem;
use crate::settings::catalogue;
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::secretish::name_for_message;
use std::collections::BTreeSet;

pub(super) const RULE: Rule = Rule {
    id: "dangling-route",
    doc: "Every target names a provider, and every key of a provider is a declared secret.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    let profile = view.profile();
    let mocks = matches!(view.text("ULTRA_MODE"), Some(("mock", _)));
    let known = || {
        let declared = profile.providers.keys().map(String::as_str);
        // The mock has models of its own, in its mode only.
        declared
            .chain(KNOWN_PROVIDERS.iter().map(|known| known.name))
            .chain(mocks.then_some("mock"))
    };
    for (model, route) in &profile.routes {
        // Once a route, however many of its targets name the same provider.
        let named: BTreeSet<&str> = route.targets.iter().map(|t| t.provider.as_str()).collect();
        for provider in named {
            if known().any(|name| name == provider) {
                continue;
            }
            let names: Vec<&str> = known().collect();
            problems.push(
                Problem::error(
                    RULE.id,
                    format!(
                        "route {} names the unknown provider {}",
                        name_for_message(model),
                        name_for_message(provider)
                    ),
                )
                .at(route.place.clone())
                .maybe_hint(near::hint(provider, names.iter().copied())),
            );
        }
    }
    for (name, provider) in &profile.providers {
        for key in &provider.keys {
            let declared = profile.secrets.contains_key(key)
                || catalogue::find(key).is_some_and(|spec| spec.secret);
            if !declared {
                problems.push(
                    Problem::error(
                        RULE.id,
                        format!(
                            "provider {} has the key `{key}`, which no `secrets:` declares",
                            name_for_message(name)
                        ),
                    )
                    .at(provider.place.clone())
                    .hint(format!("under `secrets:` write `{key}: vault:{name}`")),
                );
            }
        }
    }
}
