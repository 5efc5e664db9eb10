//! A provider's key is a key of that provider.

use super::Rule;
use super::view::View;
use crate::report::Problem;
use crate::settings::catalogue;
use crate::settings::groups::KNOWN_PROVIDERS;

pub(super) const RULE: Rule = Rule {
    id: "wrong-provider-key",
    doc: "A provider key is neither one of our own keys nor another provider's key, and no admin key.",
    judge,
};

fn judge(view: &View<'_>, problems: &mut Vec<Problem>) {
    for (name, provider) in &view.profile().providers {
        for key in &provider.keys {
            if catalogue::is_operators(key) {
                problems.push(
                    Problem::error(RULE.id, format!("`{key}` is an admin key"))
                        .at(provider.place.clone())
                        .why(format!(
                            "it makes and deletes keys, and no server opens it; `{name}` needs a \
                             key for requests"
                        ))
                        .hint("name the variable of the provider's key"),
                );
                continue;
            }
            let known = KNOWN_PROVIDERS.iter().any(|known| known.key == key);
            if !known && catalogue::find(key).is_some() {
                problems.push(
                    Problem::error(RULE.id, format!("`{key}` is no key of a provider"))
                        .at(provider.place.clone())
                        .why(format!("`{name}` would be sent what ultra itself works with"))
                        .hint(format!(
                            "name a variable of its own, such as `{}_API_KEY`",
                            name.to_ascii_uppercase()
                                .replace(|c: char| !c.is_ascii_alphanumeric(), "_")
                        )),
                );
                continue;
            }
            let Some(value) = view.opened.get(key.as_str()) else { continue };
            if value.expose().starts_with("uk_") {
                problems.push(
                    Problem::error(RULE.id, format!("`{key}` is a service key of ultra"))
                        .at(view.place(key))
                        .why("requests would be sent round in a circle, not to the provider")
                        .hint("set it to the key that the provider issued"),
                );
                continue;
            }
            if !value.is_empty() && !value.expose().bytes().all(|b| b.is_ascii_graphic()) {
                problems.push(
                    Problem::error(RULE.id, format!("`{key}` is no key"))
                        .at(view.place(key))
                        .why("it has a blank, a control character or a letter that no key has")
                        .hint("copy the key again, without blanks and line ends"),
                );
                continue;
            }
            let known = KNOWN_PROVIDERS.iter().find(|known| known.key == key);
            let Some(known) = known.filter(|known| !known.key_prefixes.is_empty()) else {
                continue;
            };
            let fits = known.key_prefixes.iter().any(|prefix| value.expose().starts_with(prefix));
            let own_address = provider.base_url.as_str().trim_end_matches('/') != known.base_url;
            if !own_address && !fits {
                problems.push(
                    Problem::warning(
                        RULE.id,
                        format!("`{key}` does not look like a key of {}", known.name),
                    )
                    .at(view.place(key))
                    .why(format!(
                        "keys of {} begin with `{}`",
                        known.name,
                        known.key_prefixes.join("` or `")
                    )),
                );
            }
        }
    }
}
