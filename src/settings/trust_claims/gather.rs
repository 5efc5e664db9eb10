//! The claims of all files of a root together.

use super::dotenv_file::{File, in_dotenv_file, is_claimed};
use super::told::{hook, is_address, keys_of, keys_sent_to};
use crate::base::file as files;
use crate::report::Problem;
use crate::settings::Workspace;
use crate::settings::dotenv::{self, Document};
use crate::settings::hook_names::is_hook;
use crate::settings::names::{self, Meaning};
use crate::settings::profile::ALIASES;
use crate::settings::profile_file;
use crate::settings::taken_in::TakenIn;
use crate::settings::trust::{Claims, Destination, Hook, TrustStatus, Wanted, status, store_path};
use std::collections::BTreeSet;

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
