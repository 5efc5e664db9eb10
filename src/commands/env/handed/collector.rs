//! What is taken of each variable: handed on, left out, or kept from the command altogether.

use super::super::provider_keys::ProviderKeys;
use crate::base::Secret;
use crate::settings::catalogue::{self, VarSpec};
use crate::settings::environment::{APPLICATION, EXPORTED};
use crate::settings::profile::canonical;
use crate::settings::resolution::{Candidate, Resolution};
use crate::settings::secret::{SecretRef, ValueRef};
use crate::settings::{Layer, Workspace, secretish, shown};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a variable belongs to `ultra` and its operator, and reaches no command.
pub(super) fn internal(name: &str) -> bool {
    catalogue::find(name).is_some_and(|spec| spec.internal)
}

/// Whether a value is the operator's key, whatever the name it would be handed on under.
fn operators(value: &ValueRef) -> bool {
    matches!(value, ValueRef::Vault { name, .. }
        if catalogue::find_vault(name).is_some_and(|spec| spec.operator))
}

/// One variable with its value, kept as a secret whether it is one or not.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// The value.
    pub(crate) value: Secret,
    /// Whether it must not be shown.
    pub(crate) secret: bool,
    /// The layer that said it.
    pub(crate) layer: Layer,
}

/// What is handed on.
#[derive(Debug, Default)]
pub(crate) struct Handed {
    /// By name.
    pub(crate) given: BTreeMap<String, Given>,
    /// Secrets whose values nobody asked for.
    pub(crate) left_out: BTreeSet<String>,
    /// Names whose values the vault gave.
    pub(crate) from_vault: BTreeSet<String>,
    /// Names of the process environment that end here.
    pub(crate) kept: BTreeSet<String>,
    /// Names of secrets that the process environment has with a value that is no text: a command
    /// inherits them.
    pub(crate) secret_bytes: BTreeSet<String>,
}

/// What takes the variables one by one.
pub(super) struct Collector<'a> {
    /// Where the command runs, with its process environment.
    pub(super) workspace: &'a Workspace,
    /// What the profile says.
    pub(super) resolution: &'a Resolution,
    /// The keys of providers, which a gateway stands in for.
    pub(super) provider_keys: Option<ProviderKeys>,
    /// What was taken so far.
    pub(super) handed: Handed,
}

