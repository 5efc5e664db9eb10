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
use crate::settings::taken_in::{By, Start, TakenIn, work};
use crate::settings::trust::{Claims, Hook};
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

/// So many of the lines that keep a value from being agreed to are told.
const MOST_TOLD: usize = 8;

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
        let layers = self.dotenv.iter().filter(|read| read.is_layer);
        for entry in layers.flat_map(|read| &read.document.entries) {
            if let Meaning::FileOf(spec) = names::meaning(&entry.name) {
                names.insert(spec.name, Some(&entry.place));
            }
        }
        let takers = self.taken_in.takers_of(names.keys().copied());
        Veiled { names, takers }
    }

    /// Adds what the files say of what these take in, at any remove. What a file says above the lines
    /// of its own that take it in is agreed to with these. One look at each file, whatever takes in
    /// how much.
    pub(super) fn add<'s>(&'s self, starts: impl Iterator<Item = Start<'s>>, claims: &mut Claims) {
        let reached = self.taken_in.reached(starts);
        self.add_these(&reached, claims);
    }

    fn add_these(&self, reached: &BTreeMap<&str, By>, claims: &mut Claims) {
        if reached.is_empty() {
            return;
        }
        for (profile, document) in self.profiles {
            for said in &document.vars {
                work::step();
                if reached.contains_key(&*said.name) {
                    let said = hook(self.workspace, &said.name, &said.text, said.place.as_ref());
                    let profile = Some(profile.clone());
                    claims.taken_in.insert(Hook { profile, now: None, ..said });
                }
            }
        }
        for (index, Read { profile, document, .. }) in self.dotenv.iter().enumerate() {
            let later = LazyCell::new(|| dotenv::said_later(document));
            let asked = |name: &str| match reached.get(name) {
                None => false,
                Some(By::One(Some(own))) if *own == index => later.contains(name),
                Some(_) => true,
            };
            let any = document.entries.iter().any(|entry| {
                work::step();
                asked(&entry.name)
            });
            if !any {
                continue;
            }
            let spelled = dotenv::spelled(document, &asked);
            for entry in &document.entries {
                work::step();
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
        let own = place.and_then(|place| {
            let shown = |entry: &Entry| self.workspace.shown(&entry.place.file) == place.file;
            let is_own = |read: &Read| read.document.entries.first().is_some_and(shown);
            self.dotenv.iter().position(is_own)
        });
        let start = Start { name, by: By::One(own), itself: place.is_none() };
        let reached = self.taken_in.reached(std::iter::once(start));
        let mut said = Claims::default();
        self.add_these(&reached, &mut said);
        let veiled = self.veiled();
        let open = |name: &str| self.workspace.environment.has(name) && !veiled.has(name);
        let said = said.taken_in.iter().filter(|said| !open(&said.name));
        let found = veiled.names.iter().filter(|(name, _)| reached.contains_key(*name));
        let found =
            found.filter_map(|(name, place)| Some((*name, place_of(self.workspace, (*place)?))));
        let told: BTreeSet<String> = said
            .map(|said| (&*said.name, said.place.clone()))
            .chain(found)
            .map(|(name, place)| format!("`{name}` at {place}"))
            .collect();
        let more = told.len().saturating_sub(MOST_TOLD);
        let mut told: Vec<String> = told.into_iter().take(MOST_TOLD).collect();
        if more > 0 {
            told.push(format!("{more} more"));
        }
        told
    }
}
