//! `providers` and `routes` of a profile file.

use super::reader::Reader;
use crate::report::{Place, Problem};
use crate::settings::derive;
use crate::settings::dotenv;
use crate::settings::profile::{
    self, ProviderKind, ProviderSpec, RouteCache, RouteSpec, TargetSpec, Timeouts,
};
use crate::settings::secretish::name_for_message;
use crate::settings::yaml::Node;
use std::collections::BTreeMap;
use std::time::Duration;

/// What can be said of a provider.
const OF_PROVIDER: [&str; 8] = [
    "kind",
    "base_url",
    "keys",
    "models",
    "stream_usage",
    "responses",
    "api_version",
    "max_in_flight",
];

/// Providers by name. One that lacks `kind` or `base_url` is reported and left out.
pub(super) fn providers(reader: &mut Reader<'_>, node: Node) -> BTreeMap<String, ProviderSpec> {
    let mut providers = BTreeMap::new();
    for (key, value) in reader.entries(node, "`providers`") {
        let what = format!("provider {}", name_for_message(&key.text));
        may_be_asked_for(reader, &key.text, &what, &key.place);
        let (mut kind, mut base_url, mut version) = (None, None, None);
        let (mut keys, mut models) = (Vec::new(), Vec::new());
        let (mut kind_said, mut url_said) = (false, false);
        let (mut stream_usage, mut responses, mut version_at) = (true, None, None);
        let mut max_in_flight = None;
        for (field, node) in reader.fields(value, &what, &OF_PROVIDER) {
            match field {
                "kind" => {
                    kind_said = true;
                    kind = reader.value(node, &format!("`kind` of {what}"));
                }
                "base_url" => {
                    url_said = true;
                    base_url = reader.value(node, &format!("`base_url` of {what}"));
                }
                "keys" => keys = key_names(reader, node, &what),
                "api_version" => {
                    let place = node.place.clone();
                    version = reader.name(node, &format!("`api_version` of {what}"));
                    version_at = Some(place);
                }
                "stream_usage" => {
                    let name = format!("`stream_usage` of {what}");
                    stream_usage = reader.boolean(&node, &name).unwrap_or(true);
                }
                "responses" => {
                    responses = reader.boolean(&node, &format!("`responses` of {what}"));
                }
                "max_in_flight" => {
                    max_in_flight = reader.positive(&node, &format!("`max_in_flight` of {what}"));
                }
                _ => models = names(reader, node, &format!("`models` of {what}")),
            }
        }
        for (field, said) in [("kind", kind_said), ("base_url", url_said)] {
            if !said {
                reader.problems.push(
                    Problem::error("missing-key", format!("{what} has no `{field}`"))
                        .at(key.place.clone()),
                );
            }
        }
        if let (Some(kind), Some(mut base_url)) = (kind, base_url) {
            if let (Some(version), Some(place)) = (&version, version_at) {
                if kind == ProviderKind::Azure {
                    derive::set_version(&mut base_url, version);
                } else {
                    reader.problems.push(
                        Problem::error("unknown-key", format!("{what} takes no `api_version`"))
                            .at(place)
                            .why("only a provider of kind `azure` has versions"),
                    );
                }
            }
            let place = Some(key.place);
            let spec = ProviderSpec {
                kind,
                base_url,
                keys,
                models,
                stream_usage,
                responses,
                max_in_flight,
                place,
            };
            providers.insert(key.text, spec);
        }
    }
    providers
}

/// Reports a name that no request could have: clients ask for routes by their name, and for models
/// of a provider as `PROVIDER/MODEL`.
fn may_be_asked_for(reader: &mut Reader<'_>, name: &str, what: &str, place: &Place) {
    if !profile::is_model_name(name) {
        reader.problems.push(
            Problem::error("bad-name", format!("{what} has a name that nobody can ask by"))
                .at(place.clone())
                .why(format!(
                    "a name has 1 to {} bytes and no control characters such as line breaks",
                    profile::LONGEST_MODEL
                )),
        );
    }
}

/// The variables of a provider's keys: names, never the keys themselves.
fn key_names(reader: &mut Reader<'_>, node: Node, what: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for item in reader.list(node, &format!("`keys` of {what}")) {
        let place = item.place.clone();
        let Some(name) = reader.text(item, &format!("a key of {what}")) else { continue };
        if dotenv::is_name(&name) {
            keys.push(name);
        } else {
            reader.problems.push(
                Problem::error("bad-name", format!("a key of {what} is no name of a variable"))
                    .at(place)
                    .hint("name the variable here, such as `ACME_API_KEY`, and its source in `secrets:`"),
            );
        }
    }
    keys
}

