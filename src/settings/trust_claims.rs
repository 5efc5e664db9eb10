//! What the files of a root ask for: secrets and addresses of its profiles and its dotenv files, and
//! variables of both that can make a command run code or lead elsewhere what it sends. Read from the
//! files as they stand, other sources left out.

use super::Workspace;
use super::catalogue;
use super::dotenv::{self, Document};
use super::groups::{KNOWN_PROVIDERS, KnownProvider};
use super::hook_names::{self, is_hook};
use super::names::{self, Meaning};
use super::profile::ALIASES;
use super::profile_file;
use super::secretish;
use super::taken_in::TakenIn;
use super::trust::{
    Claims, Destination, Hook, TrustStatus, Wanted, status, store_path, value_digest,
};
use super::value::Kind;
use crate::base::{file as files, redact};
use crate::report::{Place, Problem};
use std::collections::{BTreeMap, BTreeSet};

/// Every reference to a secret and every base URL in the profiles of the workspace's root, and the
/// base URLs of providers in its dotenv files; and the variables of both that can make a command
/// run code or send elsewhere what it sends. A file that cannot be read asks for nothing until it
/// can; then the digest is another.
pub(crate) fn claims(workspace: &Workspace) -> Claims {
    let mut claims = Claims::default();
    let mut taken_in = TakenIn::default();
    let mut ignored = Vec::new();
    let mut in_profiles = BTreeSet::new();
    for name in workspace.profile_names() {
        // Built-in profiles are part of the program.
        if !workspace.profile_path(&name).is_some_and(|path| path.exists()) {
            continue;
        }
        let Some(document) = profile_file::Document::read(workspace, &name, &mut ignored) else {
            continue;
        };
        for (variable, reference, _) in &document.secrets {
            in_profiles.insert(variable.clone());
            claims.wanted.insert(Wanted {
                profile: Some(name.clone()),
                file: None,
                variable: variable.clone(),
                reference: reference.to_string(),
                now: None,
                live: true,
            });
            taken_in.declares(variable);
        }
        for (provider, spec) in &document.providers {
            spec.keys.iter().for_each(|key| taken_in.sends(key));
            in_profiles.extend(spec.keys.iter().cloned());
            claims.destinations.insert(Destination {
                profile: Some(name.clone()),
                file: None,
                name: provider.clone(),
                url: spec.base_url.to_string(),
                now: Some(spec.base_url.to_string()),
                keys: keys_of(&spec.keys),
            });
        }
        in_profiles.extend(document.vars.iter().map(|v| v.name.clone()));
        for variable in document.vars.iter().filter(|v| is_address(&v.name)) {
            claims.destinations.insert(Destination {
                profile: Some(name.clone()),
                file: None,
                name: variable.name.clone(),
                url: variable.text.clone(),
                now: Some(variable.text.clone()),
                keys: keys_sent_to(&variable.name),
            });
        }
        for variable in document.vars.iter().filter(|v| is_hook(&v.name)) {
            let hook = hook(workspace, &variable.name, &variable.text, variable.place.as_ref());
            claims.hooks.insert(Hook { profile: Some(name.clone()), ..hook });
        }
    }
    let read = dotenv_files(workspace);
    // The content of a file that an entry names can change, too.
    let from_files: BTreeSet<&str> = read
        .iter()
        .flat_map(|(_, document)| &document.entries)
        .filter_map(|entry| match names::meaning(&entry.name) {
            Meaning::FileOf(spec) => Some(spec.name),
            _ => None,
        })
        .collect();
    for (index, (file, document)) in read.iter().enumerate() {
        let file = File { name: &file.0, profile: file.1.as_deref() };
        taken_in.reads(&file, document);
        let dangerous = document.entries.iter().any(|entry| is_claimed(&entry.name));
        if !dangerous {
            continue;
        }
        // What another file says of a name may have come into the environment from there, through
        // an export or a tool that reads dotenv files: its change would not show.
        let others = read.iter().enumerate().filter(|(other, _)| *other != index);
        let mut elsewhere: BTreeSet<&str> = in_profiles.iter().map(String::as_str).collect();
        for (_, (_, other)) in others {
            elsewhere.extend(other.entries.iter().map(|entry| entry.name.as_str()));
        }
        elsewhere.extend(dotenv::said_later(document));
        elsewhere.extend(from_files.iter().copied());
        in_dotenv_file(workspace, &file, document, &elsewhere, &mut claims);
    }
    let ours = said_by_files(workspace, &taken_in, &read);
    claims.wanted.extend(taken_in.wanted(&workspace.environment, &ours));
    claims
}

