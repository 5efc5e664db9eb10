//! One side of a comparison: what is set there, ready to be compared.

use crate::base::{Secret, redact};
use crate::settings::catalogue;
use crate::settings::origin::Layer;
use crate::settings::resolution::Resolution;
use crate::settings::secret::{SecretRef, SecretSource, ValueRef};
use crate::settings::shown::hidden;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SideKind {
    /// A profile, with all its layers.
    Profile,
    /// A file by itself.
    File,
    /// A running server.
    Server,
}

/// One side.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// What it is.
    pub(crate) kind: SideKind,
    /// How it is called in the answer.
    pub(crate) label: String,
    /// What is set, by the variable's own name.
    pub(crate) held: BTreeMap<String, Held>,
    /// Providers, routes and policy as dotted keys; a file by itself has none.
    pub(crate) structure: Option<BTreeMap<String, Held>>,
    /// Names the key of its fingerprints; `None` if it has none.
    pub(crate) prints: Option<String>,
}

/// What one side says of a variable.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The alias that it is written under, if under one.
    pub(crate) written_as: Option<String>,
    /// The layer or file, and the line.
    pub(crate) from: String,
    /// Whether nobody set it and the built-in default counts.
    pub(crate) by_default: bool,
    /// What may be shown; `None` for a secret.
    pub(crate) shown: Option<String>,
    /// What is compared.
    pub(crate) exact: Exact,
}

/// A value as it is compared.
#[derive(Clone, Debug)]
pub(crate) enum Exact {
    /// A text, which may hold more than is shown: credentials of a URL.
    Text(Secret),
    /// A secret that is known here.
    Open(Secret),
    /// The keyed fingerprint of a secret.
    Print(String),
    /// A reference that leads to nothing.
    Missing,
    /// A secret that cannot be read, or has no fingerprint.
    Unreadable,
}

impl Held {
    /// A plain text, with credentials of a URL masked for showing.
    pub(super) fn text(text: String, from: String) -> Self {
        let shown = match url::Url::parse(&text) {
            Ok(url) if url.has_host() => Some(redact::url(&text)).filter(|m| m != url.as_str()),
            _ => None,
        };
        let shown = shown.unwrap_or_else(|| text.clone());
        let exact = Exact::Text(Secret::new(text));
        Self { written_as: None, from, by_default: false, shown: Some(shown), exact }
    }

    /// Something that is not shown.
    pub(super) fn hidden(exact: Exact, from: String) -> Self {
        Self { written_as: None, from, by_default: false, shown: None, exact }
    }
}

impl Side {
    /// The profile that was resolved. What only the process environment knows belongs to no side
    /// and is left out, as are variables that are read before any profile.
    pub(crate) fn of_resolution(
        label: String,
        resolution: &Resolution,
        secrets: &dyn SecretSource,
    ) -> Self {
        let mut held = BTreeMap::new();
        for name in resolution.names() {
            let spec = catalogue::find(name);
            let Some(winner) = resolution.winner(name) else { continue };
            let outside = winner.origin.layer == Layer::Process && spec.is_none();
            if outside || spec.is_some_and(|spec| spec.bootstrap) {
                continue;
            }
            held.insert(name.to_owned(), of_winner(name, resolution, secrets));
        }
        Self {
            kind: SideKind::Profile,
            label,
            held: held.into_iter().filter_map(|(name, held)| Some((name, held?))).collect(),
            structure: Some(structure(resolution)),
            prints: secrets.fingerprint_key_id().ok().flatten(),
        }
    }
}

/// What wins for `name`, ready to be compared.
pub(super) fn of_winner(
    name: &str,
    resolution: &Resolution,
    secrets: &dyn SecretSource,
) -> Option<Held> {
    let winner = resolution.winner(name)?;
    let candidates = resolution.candidates(name);
    let secret = hidden(name, candidates);
    let from = match &winner.origin.place {
        Some(place) => place.to_string(),
        None => winner.origin.layer.describe().to_owned(),
    };
    let held = match &winner.value {
        ValueRef::Text(text) if !secret => Held::text(text.clone(), from),
        _ => Held::hidden(exact(&resolution.secret(name)?, secrets), from),
    };
    let alias = winner.origin.written_as.clone().filter(|w| catalogue::find_alias(w).is_some());
    Some(Held { written_as: alias, by_default: winner.origin.layer == Layer::Default, ..held })
}

/// A secret, by its fingerprint if it is in the vault, which is not opened for this.
pub(super) fn exact(secret: &SecretRef, secrets: &dyn SecretSource) -> Exact {
    if let ValueRef::Vault { profile, name } = &secret.value {
        return match secrets.facts(profile, name) {
            Ok(Some(facts)) => Exact::Print(facts.fingerprint),
            Ok(None) => Exact::Missing,
            Err(_) => Exact::Unreadable,
        };
    }
    secret.reveal(secrets).map_or(Exact::Unreadable, Exact::Open)
}

/// The structure of the profile as dotted keys: what is no variable.
pub(super) fn structure(resolution: &Resolution) -> BTreeMap<String, Held> {
    let mut flat = BTreeMap::new();
    let profile = serde_json::to_value(&resolution.profile).unwrap_or_default();
    if let Value::Object(fields) = profile {
        for (key, value) in fields {
            if matches!(key.as_str(), "protected" | "providers" | "routes" | "policy") {
                flatten(key, value, &mut flat);
            }
        }
    }
    flat
}

fn flatten(key: String, value: Value, into: &mut BTreeMap<String, Held>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields.into_iter().filter(|(field, _)| field != "place") {
                flatten(format!("{key}.{field}"), value, into);
            }
        }
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Vec<String> = items.into_iter().map(text).collect();
            into.insert(key, Held::text(items.join(", "), String::new()));
        }
        Value::Array(items) => {
            for (n, item) in items.into_iter().enumerate() {
                flatten(format!("{key}.{}", n + 1), item, into);
            }
        }
        Value::Null => {}
        other => {
            into.insert(key, Held::text(text(other), String::new()));
        }
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
