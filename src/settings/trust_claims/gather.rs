//! The claims of all files of a root together.

use super::content::content;
use super::dotenv_file::{File, in_dotenv_file, is_claimed};
use super::extends;
use super::said::{Files, Veiled};
use super::told::{danger, hook, is_address, keys_of, keys_sent_to};
use crate::base::file as files;
use crate::settings::Workspace;
use crate::settings::dotenv::{self, Document};
use crate::settings::hook_names::is_hook;
use crate::settings::profile::{ALIASES, SecretReference, canonical};
use crate::settings::profile_file;
use crate::settings::profile_names;
use crate::settings::switch;
use crate::settings::taken_in::{By, Start, TakenIn};
use crate::settings::trust::{Claims, Destination, Hook, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[cfg(test)]
thread_local! {
    static READINGS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How often this thread has read the files of a root.
#[cfg(test)]
pub(in crate::settings) fn readings() -> usize {
    READINGS.with(std::cell::Cell::get)
}

/// The files of a root, as they were read once.
pub(super) struct Gathered {
    profiles: Vec<(String, profile_file::Document)>,
    dotenv: Vec<Read>,
    taken_in: TakenIn,
}

impl Gathered {
    /// Nothing, where no file is read.
    pub(super) fn nothing() -> Self {
        Self { profiles: Vec::new(), dotenv: Vec::new(), taken_in: TakenIn::default() }
    }

    /// Reads every profile of the workspace's root and every dotenv file that is a layer of some
    /// profile.
    pub(super) fn read(workspace: &Workspace) -> Self {
        #[cfg(test)]
        READINGS.with(|readings| readings.set(readings.get() + 1));
        let (profiles, dotenv) = (profiles(workspace), dotenv_files(workspace));
        let taken_in = taken_in(&profiles, &dotenv);
        Self { profiles, dotenv, taken_in }
    }

    /// The same, to be asked for a workspace.
    pub(super) fn files<'a>(&'a self, workspace: &'a Workspace) -> Files<'a> {
        let Self { profiles, dotenv, taken_in } = self;
        Files { workspace, profiles, dotenv, taken_in }
    }
}

/// Every reference to a secret and every base URL in the profiles of a root, and the
/// base URLs of providers in its dotenv files; and the variables of both that can make a command
/// run code or send elsewhere what it sends. A file that cannot be read asks for nothing until it
/// can; then the digest is another. What they come to now is said for `profile`.
pub(super) fn claims(files: &Files<'_>, profile: &str) -> Claims {
    let mut claims = Claims::default();
    let workspace = files.workspace;
    let veiled = files.veiled();
    let built_in = built_in(files, profile);
    let mut starts = Vec::new();
    for (name, document) in files.profiles {
        in_profile(name, document, workspace, &veiled, &mut claims);
        for (variable, reference, _) in &document.secrets {
            if let SecretReference::Env(name) = reference
                && danger(variable).is_some()
            {
                starts.push(Start { name, by: By::One(None), itself: true });
            }
        }
    }
    for (index, read) in files.dotenv.iter().enumerate().filter(|(_, read)| read.is_layer) {
        let names = read.document.entries.iter().map(|entry| &*entry.name);
        let claimed = names.filter(|name| is_claimed(name));
        let before = starts.len();
        let by = By::One(Some(index));
        starts.extend(claimed.map(|name| Start { name, by, itself: false }));
        if starts.len() > before {
            let file = File { name: &read.name, profile: read.profile.as_deref() };
            in_dotenv_file(workspace, &file, &read.document, &veiled, &built_in, &mut claims);
        }
    }
    files.add(starts.into_iter(), &mut claims);
    let ours = said_by_files(workspace, files.taken_in, files.dotenv);
    claims.wanted.extend(files.taken_in.wanted(&workspace.environment, &ours));
    claims.extends = extends::among(files, &claims);
    claims
}

/// What the built-in profile says with which `profile` begins, if with any.
fn built_in(files: &Files<'_>, profile: &str) -> BTreeMap<String, String> {
    let documents: BTreeMap<&str, &profile_file::Document> =
        files.profiles.iter().map(|(name, document)| (&**name, document)).collect();
    let (mut at, mut seen) = (profile, BTreeSet::new());
    while let Some(document) = documents.get(at) {
        let Some((other, _)) = document.extends.as_ref().filter(|_| seen.insert(at)) else {
            return BTreeMap::new();
        };
        at = canonical(other);
    }
    let Some(text) = profile_names::built_in(at) else { return BTreeMap::new() };
    let document = profile_file::Document::parse(Path::new(at), text, &mut Vec::new());
    let Some(document) = document else { return BTreeMap::new() };
    let mode = document.mode.map(|(mode, _)| ("ULTRA_MODE".to_owned(), mode.word().to_owned()));
    document.vars.into_iter().map(|said| (said.name, said.text)).chain(mode).collect()
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
    for Read { name, profile, document, is_layer } in dotenv {
        taken_in.reads(&File { name, profile: profile.as_deref() }, document, *is_layer);
    }
    taken_in
}

/// What a profile asks for.
fn in_profile(
    name: &str,
    document: &profile_file::Document,
    workspace: &Workspace,
    veiled: &Veiled<'_>,
    claims: &mut Claims,
) {
    let profile = Some(name.to_owned());
    for (variable, reference, _) in &document.secrets {
        let mut now = None;
        if danger(variable).is_some() {
            match reference {
                SecretReference::Env(from) => {
                    let environment = &workspace.environment;
                    now = environment.get(from).filter(|_| !veiled.has(from)).map(str::to_owned);
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
    for read in read.iter().filter(|read| read.is_layer) {
        for entry in dotenv::expand(&read.document, &dotenv::Outside::NOTHING, &mut ignored) {
            if workspace.environment.get(&entry.name) == Some(&*entry.text) {
                ours.insert(entry.name);
            }
        }
    }
    ours
}

/// A dotenv file, and what it says.
pub(super) struct Read {
    /// Its name.
    pub(super) name: String,
    /// The profile under which alone it counts.
    pub(super) profile: Option<String>,
    pub(super) document: Document,
    /// Whether it is a layer. A `.env` that says that it was generated is none, but other tools read
    /// it, and what they hand on comes before any file.
    pub(super) is_layer: bool,
}

/// Every dotenv file that is a layer of some profile, and a generated `.env` that no switch of this
/// state directory wrote: what such a switch writes is what the files said, and the user's own act.
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
        let is_layer = name != ".env" || workspace.adopting || !dotenv::is_generated(&bytes);
        if !is_layer && switch::wrote(workspace, &bytes) {
            return None;
        }
        // Its problems are told where it is read as a layer.
        let document = dotenv::parse(&path, &bytes, &mut Vec::new());
        Some(Read { name, profile, document, is_layer })
    };
    names.into_iter().filter_map(document).collect()
}
