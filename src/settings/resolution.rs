//! What every layer says about every variable, and who wins.

use super::catalogue;
use super::origin::{Layer, Origin};
use super::profile::{Profile, SecretReference};
use super::secret::{SecretRef, ValueRef};
use crate::base::{Secret, file};
use std::collections::{BTreeMap, BTreeSet};

/// What one layer says about one variable.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// The value, or where to find it.
    pub(crate) value: ValueRef,
}

impl Candidate {
    /// Whether the value of a secret stands in a file, and no reference to it.
    pub(crate) fn stands_in_file(&self) -> bool {
        let referred = || self.origin.written_as.as_ref().is_some_and(|w| w.starts_with("env:"));
        matches!(&self.value, ValueRef::Literal(secret) if !secret.is_empty())
            && self.origin.place.is_some()
            && !(self.origin.layer == Layer::Profile && referred())
    }
}

/// Something that a layer says and that does not count.
#[derive(Clone, Debug)]
pub(crate) struct PassedOver {
    /// The variable.
    pub(crate) name: String,
    /// Who says it.
    pub(crate) origin: Origin,
    /// Why it does not count.
    pub(crate) why: InVain,
}

/// Why something that a layer says does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InVain {
    /// The root is not trusted, and would get a secret.
    Untrusted,
    /// Anything else, for people.
    Because(&'static str),
}

impl InVain {
    /// The reason for people.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Untrusted => "withheld: this root is not trusted (`ultra env trust`)",
            Self::Because(why) => why,
        }
    }
}

/// Why a key is kept from the address that it would be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// A file of a root says it, and nobody has agreed to that.
    Untrusted,
    /// A dotenv file puts it together from variables of other lines, so that nobody can.
    Pieced {
        /// The variable of the address.
        address: &'static str,
    },
}

impl Withheld {
    /// The reason for people.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Untrusted => "withheld: its address comes from a root that is not trusted",
            Self::Pieced { .. } => {
                "withheld: its address is put together from variables of other lines"
            }
        }
    }
}

/// What a file says under another name than the variable's: the application may read that name.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// The layer of the file.
    pub(crate) layer: Layer,
    /// The text as it stands there.
    pub(crate) value: ValueRef,
    /// Whether it means something to `ultra`; otherwise it is the application's alone.
    pub(crate) counts: bool,
}

/// The outcome of resolving a profile: all candidates of all variables, lowest layer first.
///
/// Names outside the catalogue are in it too; they belong to the application.
#[derive(Clone, Debug)]
pub(crate) struct Resolution {
    /// The profile that was resolved, with its own structure.
    pub(crate) profile: Profile,
    /// By variable name, candidates in the order of their layers; never an empty list.
    candidates: BTreeMap<String, Vec<Candidate>>,
    /// Keys that are kept from an address nobody agreed to.
    withheld: BTreeMap<String, (Withheld, Vec<Candidate>)>,
    /// What layers say in vain.
    passed_over: Vec<PassedOver>,
    /// By the name in the file.
    written: BTreeMap<String, Written>,
    /// Names of secrets that the process environment has with a value that is no text.
    secret_bytes: BTreeSet<String>,
}

impl Resolution {
    /// A resolution of `profile` that knows the catalogue's defaults only.
    pub(crate) fn defaults(profile: Profile) -> Self {
        let mut resolution = Self {
            profile,
            candidates: BTreeMap::new(),
            withheld: BTreeMap::new(),
            passed_over: Vec::new(),
            written: BTreeMap::new(),
            secret_bytes: BTreeSet::new(),
        };
        for spec in catalogue::all() {
            if let Some(default) = spec.default {
                let value = ValueRef::Text(default.to_owned());
                resolution.add(spec.name, Candidate { origin: Origin::of(Layer::Default), value });
            }
        }
        resolution
    }

    /// Adds what a layer says; candidates of one variable stay in the order of their layers.
    pub(crate) fn add(&mut self, name: &str, candidate: Candidate) {
        let list = self.candidates.entry(name.to_owned()).or_default();
        let at = list.partition_point(|c| c.origin.layer <= candidate.origin.layer);
        list.insert(at, candidate);
    }

    /// Forgets what every layer says of `name`: it would be sent to an address that nobody has agreed
    /// to. The first reason stays.
    pub(super) fn withhold(&mut self, name: &str, why: Withheld) {
        let said = self.candidates.remove(name).unwrap_or_default();
        self.withheld.entry(name.to_owned()).or_insert_with(|| (why, Vec::new())).1.extend(said);
    }

    /// What the layers say of a variable that is withheld, lowest layer first.
    pub(crate) fn withheld(&self, name: &str) -> &[Candidate] {
        self.withheld.get(name).map_or(&[], |(_, said)| said)
    }

    /// Why a variable is withheld; `None` if it is not.
    pub(crate) fn why_withheld(&self, name: &str) -> Option<Withheld> {
        self.withheld.get(name).map(|(why, _)| *why)
    }

