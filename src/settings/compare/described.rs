//! The configuration of a running server as it tells it: no secret, but keyed fingerprints.

use super::side::{self, Exact, Held, Side, SideKind};
use crate::base::Secret;
use crate::settings::catalogue::{self, Consumer, Reload};
use crate::settings::resolution::Resolution;
use crate::settings::secret::SecretSource;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a server runs with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Described {
    /// Names the key of the fingerprints; fingerprints of another key cannot be compared with
    /// these.
    pub(crate) fingerprint_key: Option<String>,
    /// What is set, by name.
    pub(crate) variables: Vec<DescribedVariable>,
    /// Providers, routes and policy as dotted keys; credentials of a URL are masked.
    pub(crate) structure: BTreeMap<String, String>,
    /// The keyed fingerprint of each piece of the structure that is not shown whole.
    #[serde(default)]
    pub(crate) structure_fingerprints: BTreeMap<String, String>,
}

/// One variable that has a value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DescribedVariable {
    /// Its name.
    pub(crate) name: String,
    /// The layer or file, and the line, on the machine of the server.
    pub(crate) from: String,
    /// The alias that it is written under, if under one.
    pub(crate) written_as: Option<String>,
    /// Whether nobody set it and the built-in default counts.
    pub(crate) by_default: bool,
    /// Whether it is kept from view.
    pub(crate) secret: bool,
    /// The value; credentials of a URL are masked. `None` for what is kept from view.
    pub(crate) value: Option<String>,
    /// The keyed fingerprint of what `value` does not show; `None` if there is nothing to be had.
    pub(crate) fingerprint: Option<String>,
    /// Whether a value that was loaded since the start waits for a restart.
    pub(crate) restart_pending: bool,
}

impl Described {
    /// What a server runs with that started with `start` and loaded `now` since: of variables that
    /// count at the next start only, what it started with.
    pub(crate) fn of(start: &Resolution, now: &Resolution, secrets: &dyn SecretSource) -> Self {
        let mut variables = Vec::new();
        for spec_or_name in names(start, now) {
            let live = catalogue::find(spec_or_name).is_none_or(|s| s.reload == Reload::Live);
            let held = side::of_winner(spec_or_name, if live { now } else { start }, secrets);
            let other = side::of_winner(spec_or_name, now, secrets);
            let pending = !live && !same(held.as_ref(), other.as_ref());
            let Some(held) = held else { continue };
            let fingerprint = fingerprint(&held, secrets);
            variables.push(DescribedVariable {
                name: spec_or_name.to_owned(),
                from: held.from,
                written_as: held.written_as,
                by_default: held.by_default,
                secret: held.shown.is_none(),
                value: held.shown,
                fingerprint,
                restart_pending: pending,
            });
        }
        let (mut structure, mut structure_fingerprints) = (BTreeMap::new(), BTreeMap::new());
        // A reload takes over all of it but the protection, which decides how a server starts.
        let mut held = side::structure(now);
        held.extend(side::structure(start).into_iter().filter(|(key, _)| key == PROTECTED));
        for (key, held) in held {
            if let Some(print) = fingerprint(&held, secrets) {
                structure_fingerprints.insert(key.clone(), print);
            }
            structure.extend(held.shown.map(|shown| (key, shown)));
        }
        Self {
            fingerprint_key: secrets.fingerprint_key_id().ok().flatten(),
            variables,
            structure,
            structure_fingerprints,
        }
    }

    /// The same as a side of a comparison.
    pub(crate) fn into_side(mut self, label: String) -> Side {
        let held = self.variables.into_iter().map(|variable| {
            let exact = match (&variable.value, variable.fingerprint) {
                (_, Some(print)) => Exact::Print(print),
                (Some(value), None) => Exact::Text(Secret::new(value.as_str())),
                (None, None) => Exact::Unreadable,
            };
            let held = Held {
                written_as: variable.written_as,
                from: variable.from,
                by_default: variable.by_default,
                shown: variable.value,
                exact,
            };
            (variable.name, held)
        });
        let structure = self.structure.into_iter().map(|(key, shown)| {
            let held = Held::text(shown, String::new());
            let print = self.structure_fingerprints.remove(&key);
            let exact = print.map_or(held.exact, Exact::Print);
            (key, Held { exact, ..held })
        });
        Side {
            kind: SideKind::Server,
            label,
            held: held.collect(),
            structure: Some(structure.collect()),
            prints: self.fingerprint_key,
        }
    }
}

/// The piece of the structure that counts at the next start only.
const PROTECTED: &str = "protected";

/// What a server that started with `start` and loaded `now` since takes at its next start only:
/// names of variables, and `protected`.
pub(crate) fn needs_restart(
    start: &Resolution,
    now: &Resolution,
    secrets: &dyn SecretSource,
) -> Vec<String> {
    let waits = |name: &&str| {
        let spec = catalogue::find(name);
        spec.is_some_and(|s| s.reload == Reload::Restart && s.consumer != Consumer::Cli)
            && !same(
                side::of_winner(name, start, secrets).as_ref(),
                side::of_winner(name, now, secrets).as_ref(),
            )
    };
    let mut waiting: Vec<String> =
        names(start, now).into_iter().filter(waits).map(str::to_owned).collect();
    if start.profile.protected != now.profile.protected {
        waiting.push(PROTECTED.to_owned());
    }
    waiting
}

/// The keyed fingerprint of what is not shown whole.
fn fingerprint(held: &Held, secrets: &dyn SecretSource) -> Option<String> {
    match (&held.exact, &held.shown) {
        (Exact::Text(text), Some(shown)) if text.expose() == shown => None,
        (Exact::Text(value) | Exact::Open(value), _) => secrets.fingerprint(value).ok(),
        (Exact::Print(print), _) => Some(print.clone()),
        (Exact::Missing | Exact::Unreadable, _) => None,
    }
}

/// Every variable but those that are read before any profile.
fn names<'a>(start: &'a Resolution, now: &'a Resolution) -> Vec<&'a str> {
    let mut names: Vec<&str> = start.names().chain(now.names()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| catalogue::find(name).is_none_or(|spec| !spec.bootstrap));
    names
}

fn same(a: Option<&Held>, b: Option<&Held>) -> bool {
    match (a.map(|held| &held.exact), b.map(|held| &held.exact)) {
        (None, None)
        | (Some(Exact::Missing), Some(Exact::Missing))
        | (Some(Exact::Unreadable), Some(Exact::Unreadable)) => true,
        (Some(Exact::Text(a) | Exact::Open(a)), Some(Exact::Text(b) | Exact::Open(b))) => {
            a.same_as(b)
        }
        (Some(Exact::Print(a)), Some(Exact::Print(b))) => a == b,
        _ => false,
    }
}
