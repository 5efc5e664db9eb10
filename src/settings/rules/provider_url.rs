//! Keys and prompts do not travel in the clear.

use super::Rule;
use super::public_url::is_local;
use super::view::View;
use crate::settings::secretish::name_for_message;

pub(super) const RULE: Rule = Rule {
    id: "plain-provider",
    doc: "The base URL of a provider beyond this machine is `https`.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<crate::report::Problem>) {
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
