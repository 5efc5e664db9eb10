//! Keys in the dotenv files of a root whose values take in other variables: `${GITHUB_TOKEN}` in
//! one is a secret of the user's that goes where the key goes.

use super::dotenv::{self, Document};
use super::environment::Environment;
use super::names::{self, Meaning};
use super::trust::Wanted;
use super::trust_claims::File;
use std::collections::{BTreeMap, BTreeSet};

/// Variables of every process that are no secrets: an address may name the user.
const PLAIN: &[&str] = &["HOME", "HOSTNAME", "LOGNAME", "PWD", "TMPDIR", "USER"];

/// Which entries take in which variables, of all dotenv files together: a value may come by way of
/// an entry of another file.
#[derive(Default)]
pub(super) struct TakenIn {
    /// By the name of an entry, what its value refers to.
    refers: BTreeMap<String, BTreeSet<String>>,
    /// Entries that refer to anything.
    takers: Vec<Taker>,
    /// Secrets that profiles declare.
    declared: BTreeSet<String>,
    /// Variables that profiles send to their providers.
    sent: BTreeSet<String>,
}

struct Taker {
    profile: Option<String>,
    file: String,
    name: String,
}

impl TakenIn {
    /// A profile declares this secret.
    pub(super) fn declares(&mut self, variable: &str) {
        self.declared.insert(variable.to_owned());
    }

    /// A profile sends this variable to a provider.
    pub(super) fn sends(&mut self, variable: &str) {
        self.sent.insert(variable.to_owned());
    }

    /// A dotenv file says this.
    pub(super) fn reads(&mut self, file: &File<'_>, document: &Document) {
        for entry in &document.entries {
            let mut names = BTreeSet::new();
            dotenv::references(&entry.value, &mut |name| {
                names.insert(name.to_owned());
            });
            if names.is_empty() {
                continue;
            }
            self.refers.entry(entry.name.clone()).or_default().extend(names);
            self.takers.push(Taker {
                profile: file.profile.map(str::to_owned),
                file: file.name.to_owned(),
                name: entry.name.clone(),
            });
        }
    }

    /// Whether any entry refers to anything.
    pub(super) fn any(&self) -> bool {
        !self.takers.is_empty()
    }

    /// What the keys among the entries take in. It is the same in every environment, but for
    /// whether there is anything to take in now: what is `ours` the files said themselves.
    pub(super) fn wanted(
        &self,
        environment: &Environment,
        ours: &BTreeSet<String>,
    ) -> impl Iterator<Item = Wanted> {
        self.takers.iter().filter_map(|taker| {
            let own = self.own_names(&taker.name)?;
            let variable = *own.first()?;
            let mut names = self.reached(std::iter::once(&*taker.name));
            names.retain(|name| !own.contains(name) && !PLAIN.contains(name));
            if names.is_empty() {
                return None;
            }
            let there = |name: &&str| {
                (environment.get(name).is_some_and(|text| !text.is_empty())
                    && !ours.contains(*name))
                    || self.declared.contains(*name)
            };
            let told: Vec<String> = names.iter().map(|name| format!("${{{name}}}")).collect();
            Some(Wanted {
                profile: taker.profile.clone(),
                file: Some(taker.file.clone()),
                variable: variable.to_owned(),
                reference: told.join(" "),
                now: None,
                live: names.iter().any(there),
            })
        })
    }

    /// All names of the key that an entry sets, its variable first; `None` if it is no key.
    fn own_names<'a>(&self, name: &'a str) -> Option<Vec<&'a str>> {
        let spec = match names::meaning(name) {
            Meaning::Variable(spec) | Meaning::Alias(spec, _) => spec,
            _ if self.declared.contains(name) || self.sent.contains(name) => {
                return Some(vec![name]);
            }
            _ => return None,
        };
        spec.secret.then(|| {
            let aliases = spec.aliases.iter().map(|alias| alias.name);
            std::iter::once(spec.name).chain(aliases).collect()
        })
    }

    /// Everything that may come into the values of these entries.
    pub(super) fn reached<'n>(&self, names: impl Iterator<Item = &'n str>) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = names.collect();
        while let Some(name) = open.pop() {
            for next in self.refers.get(name).into_iter().flatten() {
                if reached.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        reached
    }

    /// Everything into whose value one of these may come.
    pub(super) fn takers_of<'n>(&self, names: impl Iterator<Item = &'n str>) -> BTreeSet<&str> {
        let mut takers = BTreeMap::<&str, Vec<&str>>::new();
        for (taker, names) in &self.refers {
            for name in names {
                takers.entry(name).or_default().push(taker);
            }
        }
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = names.collect();
        while let Some(name) = open.pop() {
            for taker in takers.get(name).into_iter().flatten() {
                if reached.insert(*taker) {
                    open.push(taker);
                }
            }
        }
        reached
    }
}
