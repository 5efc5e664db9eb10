//! The names that completion offers: profiles, variables, keys, checks.

use crate::base::{Secret, SystemClock};
use crate::check;
use crate::commands::env::render;
use crate::report::Problem;
use crate::secrets::{BackendOptions, VaultSource};
use crate::settings::docs::words;
use crate::settings::environment::Environment;
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::profile::{RouteSpec, TargetSpec};
use crate::settings::secret::{SecretFacts, SecretSource};
use crate::settings::workspace::Flags;
use crate::settings::{Workspace, catalogue, load, profile_names};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// A name and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The name.
    pub(super) value: String,
    /// What it means, in a line.
    pub(super) meaning: String,
}

impl Name {
    pub(super) fn new(value: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self { value: value.into(), meaning: meaning.into() }
    }
}

/// Where the names come from.
#[derive(Debug)]
pub(super) struct Names {
    /// `None` where nothing can be found out; then there are the built-in names.
    workspace: Option<Workspace>,
}

/// No secrets: nothing is opened, not even an index.
#[derive(Debug)]
struct Blind;

impl SecretSource for Blind {
    fn facts(&self, _: &str, _: &str) -> Result<Option<SecretFacts>, Problem> {
        Ok(None)
    }

    fn open(&self, _: &str, _: &str) -> Result<Option<Secret>, Problem> {
        Ok(None)
    }

    fn fingerprint(&self, _: &Secret) -> Result<String, Problem> {
        Err(Problem::error("no-vault", "completion knows no secrets"))
    }
}

impl Names {
    /// The names for a command line, which may name root and profile.
    pub(super) fn of(words: &[OsString]) -> Self {
        let environment = Environment::of_process();
        let dir = flag(words, "--dir").map(PathBuf::from);
        let discover = |profile: Option<String>| {
            let flags = Flags { profile, dir: dir.clone(), ..Flags::default() };
            Workspace::discover(environment.clone(), flags, Arc::new(SystemClock)).ok()
        };
        // A profile that is being typed is unknown yet.
        let workspace = discover(flag(words, "--profile")).or_else(|| discover(None));
        Self { workspace }
    }

    /// The profiles.
    pub(super) fn profiles(&self) -> Vec<Name> {
        let Some(workspace) = &self.workspace else {
            return profile_names::all(None).into_iter().map(|n| Name::new(n, "")).collect();
        };
        let meaning = |name: &str| match (name == workspace.profile, workspace.profile_path(name)) {
            (true, _) => "in use".to_owned(),
            (false, Some(path)) if profile_names::taken(&path) => {
                workspace.shown(&path).display().to_string()
            }
            (false, _) => "built in".to_owned(),
        };
        let names = workspace.profile_names();
        names.into_iter().map(|name| Name::new(name.clone(), meaning(&name))).collect()
    }

    /// The variables: those of the catalogue, and those that the profile in use knows.
    pub(super) fn variables(&self) -> Vec<Name> {
        let mut names: BTreeMap<String, String> = catalogue::all()
            .map(|spec| (spec.name.to_owned(), words::paragraph(spec.doc)))
            .collect();
        if let Some(workspace) = &self.workspace
            && let Some(resolution) = load(workspace, &workspace.profile, &Blind).resolution
        {
            for name in resolution.names() {
                names
                    .entry(name.to_owned())
                    .or_insert_with(|| "a variable of the application".to_owned());
            }
        }
        names.into_iter().map(|(name, meaning)| Name::new(name, meaning)).collect()
    }

    /// The keys: those that the catalogue knows, and those in the index of the vault.
    pub(super) fn keys(&self) -> Vec<Name> {
        let mut names: BTreeMap<String, String> = catalogue::all()
            .filter_map(|spec| Some((spec.vault?.to_owned(), spec.name.to_owned())))
            .collect();
        if let Some(workspace) = &self.workspace {
            let source = VaultSource::new(
                &workspace.state_dir,
                BackendOptions::default(),
                workspace.clock.clone(),
            );
            let known = source.overview().map(|o| o.entries.keys().cloned().collect::<Vec<_>>());
            for key in known.unwrap_or_default() {
                if let Some(name) = key.strip_prefix(&format!("{}/", workspace.profile)) {
                    let meaning = names.entry(name.to_owned()).or_default();
                    let kept = format!("in the vault of {}", workspace.profile);
                    *meaning = if meaning.is_empty() { kept } else { format!("{meaning}, {kept}") };
                }
            }
        }
        names.into_iter().map(|(name, meaning)| Name::new(name, meaning)).collect()
    }

    /// The models of the profile in use, by their routes.
    pub(super) fn models(&self) -> Vec<Name> {
        let resolution = self
            .workspace
            .as_ref()
            .and_then(|workspace| load(workspace, &workspace.profile, &Blind).resolution);
        let routes = resolution.map(|resolution| resolution.profile.routes).unwrap_or_default();
        let meaning = |route: &RouteSpec| {
            let target = |t: &TargetSpec| format!("{}/{}", t.provider, t.model);
            route.targets.iter().map(target).collect::<Vec<_>>().join(", ")
        };
        let mut names: BTreeMap<String, String> =
            routes.iter().map(|(name, route)| (name.clone(), meaning(route))).collect();
        for known in KNOWN_PROVIDERS {
            for model in known.models {
                let meaning = format!("{}/{model}", known.name);
                names.entry((*model).to_owned()).or_insert(meaning);
            }
        }
        names.into_iter().map(|(name, meaning)| Name::new(name, meaning)).collect()
    }

    /// The templates that are built in.
    pub(super) fn templates(&self) -> Vec<Name> {
        render::built_in().map(|(name, makes)| Name::new(name, makes)).collect()
    }

    /// The checks.
    pub(super) fn checks(&self) -> Vec<Name> {
        check::all().iter().map(|check| Name::new(check.meta.id, check.meta.title)).collect()
    }
}

/// What the command line says for a flag, the last word left out: it is being typed.
fn flag(words: &[OsString], name: &str) -> Option<String> {
    let before = words.get(..words.len().saturating_sub(1))?;
    let texts: Vec<&str> = before.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let joined = format!("{name}=");
    texts.iter().enumerate().rev().find_map(|(n, text)| {
        if *text == name {
            texts.get(n + 1).map(|value| (*value).to_owned())
        } else {
            text.strip_prefix(&joined).map(str::to_owned)
        }
    })
}
