//! What the files of a root say of names that dangerous values take in. The environment has its say
//! first, but what it has may have come from such a file, through an export or a tool that reads
//! dotenv files. So what the files say is a part of the agreement: its change asks again.

use super::gather::Read;
use super::told::{hook, place_of};
use crate::report::Place;
use crate::settings::Workspace;
use crate::settings::dotenv::{self, Entry};
use crate::settings::names::{self, Meaning};
use crate::settings::profile_file;
use crate::settings::taken_in::TakenIn;
use crate::settings::trust::{Claims, Hook};
use std::collections::{BTreeMap, BTreeSet};

/// Every file of a root.
pub(super) struct Files<'a> {
    pub(super) workspace: &'a Workspace,
    /// The profiles by name.
    pub(super) profiles: &'a [(String, profile_file::Document)],
    pub(super) dotenv: &'a [Read],
    /// What entries of the dotenv files take in.
    pub(super) taken_in: &'a TakenIn,
}

/// Names that can get a value of which the files only say where it is found.
pub(super) struct Veiled<'a> {
    /// Those themselves, and where the files say it.
    names: BTreeMap<&'a str, Option<&'a Place>>,
    /// Entries that take them in.
    takers: BTreeSet<&'a str>,
}

impl Veiled<'_> {
    /// Whether a value of this name can change although the files stay the same.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name) || self.takers.contains(name)
    }
}

impl<'a> Files<'a> {
    /// The names with values that can change although these files stay the same.
    pub(super) fn veiled(&self) -> Veiled<'a> {
        let mut names = BTreeMap::new();
        for (_, document) in self.profiles {
            for spec in document.providers.values() {
                names.extend(spec.keys.iter().map(|key| (&**key, spec.place.as_ref())));
            }
            names.extend(document.secrets.iter().map(|(name, _, at)| (&**name, Some(at))));
        }
        for entry in self.dotenv.iter().flat_map(|(_, document)| &document.entries) {
            if let Meaning::FileOf(spec) = names::meaning(&entry.name) {
                names.insert(spec.name, Some(&entry.place));
            }
        }
        let takers = self.taken_in.takers_of(names.keys().copied());
        Veiled { names, takers }
    }

    /// Adds what the files say of what these names take in, at any remove. What the file with the
    /// number `own` says above the lines that take it in is agreed to with these.
    pub(super) fn add<'n>(
        &self,
        takers: impl Iterator<Item = &'n str>,
        own: Option<usize>,
        claims: &mut Claims,
    ) {
        let reached = self.taken_in.reached(takers);
        self.add_these(&reached, own, claims);
    }

    /// Adds what the files say of these names.
    pub(super) fn add_these(
        &self,
        names: &BTreeSet<&str>,
        own: Option<usize>,
        claims: &mut Claims,
    ) {
        if names.is_empty() {
            return;
        }
        for (profile, document) in self.profiles {
            for said in document.vars.iter().filter(|said| names.contains(&*said.name)) {
                let said = hook(self.workspace, &said.name, &said.text, said.place.as_ref());
                claims.taken_in.insert(Hook { profile: Some(profile.clone()), now: None, ..said });
            }
        }
        for (index, ((_, profile), document)) in self.dotenv.iter().enumerate() {
            let later = (own == Some(index)).then(|| dotenv::said_later(document));
            let asked = |name: &str| {
                names.contains(name) && later.as_ref().is_none_or(|later| later.contains(name))
            };
            if !document.entries.iter().any(|entry| asked(&entry.name)) {
                continue;
            }
            let spelled = dotenv::spelled(document, &asked);
            for entry in &document.entries {
                let Some(text) = spelled.get(&entry.name) else { continue };
                let said = hook(self.workspace, &entry.name, text, Some(&entry.place));
                let profile = profile.clone();
                claims.taken_in.insert(Hook { profile, dotenv: true, now: None, ..said });
            }
        }
    }

    /// What keeps the value that `name` has at `place` from being agreed to: what it takes in that
    /// other lines say and the environment does not, or that can change although they stay. Without a
    /// place it is about the variable itself, too.
    pub(super) fn pieces(&self, name: &str, place: Option<&Place>) -> Vec<String> {
        let mut said = Claims::default();
        let mut reached = self.taken_in.reached(std::iter::once(name));
        if place.is_none() {
            reached.insert(name);
        }
        let own = place.and_then(|place| {
            let shown = |entry: &Entry| self.workspace.shown(&entry.place.file) == place.file;
            let is_own = |read: &Read| read.1.entries.first().is_some_and(shown);
            self.dotenv.iter().position(is_own)
        });
        self.add_these(&reached, own, &mut said);
        let veiled = self.veiled();
        let open = |name: &str| self.workspace.environment.has(name) && !veiled.has(name);
        let said = said.taken_in.iter().filter(|said| !open(&said.name));
        let found = veiled.names.iter().filter(|(name, _)| reached.contains(*name));
        let found =
            found.filter_map(|(name, place)| Some((*name, place_of(self.workspace, (*place)?))));
        let told: BTreeSet<String> = said
            .map(|said| (&*said.name, said.place.clone()))
            .chain(found)
            .map(|(name, place)| format!("`{name}` at {place}"))
            .collect();
        told.into_iter().collect()
    }
}