/// The variables that the environment has with just the value that a dotenv file of the root gives
/// them by itself: they were handed on by `env run` or an export, and are nothing of the user's.
fn said_by_files(workspace: &Workspace, taken_in: &TakenIn, read: &[Read]) -> BTreeSet<String> {
    let mut ours = BTreeSet::new();
    if !taken_in.any() {
        return ours;
    }
    let mut ignored = Vec::new();
    for (_, document) in read {
        for entry in dotenv::expand(document, &dotenv::Outside::NOTHING, &mut ignored) {
            if workspace.environment.get(&entry.name) == Some(&*entry.text) {
                ours.insert(entry.name);
            }
        }
    }
    ours
}

/// A dotenv file: its name, the profile under which alone it counts, and what it says.
type Read = ((String, Option<String>), Document);

/// Every dotenv file that is a layer of some profile.
fn dotenv_files(workspace: &Workspace) -> Vec<Read> {
    let Some(dir) = workspace.dotenv_dir() else { return Vec::new() };
    let mut names = vec![(".env".to_owned(), None), (".env.local".to_owned(), None)];
    for profile in workspace.profile_names() {
        let aliases = ALIASES.iter().filter(|(_, canonical)| *canonical == profile);
        for name in aliases.map(|(alias, _)| *alias).chain([&*profile]) {
            for ending in ["", ".local"] {
                names.push((format!(".env.{name}{ending}"), Some(profile.clone())));
            }
        }
    }
    let document = |(name, profile): (String, Option<String>)| {
        let path = dir.join(&name);
        let bytes = files::read_bounded(&path, dotenv::LIMIT).ok()??;
        if name == ".env" && dotenv::is_generated(&bytes) && !workspace.adopting {
            return None;
        }
        // Its problems are told where it is read as a layer.
        Some(((name, profile), dotenv::parse(&path, &bytes, &mut Vec::new())))
    };
    names.into_iter().filter_map(document).collect()
}

/// A dotenv file.
pub(super) struct File<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// The profile under which alone it counts.
    pub(super) profile: Option<&'a str>,
}

/// Whether it has to be agreed to what a dotenv file says under this name.
fn is_claimed(name: &str) -> bool {
    is_hook(name)
        || match names::meaning(name) {
            Meaning::Variable(spec) | Meaning::Alias(spec, _) => {
                !keys_sent_to(spec.name).is_empty()
            }
            Meaning::FileOf(_) => true,
            Meaning::UnknownOurs | Meaning::Foreign => false,
        }
}

fn in_dotenv_file(
    workspace: &Workspace,
    file: &File<'_>,
    document: &Document,
    elsewhere: &BTreeSet<&str>,
    found: &mut Claims,
) {
    let File { name, profile } = *file;
    // What is agreed to is what stands there, whatever the environment is: a value of this
    // environment only says later that it is the same.
    let outside = dotenv::Outside {
        first: &|name| {
            let environment = &workspace.environment;
            environment.get(name).filter(|_| !elsewhere.contains(name)).map(str::to_owned)
        },
        ..dotenv::Outside::NOTHING
    };
    let expanded = dotenv::expand(document, &outside, &mut Vec::new());
    let expanded = expanded.into_iter().filter(|entry| is_claimed(&entry.name));
    let mut now: BTreeMap<String, String> =
        expanded.map(|entry| (entry.name, entry.text)).collect();
    let mut spelled = dotenv::spelled(document, &is_claimed);
    for entry in &document.entries {
        let Some(written) = spelled.remove(&entry.name) else { continue };
        let now = now.remove(&entry.name);
        let profile = profile.map(str::to_owned);
        if is_hook(&entry.name) {
            let hook = hook(workspace, &entry.name, &written, Some(&entry.place));
            let now = now.as_deref().map(value_digest);
            found.hooks.insert(Hook { profile, dotenv: true, now, ..hook });
            continue;
        }
        let (spec, now) = match names::meaning(&entry.name) {
            Meaning::Variable(spec) => (spec, now),
            Meaning::Alias(spec, alias) => (spec, now.and_then(|text| (alias.convert)(&text))),
            Meaning::FileOf(spec) if !written.is_empty() => {
                let live = now.as_ref().is_none_or(|path| !path.is_empty());
                found.wanted.insert(Wanted {
                    profile,
                    file: Some(name.to_owned()),
                    variable: spec.name.to_owned(),
                    reference: file_reference(&written),
                    now,
                    live,
                });
                continue;
            }
            _ => continue,
        };
        found.destinations.insert(Destination {
            profile,
            file: Some(name.to_owned()),
            name: spec.name.to_owned(),
            url: written,
            now,
            keys: keys_sent_to(spec.name),
        });
    }
}

