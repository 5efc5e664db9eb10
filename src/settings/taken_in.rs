//! Keys in the dotenv files of a root whose values take in other variables: `${GITHUB_TOKEN}` in
//! one is a secret of the user's that goes where the key goes.

use super::dotenv::{self, Document};
use super::environment::Environment;
use super::names::{self, Meaning};
use super::trust::Wanted;
use super::trust_claims::File;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Variables of every process that are no secrets: an address may name the user.
const PLAIN: &[&str] = &["HOME", "HOSTNAME", "LOGNAME", "PWD", "TMPDIR", "USER"];

/// So many names that an entry takes in are looked at one by one.
const MOST: usize = 16;

/// So many bytes of such names.
const LONGEST: usize = 1024;

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

/// An entry whose value is looked into.
pub(super) struct Start<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Who says it.
    pub(super) by: By,
    /// Whether it is about the name itself, too.
    pub(super) itself: bool,
}

/// Whose lines lead to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Those of the dotenv file with this number alone; of profiles, if there is none.
    One(Option<usize>),
    /// Those of several files.
    Several,
}

impl By {
    /// Adds that these lines lead to `name`; whether that is new.
    fn also<'a>(self, name: &'a str, to: &mut BTreeMap<&'a str, Self>) -> bool {
        match to.insert(name, self) {
            None => true,
            Some(before) if before == self => false,
            Some(before) => {
                to.insert(name, Self::Several);
                before != Self::Several
            }
        }
    }
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

    /// A dotenv file says this. What is no layer gives no key a value, but other programs one to what
    /// keys take in.
    pub(super) fn reads(&mut self, file: &File<'_>, document: &Document, is_layer: bool) {
        for entry in &document.entries {
            let mut names = BTreeSet::new();
            dotenv::references(&entry.value, &mut |name| {
                names.insert(name.to_owned());
            });
            if names.is_empty() {
                continue;
            }
            self.refers.entry(entry.name.clone()).or_default().extend(names);
            if !is_layer {
                continue;
            }
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
        let mut graph = None;
        self.takers.iter().filter_map(move |taker| {
            let own = self.own_names(&taker.name)?;
            let variable = *own.first()?;
            let there = |name: &str| {
                (environment.get(name).is_some_and(|text| !text.is_empty()) && !ours.contains(name))
                    || self.declared.contains(name)
            };
            let (mut names, all) = self.first_reached(&taker.name);
            names.retain(|name| !own.contains(name) && !PLAIN.contains(name));
            if names.is_empty() && all {
                return None;
            }
            let live = !all || names.iter().any(|name| there(name));
            let mut told: Vec<String> = names.iter().map(|name| format!("${{{name}}}")).collect();
            if !all {
                told.push(format!("${{…}} {}", graph.get_or_insert_with(|| self.digest())));
            }
            Some(Wanted {
                profile: taker.profile.clone(),
                file: Some(taker.file.clone()),
                variable: variable.to_owned(),
                reference: told.join(" "),
                now: None,
                live,
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

    /// What may come into the value of an entry, and whether that is all of it: [`MOST`] names and
    /// [`LONGEST`] bytes of them are looked at, so that many entries cost what they are, and not what
    /// each of them leads to.
    fn first_reached(&self, name: &str) -> (BTreeSet<&str>, bool) {
        let mut reached = BTreeSet::new();
        let mut bytes = 0;
        let mut open = VecDeque::from([name]);
        while let Some(name) = open.pop_front() {
            for next in self.refers.get(name).into_iter().flatten() {
                work::step();
                bytes += next.len();
                if bytes > LONGEST || reached.len() >= MOST {
                    return (reached, false);
                }
                if reached.insert(next.as_str()) {
                    open.push_back(next);
                }
            }
        }
        (reached, true)
    }

    /// A digest of what every entry takes in: who takes in too much to be looked at one by one is
    /// agreed to with all of it.
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (taker, names) in &self.refers {
            hash.update((names.len() as u64).to_le_bytes());
            for name in std::iter::once(taker).chain(names) {
                hash.update((name.len() as u64).to_le_bytes());
                hash.update(name);
            }
        }
        HEXLOWER.encode(&hash.finalize())
    }

    /// Everything that may come into the values of these entries, and by whose lines. Each reference
    /// is followed two times at most, however many lines lead to it.
    pub(super) fn reached<'a>(
        &'a self,
        starts: impl Iterator<Item = Start<'a>>,
    ) -> BTreeMap<&'a str, By> {
        let (mut reached, mut followed) = (BTreeMap::new(), BTreeMap::new());
        let mut open = Vec::new();
        for Start { name, by, itself } in starts {
            if itself {
                by.also(name, &mut reached);
            }
            open.push((name, by));
        }
        while let Some((name, by)) = open.pop() {
            if !by.also(name, &mut followed) {
                continue;
            }
            for next in self.refers.get(name).into_iter().flatten() {
                work::step();
                if by.also(next, &mut reached) {
                    // What that takes in may be said anywhere.
                    open.push((next, By::Several));
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
                work::step();
                if reached.insert(*taker) {
                    open.push(taker);
                }
            }
        }
        reached
    }
}

/// Counts what is looked at, for tests that judge how the cost grows.
pub(super) mod work {
    #[cfg(test)]
    thread_local! {
        static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    /// One name, line or reference is looked at.
    pub(in crate::settings) fn step() {
        #[cfg(test)]
        STEPS.with(|steps| steps.set(steps.get() + 1));
    }

    /// The steps of this thread since the last time.
    #[cfg(test)]
    pub(in crate::settings) fn taken() -> usize {
        STEPS.with(|steps| steps.replace(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// What a chain of `count` keys wants, with `end` as what the first takes in.
    fn chain(count: usize, end: &str) -> Vec<Wanted> {
        let mut taken_in = TakenIn::default();
        let mut text = format!("K0_TOKEN=${{{end}}}\n");
        for n in 0..count {
            taken_in.declares(&format!("K{n}_TOKEN"));
            text.push_str(&format!("K{}_TOKEN=${{K{n}_TOKEN}}\n", n + 1));
        }
        taken_in.declares(&format!("K{count}_TOKEN"));
        let document = dotenv::parse(Path::new(".env"), text.as_bytes(), &mut Vec::new());
        taken_in.reads(&File { name: ".env", profile: None }, &document, true);
        taken_in.wanted(&Environment::default(), &BTreeSet::new()).collect()
    }

    #[test]
    fn what_is_wanted_grows_as_the_files_do() {
        let bytes = |count: usize| -> usize {
            let wanted = chain(count, "A");
            assert_eq!(wanted.len(), count + 1);
            wanted.iter().map(|wanted| wanted.reference.len()).sum()
        };
        let (small, large) = (bytes(1000), bytes(8000));
        assert!(large < small * 10, "{small} bytes of 1,000 keys, {large} of 8,000");
    }

    #[test]
    fn what_is_not_told_is_agreed_to_all_the_same() {
        let (one, two) = (chain(500, "A"), chain(500, "B"));
        let last = |wanted: &[Wanted]| {
            let last = wanted.iter().find(|wanted| wanted.variable == "K500_TOKEN").unwrap();
            assert!(last.live && last.reference.starts_with("${"), "{}", last.reference);
            last.reference.clone()
        };
        assert_ne!(last(&one), last(&two));
    }
}
