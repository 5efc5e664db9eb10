//! What differs between two profiles, without showing a secret.

use crate::base::redact;
use crate::settings::catalogue;
use crate::settings::origin::Layer;
use crate::settings::resolution::Resolution;
use crate::settings::secret::{SecretRef, SecretSource, ValueRef};
use crate::settings::secretish;
use serde::Serialize;
use std::collections::BTreeSet;

/// A variable that has another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// The variable.
    pub(crate) name: String,
    /// The value before: a text, or the fingerprint of a secret; `None` if unset.
    pub(crate) before: Option<String>,
    /// The value after.
    pub(crate) after: Option<String>,
    /// Whether these are fingerprints.
    pub(crate) secret: bool,
}

/// All variables whose values differ, by name. Names that only the process environment knows
/// are the same on both sides by nature and left out.
pub(crate) fn changes(
    before: &Resolution,
    after: &Resolution,
    secrets: &dyn SecretSource,
) -> Vec<Change> {
    let names: BTreeSet<&str> = before.names().chain(after.names()).collect();
    names
        .into_iter()
        .filter(|name| !catalogue::find(name).is_some_and(|spec| spec.bootstrap))
        .filter_map(|name| {
            let hidden = hidden(name, before) || hidden(name, after);
            let (a, b) = (show(name, before, hidden, secrets), show(name, after, hidden, secrets));
            (a != b).then(|| Change { name: name.to_owned(), before: a, after: b, secret: hidden })
        })
        .collect()
}

/// Whether the value must not be shown.
fn hidden(name: &str, resolution: &Resolution) -> bool {
    match catalogue::find(name) {
        Some(spec) => spec.secret,
        None => {
            secretish::name(name)
                || resolution.candidates(name).iter().any(|c| match &c.value {
                    ValueRef::Text(text) => secretish::value(text),
                    ValueRef::Literal(_) | ValueRef::Vault { .. } | ValueRef::File(_) => true,
                })
        }
    }
}

fn show(
    name: &str,
    resolution: &Resolution,
    hidden: bool,
    secrets: &dyn SecretSource,
) -> Option<String> {
    let winner = resolution.winner(name)?;
    if winner.origin.layer == Layer::Process && catalogue::find(name).is_none() {
        return None;
    }
    match &winner.value {
        ValueRef::Text(text) if !hidden => Some(match url::Url::parse(text) {
            Ok(url) if url.has_host() => redact::url(text),
            _ => text.clone(),
        }),
        _ => resolution.secret(name).map(|secret| fingerprint(&secret, secrets)),
    }
}

/// The keyed fingerprint of a secret, from the vault's index where it lives there; a secret that
/// cannot be had is said to be so.
pub(crate) fn fingerprint(secret: &SecretRef, secrets: &dyn SecretSource) -> String {
    let had = match &secret.value {
        ValueRef::Vault { profile, name } => {
            secrets.facts(profile, name).map(|facts| facts.map(|facts| facts.fingerprint))
        }
        ValueRef::Text(_) | ValueRef::Literal(_) | ValueRef::File(_) => {
            secret.reveal(secrets).and_then(|value| secrets.fingerprint(&value)).map(Some)
        }
    };
    match had {
        Ok(Some(fingerprint)) => fingerprint,
        Ok(None) => "missing".to_owned(),
        Err(_) => "not readable".to_owned(),
    }
}