/// How a `NAME_FILE` of a dotenv file is told.
pub(crate) fn file_reference(path: &str) -> String {
    format!("file:{path}")
}

/// What stands for a value that may be a secret.
const HIDDEN: &str = "(may be a secret: read the file)";

/// A value that may hold a secret, as far as it may be shown: an address without its credentials.
fn without_secret(text: &str) -> String {
    let address = text.contains("://") && !text.contains(char::is_whitespace);
    let in_path = || text.split(['/', '?', '#']).skip(3).any(secretish::perhaps);
    if address && !in_path() { redact::url(text) } else { HIDDEN.to_owned() }
}

/// A variable of a profile that can make a command run code or lead what it sends elsewhere.
fn hook(workspace: &Workspace, name: &str, text: &str, place: Option<&Place>) -> Hook {
    let hidden = secretish::variable(name)
        || secretish::value(text)
        || text.split_whitespace().any(secretish::perhaps)
        || text.to_ascii_lowercase().contains("authorization");
    let place = place.map_or_else(String::new, |place| {
        let file = workspace.shown(&place.file).display().to_string();
        place.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"))
    });
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

/// Whether the user has agreed to what the root's files ask for. Without a root it is about the
/// directory whose dotenv files are layers.
///
/// # Errors
/// The list of trusted roots cannot be read.
pub(crate) fn trust(workspace: &Workspace) -> Result<(TrustStatus, Claims), Problem> {
    let Some(root) = workspace.dotenv_dir() else {
        return Ok((TrustStatus::NotNeeded, Claims::default()));
    };
    let claims = claims(workspace);
    let store = store_path(&workspace.environment);
    Ok((status(store.as_deref(), root, &claims)?, claims))
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
fn keys_sent_to(name: &str) -> Vec<String> {
    let name = catalogue::find_alias(name).map_or(name, |(spec, _)| spec.name);
    let known = KNOWN_PROVIDERS.iter().filter(|known| known.url == Some(name));
    let keys: BTreeSet<String> = known.flat_map(KnownProvider::keys).map(str::to_owned).collect();
    keys.into_iter().collect()
}

/// The keys that are sent to a provider of a profile, sorted: those that it names, and the admin
/// keys that go where the keys go that they make.
fn keys_of(named: &[String]) -> Vec<String> {
    let admin = KNOWN_PROVIDERS.iter().filter(|known| named.iter().any(|key| key == known.key));
    let admin = admin.filter_map(|known| Some(known.admin?.key.to_owned()));
    let keys: BTreeSet<String> = named.iter().cloned().chain(admin).collect();
    keys.into_iter().collect()
}

/// Whether a variable says where something is sent.
fn is_address(name: &str) -> bool {
    let spec = catalogue::find(name).or_else(|| catalogue::find_alias(name).map(|(s, _)| s));
    match spec {
        Some(spec) => spec.kind == Kind::Url,
        None => name.ends_with("_URL") || name.ends_with("_ENDPOINT") || name.ends_with("_HOST"),
    }
}
