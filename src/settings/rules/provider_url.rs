//! Keys and prompts do not travel in the clear.

use super::Rule;
use super::public_url::is_local;
use super::view::View;
use crate::report::Problem;
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::secretish::name_for_message;

pub(super) const RULE: Rule = Rule {
    id: "plain-provider",
    doc: "The base URL of a provider beyond this machine is `https`.",
    judge,
};

/// A key whose provider has no address that all share: without the one of its own it goes nowhere.
pub(super) const NOWHERE: Rule = Rule {
    id: "key-without-address",
    doc: "A provider that has an address of one's own has it, if there is a key.",
    judge: judge_address,
};

fn judge_address(view: &View<'_>, problems: &mut Vec<Problem>) {
    for known in KNOWN_PROVIDERS.iter().filter(|known| known.base_url.is_empty()) {
        let Some(url) = known.url else { continue };
        let declared = view.profile().providers.contains_key(known.name)
            || view.profile().providers.values().any(|p| p.keys.iter().any(|key| key == known.key));
        let has_key = view.resolution.winner(known.key).is_some();
        if has_key && !declared && view.text(url).is_none() {
            problems.push(
                Problem::warning(NOWHERE.id, format!("`{}` is set, and `{url}` is not", known.key))
                    .at(view.place(known.key))
                    .why(format!("nobody knows where `{}` is, so it answers nothing", known.name))
                    .hint(format!("set `{url}` to the address of the resource")),
            );
        }
    }
}

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    for (name, provider) in &view.profile().providers {
        let beyond = provider.base_url.host_str().is_some_and(|host| !is_local(host));
        if provider.base_url.scheme() == "http" && beyond {
            let name = name_for_message(name);
            problems.push(
                view.problem(&RULE, format!("provider {name} has a plain http base URL"))
                    .at(provider.place.clone())
                    .why("keys and prompts would be readable on the way")
                    .hint("give it an `https://` base URL"),
            );
        }
    }
}
