//! The claims of all files of a root together.

use super::content::content;
use super::dotenv_file::{File, in_dotenv_file, is_claimed};
use super::extends;
use super::said::{Files, Veiled};
use super::told::{danger, hook, is_address, keys_of, keys_sent_to};
use crate::base::file as files;
use crate::report::{Place, Problem};
use crate::settings::Workspace;
use crate::settings::dotenv::{self, Document};
use crate::settings::hook_names::is_hook;
use crate::settings::profile::{ALIASES, SecretReference};
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
    let (profiles, dotenv) = (profiles(workspace), dotenv_files(workspace));
    let taken_in = taken_in(&profiles, &dotenv);
    let files = Files { workspace, profiles: &profiles, dotenv: &dotenv, taken_in: &taken_in };
    let veiled = files.veiled();
    for (name, document) in &profiles {
        in_profile(name, document, &files, &veiled, &mut claims);
    }
    for (index, (file, document)) in dotenv.iter().enumerate() {
        let claimed = || document.entries.iter().map(|e| &*e.name).filter(|name| is_claimed(name));
        if claimed().next().is_none() {
            continue;
        }
        let file = File { name: &file.0, profile: file.1.as_deref() };
        in_dotenv_file(workspace, &file, document, &veiled, &mut claims);
        files.add(claimed(), Some(index), &mut claims);
    }
    let ours = said_by_files(workspace, &taken_in, &dotenv);
    claims.wanted.extend(taken_in.wanted(&workspace.environment, &ours));
    claims.extends = extends::among(&files, &claims);
    claims
}

/// What keeps the value that `name` has at `place` in a dotenv file of the root from being agreed to:
/// variables that other lines say, each with its place. Without a place it is about the variable
/// itself, too.
pub(crate) fn pieces(workspace: &Workspace, name: &str, place: Option<&Place>) -> Vec<String> {
    let (profiles, dotenv) = (profiles(workspace), dotenv_files(workspace));
    let taken_in = taken_in(&profiles, &dotenv);
    let files = Files { workspace, profiles: &profiles, dotenv: &dotenv, taken_in: &taken_in };
    files.pieces(name, place)
}

/// The profiles that stand in files, by name. Built-in ones are part of the program.
fn profiles(workspace: &Workspace) -> Vec<(String, profile_file::Document)> {
    let in_file = |name: &String| workspace.profile_path(name).is_some_and(|path| path.exists());
    let mut ignored = Vec::new();
    let names = workspace.profile_names().into_iter().filter(in_file);
    names
        .filter_map(|name| {
            let document = profile_file::Document::read(workspace, &name, &mut ignored)?;
            Some((name, document))
        })
        .collect()
}

/// What the entries of the dotenv files take in, and which of them are secrets.
fn taken_in(profiles: &[(String, profile_file::Document)], dotenv: &[Read]) -> TakenIn {
    let mut taken_in = TakenIn::default();
    for (_, document) in profiles {
        document.secrets.iter().for_each(|(variable, ..)| taken_in.declares(variable));
        let keys = document.providers.values().flat_map(|spec| &spec.keys);
        keys.for_each(|key| taken_in.sends(key));
    }
    for ((name, profile), document) in dotenv {
        taken_in.reads(&File { name, profile: profile.as_deref() }, document);
    }
    taken_in
}

/// What a profile asks for.
fn in_profile(
    name: &str,
    document: &profile_file::Document,
    files: &Files<'_>,
    veiled: &Veiled<'_>,
    claims: &mut Claims,
) {
    let workspace = files.workspace;
    let profile = Some(name.to_owned());
    for (variable, reference, _) in &document.secrets {
        let mut now = None;
        if danger(variable).is_some() {
            match reference {
                SecretReference::Env(from) => {
                    let environment = &workspace.environment;
                    now = environment.get(from).filter(|_| !veiled.has(from)).map(str::to_owned);
                    let from = &**from;
                    let mut names = files.taken_in.reached(std::iter::once(from));
                    names.insert(from);
                    files.add_these(&names, None, claims);
                }
                SecretReference::File(path) => {
                    let hook = content(workspace, variable, path);
                    let hook = hook.map(|hook| Hook { profile: profile.clone(), ..hook });
                    claims.hooks.extend(hook);
                }
                SecretReference::Vault { .. } => {}
            }
        }
        claims.wanted.insert(Wanted {
            profile: profile.clone(),
            file: None,
            variable: variable.clone(),
            reference: reference.to_string(),
            now,
            live: true,
        });
    }
    for (provider, spec) in &document.providers {
        claims.destinations.insert(Destination {
            profile: profile.clone(),
            file: None,
            name: provider.clone(),
            url: spec.base_url.to_string(),
            now: Some(spec.base_url.to_string()),
            keys: keys_of(&spec.keys),
        });
    }
    for variable in document.vars.iter().filter(|v| is_address(&v.name)) {
        claims.destinations.insert(Destination {
            profile: profile.clone(),
            file: None,
            name: variable.name.clone(),
            url: variable.text.clone(),
            now: Some(variable.text.clone()),
            keys: keys_sent_to(&variable.name),
        });
    }
    for variable in document.vars.iter().filter(|v| is_hook(&v.name)) {
        let hook = hook(workspace, &variable.name, &variable.text, variable.place.as_ref());
        claims.hooks.insert(Hook { profile: profile.clone(), ..hook });
    }
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
pub(super) type Read = ((String, Option<String>), Document);

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