    /// Remembers that what a layer says of a variable does not count.
    pub(super) fn pass_over(&mut self, passed: PassedOver) {
        self.passed_over.push(passed);
    }

    /// What layers say of `name` that does not count, in the order of their reading.
    pub(crate) fn passed_over(&self, name: &str) -> impl Iterator<Item = &PassedOver> {
        self.passed_over.iter().filter(move |passed| passed.name == name)
    }

    /// Remembers what a file says under `name`, which is another name for a variable or one that has
    /// no effect in a file. Layers come lowest first, so that the highest stays.
    pub(super) fn keep_as_written(&mut self, name: &str, written: Written) {
        self.written.insert(name.to_owned(), written);
    }

    /// What files say under other names than the variables', by those names.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&str, &Written)> {
        self.written.iter().map(|(name, written)| (name.as_str(), written))
    }

    /// What the highest file says under `name`, another name of a variable.
    pub(crate) fn written_under(&self, name: &str) -> Option<&Written> {
        self.written.get(name)
    }

    /// Leaves nothing of what layers say of `name` but the built-in default.
    pub(super) fn forget(&mut self, name: &str) {
        if let Some(said) = self.candidates.get_mut(name) {
            said.retain(|candidate| candidate.origin.layer == Layer::Default);
            if said.is_empty() {
                self.candidates.remove(name);
            }
        }
    }

    /// Remembers that `name`, which the process environment has with a value that is no text, is a
    /// secret.
    pub(super) fn keep_secret_bytes(&mut self, name: &str) {
        self.secret_bytes.insert(name.to_owned());
    }

    /// The names of secrets that the process environment has with a value that is no text: no layer
    /// says anything of them then.
    pub(crate) fn secret_bytes(&self) -> &BTreeSet<String> {
        &self.secret_bytes
    }

    /// Whether `name` is kept from an address that the user has not agreed to.
    pub(crate) fn is_withheld(&self, name: &str) -> bool {
        self.withheld.contains_key(name)
    }

    /// All candidates for `name`, lowest layer first.
    pub(crate) fn candidates(&self, name: &str) -> &[Candidate] {
        self.candidates.get(name).map_or(&[], Vec::as_slice)
    }

    /// The candidate that wins: the highest layer that says anything. An empty secret counts as
    /// unset.
    pub(crate) fn winner(&self, name: &str) -> Option<&Candidate> {
        let secret = catalogue::find(name).is_some_and(|spec| spec.secret);
        self.candidates(name).iter().rev().find(|c| {
            let counts_as_secret = secret || matches!(c.value, ValueRef::Literal(_));
            !(counts_as_secret && c.value.is_empty())
        })
    }

    /// The winning plain text of a variable that is no secret.
    pub(crate) fn text(&self, name: &str) -> Option<(&str, &Origin)> {
        match self.winner(name)? {
            Candidate { value: ValueRef::Text(text), origin } => Some((text, origin)),
            _ => None,
        }
    }

    /// The winning reference of a secret, unopened.
    pub(crate) fn secret(&self, name: &str) -> Option<SecretRef> {
        let winner = self.winner(name)?;
        Some(SecretRef {
            name: name.to_owned(),
            value: winner.value.clone(),
            origin: winner.origin.clone(),
            by_root: self.is_by_root(name, winner),
        })
    }

    /// Whether a file of the root says the value that wins: by itself, or by way of `env run` or an
    /// export, where the process environment has the very same.
    fn is_by_root(&self, name: &str, winner: &Candidate) -> bool {
        if winner.origin.layer != Layer::Process {
            return by_root(winner);
        }
        let open = |candidate: &Candidate| match &candidate.value {
            ValueRef::Text(text) => Some(Secret::new(text)),
            ValueRef::Literal(secret) => Some(secret.clone()),
            ValueRef::File(path) => file::read_secret(path).ok(),
            ValueRef::Vault { .. } => None,
        };
        let mut said = self.candidates(name).iter().filter(|said| by_root(said)).peekable();
        let Some(secret) = said.peek().and_then(|_| open(winner)) else { return false };
        said.any(|said| open(said).is_some_and(|said| said.expose() == secret.expose()))
    }

    /// Every variable that anybody says something about, by name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.candidates.keys().map(String::as_str)
    }
}

/// Whether a file of the root says it, or a file that such a one names. What a profile takes from
/// the vault or the process environment is the user's own.
fn by_root(candidate: &Candidate) -> bool {
    let reference = candidate.origin.written_as.as_deref().and_then(SecretReference::parse);
    match candidate.origin.layer {
        Layer::Profile => {
            !matches!(reference, Some(SecretReference::Vault { .. } | SecretReference::Env(_)))
        }
        Layer::DotenvBase
        | Layer::DotenvLocal
        | Layer::DotenvProfile
        | Layer::DotenvProfileLocal => true,
        Layer::Default | Layer::Vault | Layer::NamedFile | Layer::Process | Layer::Flag => false,
    }
}