impl Collector<'_> {
    /// Hands the value on, under every name that its reader looks for.
    pub(super) fn give(&mut self, name: &str, value: Secret, secret: bool, layer: Layer) {
        let given = Given { value, secret, layer };
        if let Some((alias, value, counts)) = self.written_as(name) {
            self.handed.given.insert(alias, Given { value, ..given.clone() });
            if !counts {
                // It means nothing to us: only its reader knows what.
                return;
            }
        }
        if catalogue::find(name).is_some_and(|spec| spec.secret) {
            // With the value itself at hand, the file of the same secret would contradict it.
            self.keep_if_set(&format!("{name}_FILE"));
        }
        self.handed.given.insert(name.to_owned(), given);
    }

    /// The other name under which a file says the variable, for its reader looks for that one; what
    /// stands there; and whether it means anything to us.
    fn written_as(&self, name: &str) -> Option<(String, Secret, bool)> {
        let origin = &self.resolution.winner(name)?.origin;
        let alias = origin.written_as.as_ref().filter(|_| origin.layer < Layer::Process)?;
        let written = self.resolution.written_under(alias)?;
        (written.layer == origin.layer).then_some(())?;
        Some((alias.clone(), text(&written.value)?, written.counts))
    }

    /// What files say under names that mean nothing to us there: `USE_MOCK=maybe`, `ENVIRONMENT`.
    /// The process environment has its say first, and the command inherits it.
    pub(super) fn as_written(&mut self, secrets: bool, wanted: impl Fn(&str) -> bool) {
        let resolution = self.resolution;
        for (name, written) in resolution.written().filter(|(_, written)| !written.counts) {
            let variable = catalogue::find_alias(name).map_or(name, |(spec, _)| spec.name);
            let said = self.handed.given.contains_key(name);
            if said
                || !wanted(variable)
                || internal(variable)
                || self.workspace.environment.get(name).is_some()
            {
                continue;
            }
            let Some(value) = text(&written.value) else { continue };
            let secret =
                matches!(written.value, ValueRef::Literal(_)) || secretish::perhaps(value.expose());
            if secret && !secrets {
                self.handed.left_out.insert(name.to_owned());
                continue;
            }
            let given = Given { value, secret, layer: written.layer };
            self.handed.given.insert(name.to_owned(), given);
        }
    }

    /// What is there to hand on under a name: given at once if it is plain, returned if it has to
    /// be opened.
    pub(super) fn look(&mut self, name: &str, secrets: bool) -> Option<SecretRef> {
        if internal(name) {
            return None;
        }
        let winner = self.resolution.winner(name)?;
        let layer = winner.origin.layer;
        if built_in(winner) || operators(&winner.value) {
            return None;
        }
        let secret = shown::hidden(name, self.resolution.candidates(name));
        if secret && !secrets {
            self.handed.left_out.insert(name.to_owned());
            return None;
        }
        if let ValueRef::Text(text) = &winner.value {
            self.give(name, Secret::new(text.as_str()), secret, layer);
            return None;
        }
        self.resolution.secret(name)
    }

    /// A variable that nobody wants: it does not reach the child by another way either.
    pub(super) fn pass_over(&mut self, name: &str) {
        let known = self.resolution.winner(name).is_some_and(|w| !built_in(w));
        if known {
            self.keep(name);
        }
    }

    fn keep_if_set(&mut self, name: &str) {
        if self.workspace.environment.has(name) {
            self.handed.kept.insert(name.to_owned());
        }
    }

    /// Keeps a variable under all its names.
    pub(super) fn keep(&mut self, name: &str) {
        self.keep_if_set(name);
        self.keep_if_set(&format!("{name}_FILE"));
        let aliases = catalogue::find(name).map_or(&[][..], |spec| spec.aliases);
        for alias in aliases {
            self.keep_if_set(alias.name);
            self.keep_if_set(&format!("{}_FILE", alias.name));
        }
    }

    /// Our own variables that no child gets: internal ones, keys that are withheld, and what looks
    /// like either from another version of ours.
    pub(super) fn names_of_ours(&mut self) {
        let ours = |spec: &&VarSpec| spec.internal || self.resolution.is_withheld(spec.name);
        let names: Vec<&str> = catalogue::all().filter(ours).map(|spec| spec.name).collect();
        for name in names {
            self.keep(name);
        }
        // Digests of values, some of which may be kept back; and what a command finds in its
        // environment is no export of a shell any more.
        self.keep_if_set(EXPORTED);
        let taken_back = self.workspace.environment.taken_back();
        self.handed.kept.extend(taken_back.map(|(name, _)| name.to_owned()));
        self.keep_if_set(APPLICATION);
        let foreign: Vec<String> = self
            .workspace
            .environment
            .names()
            .filter(|name| {
                let ours = name.starts_with("ULTRA_") && catalogue::find(name).is_none();
                (ours && (name.starts_with("ULTRA_VAULT_") || secretish::name(name)))
                    || self.resolution.is_withheld(name)
            })
            .map(str::to_owned)
            .collect();
        self.handed.kept.extend(foreign);
    }

    /// The profile in use, so that another `ultra` further down means the same one.
    pub(super) fn profile(&mut self) {
        let profile = &self.workspace.profile;
        let given =
            || Given { value: Secret::new(profile.as_str()), secret: false, layer: Layer::Flag };
        let environment = &self.workspace.environment;
        let other = environment.get("ENVIRONMENT").filter(|v| !v.is_empty());
        let other = other.filter(|_| !environment.is_applications("ENVIRONMENT"));
        if other.is_some_and(|other| canonical(other) != *profile) {
            self.handed.given.insert("ENVIRONMENT".to_owned(), given());
        }
        self.handed.given.insert("ULTRA_PROFILE".to_owned(), given());
    }

    /// What stands in the process environment and must not be handed on with a gateway: keys of
    /// providers, whatever they are called.
    pub(super) fn process(&mut self) {
        let Some(keys) = &self.provider_keys else { return };
        let found: Vec<String> = self
            .workspace
            .environment
            .iter()
            .filter(|(name, text)| keys.named(name) || keys.is_key(text))
            .map(|(name, _)| name.to_owned())
            .collect();
        self.handed.kept.extend(found);
        self.handed
            .given
            .retain(|name, given| !keys.named(name) && !keys.is_key(given.value.expose()));
    }
}

/// Whether only the program itself says it: a default, or a profile that is built in. A child that
/// is `ultra` knows it too, and to another program it means nothing.
fn built_in(winner: &Candidate) -> bool {
    let origin = &winner.origin;
    origin.layer == Layer::Default || (origin.layer == Layer::Profile && origin.place.is_none())
}

/// A text that stands in a layer.
fn text(value: &ValueRef) -> Option<Secret> {
    match value {
        ValueRef::Text(text) => Some(Secret::new(text.as_str())),
        ValueRef::Literal(secret) => Some(secret.clone()),
        ValueRef::Vault { .. } | ValueRef::File(_) => None,
    }
}
