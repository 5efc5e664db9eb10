//! What variables and addresses of a root's files can do to whoever gets them, and how they are told.

use crate::base::redact;
use crate::report::Place;
use crate::settings::Workspace;
use crate::settings::catalogue;
use crate::settings::dotenv;
use crate::settings::groups::{KNOWN_PROVIDERS, KnownProvider};
use crate::settings::hook_names;
use crate::settings::profile::PROMPTS;
use crate::settings::secretish;
use crate::settings::trust::{Destination, Hook, value_digest};
use crate::settings::value::Kind;
use std::collections::BTreeSet;

/// What stands for a value that may be a secret.
const HIDDEN: &str = "(may be a secret: read the file)";

/// A value that may hold a secret, as far as it may be shown: an address without its credentials.
fn without_secret(text: &str) -> String {
    let address = text.contains("://") && !text.contains(char::is_whitespace);
    let in_path = || text.split(['/', '?', '#']).skip(3).any(secretish::perhaps);
    if address && !in_path() { redact::url(text) } else { HIDDEN.to_owned() }
}

/// A variable of a profile that can make a command run code or lead what it sends elsewhere.
pub(super) fn hook(workspace: &Workspace, name: &str, text: &str, place: Option<&Place>) -> Hook {
    let hidden = secretish::variable(name)
        || secretish::value(text)
        || text.split_whitespace().any(secretish::perhaps)
        || text.to_ascii_lowercase().contains("authorization");
    let place = place.map_or_else(String::new, |place| place_of(workspace, place));
    Hook {
        profile: None,
        dotenv: false,
        name: name.to_owned(),
        value: value_digest(text),
        now: Some(value_digest(text)),
        shown: dotenv::told(&if hidden { without_secret(text) } else { text.to_owned() }),
        place,
    }
}

/// A place for people: the file, as seen from here, and the line.
pub(super) fn place_of(workspace: &Workspace, place: &Place) -> String {
    let file = workspace.shown(&place.file).display().to_string();
    place.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"))
}

/// That a value is put together from these pieces of other lines.
pub(crate) fn pieced(pieces: &[String]) -> String {
    let what = "is put together from variables of other lines";
    if pieces.is_empty() { what.to_owned() } else { format!("{what} ({})", pieces.join(", ")) }
}

/// An address without credentials. One that takes in variables is no address yet: it is shown as it
/// is written, if nothing in it can be a secret.
pub(crate) fn shown(to: &Destination) -> String {
    let secret = || {
        to.url.contains(['@', '#']) || to.url.split(['/', '=', '{', '}']).any(secretish::perhaps)
    };
    let raw = !to.url.contains("://") || (to.url.contains("${") && !secret());
    dotenv::told(&if raw { to.url.clone() } else { redact::url(&to.url) })
}

/// What can be done with a variable of the root's files to whoever gets it, if that has to be agreed
/// to.
pub(crate) fn danger(name: &str) -> Option<&'static str> {
    let address = || KNOWN_PROVIDERS.iter().any(|known| known.url == Some(name));
    hook_names::danger(name).or_else(|| address().then_some("keys are sent to the address in it"))
}

/// The keys that are sent to the address in a variable, sorted.
pub(super) fn keys_sent_to(name: &str) -> Vec<String> {
    let name = catalogue::find_alias(name).map_or(name, |(spec, _)| spec.name);
    let known = || KNOWN_PROVIDERS.iter().filter(|known| known.url == Some(name));
    let keyless = known().any(|known| known.keyless).then_some(PROMPTS);
    let keys = known().flat_map(KnownProvider::keys).chain(keyless);
    let keys: BTreeSet<String> = keys.map(str::to_owned).collect();
    keys.into_iter().collect()
}

/// The keys that are sent to a provider of a profile, sorted: those that it names, and the admin
/// keys that go where the keys go that they make. One that names none gets what it is asked.
pub(super) fn keys_of(named: &[String]) -> Vec<String> {
    if named.is_empty() {
        return vec![PROMPTS.to_owned()];
    }
    let admin = KNOWN_PROVIDERS.iter().filter(|known| named.iter().any(|key| key == known.key));
    let admin = admin.filter_map(|known| Some(known.admin?.key.to_owned()));
    let keys: BTreeSet<String> = named.iter().cloned().chain(admin).collect();
    keys.into_iter().collect()
}

/// Whether a variable says where something is sent.
pub(super) fn is_address(name: &str) -> bool {
    let spec = catalogue::find(name).or_else(|| catalogue::find_alias(name).map(|(s, _)| s));
    match spec {
        Some(spec) => spec.kind == Kind::Url,
        None => name.ends_with("_URL") || name.ends_with("_ENDPOINT") || name.ends_with("_HOST"),
    }
}
