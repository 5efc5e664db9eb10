//! What the files of a root ask for: secrets and addresses of its profiles, the providers'
//! addresses in its dotenv files, and variables of both that can make a command run code. Read from the files as they stand, other sources left out.

use super::Workspace;
use super::catalogue;
use super::dotenv;
use super::groups::KNOWN_PROVIDERS;
use super::hook_names::is_hook;
use super::names::{self, Meaning};
use super::profile::ALIASES;
use super::profile_file::Document;
use super::secretish;
use super::trust::{
    Claims, Destination, Hook, TrustStatus, Wanted, status, store_path, value_digest,
};
use super::value::Kind;
use crate::base::{file, redact};
use crate::report::{Place, Problem};
use std::collections::BTreeSet;
use std::path::Path;

/// Every reference to a secret and every base URL in the profiles of the workspace's root, and the
/// base URLs of providers in its dotenv files; and the variables of both that can make a command
/// run code. A file that cannot be read asks for nothing until it
/// can; then the digest is another.
pub(crate) fn claims(workspace: &Workspace) -> Claims {
    let mut claims = Claims::default();
    let mut ignored = Vec::new();
    for name in workspace.profile_names() {
        // Built-in profiles are part of the program.
        if !workspace.profile_path(&name).is_some_and(|path| path.exists()) {
            continue;
        }
        let Some(document) = Document::read(workspace, &name, &mut ignored) else { continue };
        for (variable, reference, _) in &document.secrets {
            claims.wanted.insert(Wanted {
                profile: name.clone(),
                variable: variable.clone(),
                reference: reference.to_string(),
            });
        }
        for (provider, spec) in &document.providers {
            claims.destinations.insert(Destination {
                profile: Some(name.clone()),
                file: None,
                name: provider.clone(),
                url: spec.base_url.to_string(),
                takes_keys: !spec.keys.is_empty(),
            });
        }
        for variable in document.vars.iter().filter(|v| is_address(&v.name)) {
            claims.destinations.insert(Destination {
                profile: Some(name.clone()),
                file: None,
                name: variable.name.clone(),
                url: variable.text.clone(),
                takes_keys: takes_keys(&variable.name),
            });
        }
        for variable in document.vars.iter().filter(|v| is_hook(&v.name)) {
            let hook = hook(workspace, &variable.name, &variable.text, variable.place.as_ref());
            claims.hooks.insert(Hook { profile: Some(name.clone()), ..hook });
        }
    }
    dotenv_files(workspace, &mut claims);
    claims
}

/// The base URLs of providers in the dotenv files that are layers, of every profile.
pub(crate) fn in_dotenv_files(workspace: &Workspace) -> BTreeSet<Destination> {
    let mut claims = Claims::default();
    dotenv_files(workspace, &mut claims);
    claims.destinations
}

/// What every dotenv file asks for that is a layer of some profile.
fn dotenv_files(workspace: &Workspace, found: &mut Claims) {
    let Some(dir) = workspace.dotenv_dir() else { return };
    for (ending, profile) in [("", None), (".local", None)] {
        in_dotenv_file(workspace, dir, &format!(".env{ending}"), profile, found);
    }
    for profile in workspace.profile_names() {
        let aliases = ALIASES.iter().filter(|(_, canonical)| *canonical == profile);
        for name in aliases.map(|(alias, _)| *alias).chain([&*profile]) {
            for ending in ["", ".local"] {
                let file = format!(".env.{name}{ending}");
                in_dotenv_file(workspace, dir, &file, Some(&profile), found);
            }
        }
    }
}

fn in_dotenv_file(
    workspace: &Workspace,
    dir: &Path,
    name: &str,
    profile: Option<&str>,
    found: &mut Claims,
) {
    let path = dir.join(name);
    let Ok(Some(bytes)) = file::read_bounded(&path, dotenv::LIMIT) else { return };
    if name == ".env" && dotenv::is_generated(&bytes) && !workspace.adopting {
        return;
    }
    // Its problems are told where it is read as a layer.
    let mut ignored = Vec::new();
    let document = dotenv::parse(&path, &bytes, &mut ignored);
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
            _ => continue,
        };
        if let Some(url) = url.filter(|_| takes_keys(spec.name)) {
            found.destinations.insert(Destination {
                profile: profile.map(str::to_owned),
                file: Some(name.to_owned()),
                name: spec.name.to_owned(),
                url,
                takes_keys: true,
            });
        }
    }
}

/// What stands for a value that may be a secret.
const HIDDEN: &str = "(may be a secret: read the file)";

/// A variable of a profile that can make a command run code.
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
        shown: if hidden { HIDDEN.to_owned() } else { text.to_owned() },
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

/// Whether a variable is the base URL of a provider.
fn takes_keys(name: &str) -> bool {
    let name = catalogue::find_alias(name).map_or(name, |(spec, _)| spec.name);
    KNOWN_PROVIDERS.iter().any(|known| known.url == Some(name))
}

/// Whether a variable says where something is sent.
fn is_address(name: &str) -> bool {
    let spec = catalogue::find(name).or_else(|| catalogue::find_alias(name).map(|(s, _)| s));
    match spec {
        Some(spec) => spec.kind == Kind::Url,
        None => name.ends_with("_URL") || name.ends_with("_ENDPOINT") || name.ends_with("_HOST"),
    }
}
