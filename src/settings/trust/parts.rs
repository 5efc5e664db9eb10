//! What was agreed to, part by part: what was taken away since does not ask again by itself.

use super::claims::Claims;
use crate::settings::catalogue;
use crate::settings::profile::PROMPTS;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The parts of what was agreed to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Parts {
    wanted: Vec<Part>,
    destinations: Vec<Part>,
    /// A digest of all the rest, which has to stay as it is.
    rest: String,
}

/// A reference or an address.
#[derive(Debug, Serialize, Deserialize)]
struct Part {
    digest: String,
    /// The variables of the keys that it is about.
    keys: Vec<String>,
}

impl Parts {
    pub(super) fn of(claims: &Claims) -> Self {
        let alone = |claims: Claims| claims.digest();
        let wanted = claims.wanted.iter().map(|wanted| Part {
            digest: alone(Claims { wanted: [wanted.clone()].into(), ..Claims::default() }),
            keys: vec![wanted.variable.clone()],
        });
        let destinations = claims.destinations.iter().map(|to| Part {
            digest: alone(Claims { destinations: [to.clone()].into(), ..Claims::default() }),
            keys: to.keys.clone(),
        });
        let rest = Claims {
            hooks: claims.hooks.clone(),
            taken_in: claims.taken_in.clone(),
            extends: claims.extends.clone(),
            ..Claims::default()
        };
        Self { wanted: wanted.collect(), destinations: destinations.collect(), rest: alone(rest) }
    }

    /// Whether `now` is the same but for what was taken away, and no key goes elsewhere for that:
    /// to an address that was meant for another value of it, or to the usual one of its provider.
    pub(super) fn cover(&self, now: &Self) -> bool {
        let (Some(no_reference), Some(no_address)) =
            (gone(&self.wanted, &now.wanted), gone(&self.destinations, &now.destinations))
        else {
            return false;
        };
        let names = |parts: &[Part], key: &str| {
            parts.iter().flat_map(|part| &part.keys).any(|own| canonical(own) == canonical(key))
        };
        let usual = |key: &str| catalogue::find(canonical(key)).is_some();
        self.rest == now.rest
            && !no_reference.iter().any(|key| names(&now.destinations, key))
            // Which value an address that stays was agreed to for is not known here.
            && !no_address.iter().any(|key| {
                (*key != PROMPTS && names(&now.destinations, key))
                    || (usual(key) && names(&now.wanted, key))
            })
    }
}

/// The keys of the parts that are not there any more; `None` if there are others now.
fn gone<'a>(before: &'a [Part], now: &[Part]) -> Option<Vec<&'a str>> {
    let digests = |parts: &[Part]| -> BTreeSet<String> {
        parts.iter().map(|part| part.digest.clone()).collect()
    };
    let (had, has) = (digests(before), digests(now));
    has.is_subset(&had).then(|| {
        let gone = before.iter().filter(|part| !has.contains(&part.digest));
        gone.flat_map(|part| &part.keys).map(String::as_str).collect()
    })
}

/// The name of a variable that may be written as an alias.
fn canonical(name: &str) -> &str {
    catalogue::find_alias(name).map_or(name, |(spec, _)| spec.name)
}