fn names(reader: &mut Reader<'_>, node: Node, what: &str) -> Vec<String> {
    let mut names = Vec::new();
    for item in reader.list(node, what) {
        let (what, place) = (format!("an item of {what}"), item.place.clone());
        let Some(name) = reader.name(item, &what) else { continue };
        may_be_asked_for(reader, &name, &what, &place);
        names.push(name);
    }
    names
}

/// Routes by the model name that a client asks for.
pub(super) fn routes(reader: &mut Reader<'_>, node: Node) -> BTreeMap<String, RouteSpec> {
    let mut routes = BTreeMap::new();
    for (key, value) in reader.entries(node, "`routes`") {
        let what = format!("route {}", name_for_message(&key.text));
        may_be_asked_for(reader, &key.text, &what, &key.place);
        let mut route = RouteSpec { place: Some(key.place.clone()), ..RouteSpec::to(Vec::new()) };
        let before = reader.problems.len();
        let known = ["targets", "timeouts", "stream_commit", "cache", "requests_per_minute"];
        for (field, node) in reader.fields(value, &what, &known) {
            match field {
                "targets" => {
                    for item in reader.list(node, &format!("`targets` of {what}")) {
                        route.targets.extend(target(reader, item, &what));
                    }
                }
                "timeouts" => route.timeouts = timeouts(reader, node, &what),
                "stream_commit" => {
                    route.stream_commit = reader.value(node, &format!("`stream_commit` of {what}"));
                }
                "cache" => route.cache = cache(reader, node, &what),
                _ => {
                    route.requests_per_minute =
                        reader.positive(&node, &format!("`requests_per_minute` of {what}"));
                }
            }
        }
        if route.targets.is_empty() && reader.problems.len() == before {
            reader.problems.push(
                Problem::error("missing-key", format!("{what} has no targets")).at(key.place),
            );
        }
        routes.insert(key.text, route);
    }
    routes
}

/// For how long answers are kept.
fn cache(reader: &mut Reader<'_>, node: Node, what: &str) -> Option<RouteCache> {
    let place = node.place.clone();
    let what = format!("`cache` of {what}");
    let before = reader.problems.len();
    let mut ttl: Option<Duration> = None;
    for (_, node) in reader.fields(node, &what, &["ttl"]) {
        let place = node.place.clone();
        ttl = reader.value(node, &format!("`ttl` in {what}"));
        let (least, most) = RouteCache::BOUNDS;
        if ttl.is_some_and(|ttl| !(least..=most).contains(&ttl)) {
            reader.problems.push(
                Problem::error("malformed-value", format!("`ttl` in {what} is out of bounds"))
                    .at(place)
                    .why("expected a time span from `1s` to `30d`"),
            );
        }
    }
    if ttl.is_none() && reader.problems.len() == before {
        reader.problems.push(
            Problem::error("missing-key", format!("{what} has no `ttl`"))
                .at(place)
                .hint("say for how long answers are kept, such as `cache: {ttl: 10m}`"),
        );
    }
    ttl.map(|ttl| RouteCache { ttl })
}

fn target(reader: &mut Reader<'_>, node: Node, what: &str) -> Option<TargetSpec> {
    let place = node.place.clone();
    let (mut provider, mut model, mut weight, mut context) = (None, None, None, None);
    let mut max_in_flight = None;
    let what = format!("a target of {what}");
    let mut said = [false; 2];
    let known = ["provider", "model", "weight", "context", "max_in_flight"];
    for (field, node) in reader.fields(node, &what, &known) {
        match field {
            "provider" => {
                said[0] = true;
                provider = reader.name(node, &format!("`provider` of {what}"));
            }
            "model" => {
                said[1] = true;
                model = reader.name(node, &format!("`model` of {what}"));
            }
            "weight" => weight = reader.positive(&node, &format!("`weight` of {what}")),
            "max_in_flight" => {
                max_in_flight = reader.positive(&node, &format!("`max_in_flight` of {what}"));
            }
            _ => context = reader.positive(&node, &format!("`context` of {what}")),
        }
    }
    for (field, said) in ["provider", "model"].into_iter().zip(said) {
        if !said {
            reader.problems.push(
                Problem::error("missing-key", format!("{what} has no `{field}`")).at(place.clone()),
            );
        }
    }
    Some(TargetSpec { provider: provider?, model: model?, weight, context, max_in_flight })
}

fn timeouts(reader: &mut Reader<'_>, node: Node, what: &str) -> Timeouts {
    let mut timeouts = Timeouts::default();
    let what = format!("`timeouts` of {what}");
    let known = ["connect", "headers", "first_event", "stall", "total"];
    for (field, node) in reader.fields(node, &what, &known) {
        let value = reader.value(node, &format!("`{field}` in {what}"));
        match field {
            "connect" => timeouts.connect = value,
            "headers" => timeouts.headers = value,
            "first_event" => timeouts.first_event = value,
            "stall" => timeouts.stall = value,
            _ => timeouts.total = value,
        }
    }
    timeouts
}
