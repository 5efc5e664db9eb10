//! What the files of a root ask for: secrets and addresses of its profiles and its dotenv files, and
//! variables of both that can make a command run code or lead elsewhere what it sends. Read from the
//! files as they stand, other sources left out.

use super::Workspace;
use super::catalogue;
use super::dotenv;
use super::groups::{KNOWN_PROVIDERS, KnownProvider};
use super::hook_names::{self, is_hook};
use super::names::{self, Meaning};
use super::profile::ALIASES;
use super::profile_file::Document;
use super::secretish;
use super::taken_in::TakenIn;
use super::trust::{
    Claims, Destination, Hook, TrustStatus, Wanted, status, store_path, value_digest,
};
use super::value::Kind;
use crate::base::{file as files, redact};
use crate::report::{Place, Problem};
use std::collections::BTreeSet;
use std::path::Path;

/// Every reference to a secret and every base URL in the profiles of the workspace's root, and the
/// base URLs of providers in its dotenv files; and the variables of both that can make a command
/// run code or send elsewhere what it sends. A file that cannot be read asks for nothing until it
/// can; then the digest is another.
pub(crate) fn claims(workspace: &Workspace) -> Claims {
    let mut claims = Claims::default();
    let mut taken_in = TakenIn::default();
    let mut ignored = Vec::new();
    for name in workspace.profile_names() {
        // Built-in profiles are part of the program.
        if !workspace.profile_path(&name).is_some_and(|path| path.exists()) {
            continue;
        }
        let Some(document) = Document::read(workspace, &name, &mut ignored) else { continue };
        for (variable, reference, _) in &document.secrets {
            claims.wanted.insert(Wanted {
                profile: Some(name.clone()),
                file: None,
                variable: variable.clone(),
                reference: reference.to_string(),
                live: true,
            });
            taken_in.declares(variable);
        }
        for (provider, spec) in &document.providers {
            spec.keys.iter().for_each(|key| taken_in.sends(key));
            claims.destinations.insert(Destination {
                profile: Some(name.clone()),
                file: None,
                name: provider.clone(),
                url: spec.base_url.to_string(),
                keys: keys_of(&spec.keys),
            });
        }
        for variable in document.vars.iter().filter(|v| is_address(&v.name)) {
            claims.destinations.insert(Destination {
                profile: Some(name.clone()),
                file: None,
                name: variable.name.clone(),
                url: variable.text.clone(),
                keys: keys_sent_to(&variable.name),
            });
        }
        for variable in document.vars.iter().filter(|v| is_hook(&v.name)) {
            let hook = hook(workspace, &variable.name, &variable.text, variable.place.as_ref());
            claims.hooks.insert(Hook { profile: Some(name.clone()), ..hook });
        }
    }
    dotenv_files(workspace, &mut claims, &mut taken_in);
    claims.wanted.extend(taken_in.wanted(&workspace.environment));
    claims
}

/// The base URLs of providers in the dotenv files that are layers, of every profile.
pub(crate) fn in_dotenv_files(workspace: &Workspace) -> BTreeSet<Destination> {
    let mut claims = Claims::default();
    dotenv_files(workspace, &mut claims, &mut TakenIn::default());
    claims.destinations
}

/// What every dotenv file asks for that is a layer of some profile.
fn dotenv_files(workspace: &Workspace, found: &mut Claims, taken_in: &mut TakenIn) {
    let Some(dir) = workspace.dotenv_dir() else { return };
    for (ending, profile) in [("", None), (".local", None)] {
        let file = File { name: &format!(".env{ending}"), profile };
        in_dotenv_file(workspace, dir, &file, found, taken_in);
    }
    for profile in workspace.profile_names() {
        let aliases = ALIASES.iter().filter(|(_, canonical)| *canonical == profile);
        for name in aliases.map(|(alias, _)| *alias).chain([&*profile]) {
            for ending in ["", ".local"] {
                let name = format!(".env.{name}{ending}");
                let file = File { name: &name, profile: Some(&profile) };
                in_dotenv_file(workspace, dir, &file, found, taken_in);
            }
        }
    }
}

/// A dotenv file.
pub(super) struct File<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// The profile under which alone it counts.
    pub(super) profile: Option<&'a str>,
}

fn in_dotenv_file(
    workspace: &Workspace,
    dir: &Path,
    file: &File<'_>,
    found: &mut Claims,
    taken_in: &mut TakenIn,
) {
    let File { name, profile } = *file;
    let path = dir.join(name);
    let Ok(Some(bytes)) = files::read_bounded(&path, dotenv::LIMIT) else { return };
    if name == ".env" && dotenv::is_generated(&bytes) && !workspace.adopting {
        return;
    }
    // Its problems are told where it is read as a layer.
    let mut ignored = Vec::new();
    let document = dotenv::parse(&path, &bytes, &mut ignored);
    taken_in.reads(file, &document);
    let outside = dotenv::Outside {
        // A variable that runs code counts only where the environment has none of that name: its
        // value then is the same in every shell, `PATH=bin:${PATH}` too.
        first: &|name| {
            let environment = &workspace.environment;
            environment.get(name).filter(|_| !is_hook(name)).map(str::to_owned)
        },
        ..dotenv::Outside::NOTHING
    };
    for entry in dotenv::expand(&document, &outside, &mut ignored) {
        if is_hook(&entry.name) {
            let mut hook = hook(workspace, &entry.name, &entry.text, Some(&entry.place));
            if entry.secret {
                HIDDEN.clone_into(&mut hook.shown);
            }
            let profile = profile.map(str::to_owned);
            found.hooks.insert(Hook { profile, dotenv: true, ..hook });
            continue;
        }
        let (spec, url) = match names::meaning(&entry.name) {
            Meaning::Variable(spec) => (spec, Some(entry.text)),
            Meaning::Alias(spec, alias) => (spec, (alias.convert)(&entry.text)),
            Meaning::FileOf(spec) if !entry.text.is_empty() => {
                found.wanted.insert(Wanted {
                    profile: profile.map(str::to_owned),
                    file: Some(name.to_owned()),
                    variable: spec.name.to_owned(),
                    reference: file_reference(&entry.text),
                    live: true,
                });
                continue;
            }
            _ => continue,
        };
        let keys = keys_sent_to(spec.name);
        if let Some(url) = url.filter(|_| !keys.is_empty()) {
            found.destinations.insert(Destination {
                profile: profile.map(str::to_owned),
                file: Some(name.to_owned()),
                name: spec.name.to_owned(),
                url,
                keys,
            });
        }
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
        shown: if hidden { without_secret(text) } else { text.to_owned() },
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

/// An address without credentials.
pub(crate) fn shown(to: &Destination) -> String {
    if to.url.contains("://") { redact::url(&to.url) } else { to.url.clone() }
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
