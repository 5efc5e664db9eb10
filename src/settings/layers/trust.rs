//! What an untrusted root does not get: secrets that its profiles refer to, and keys for addresses
//! that its profiles name.

use super::Gather;
use crate::report::Problem;
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::origin::Layer;
use crate::settings::trust::TrustStatus;
use crate::settings::trust_claims;
use std::collections::BTreeSet;

/// Whether the user has agreed to what the root's profiles ask for. Asked once: it reads every
/// profile of the root. If not, that is among the problems, with what would be sent where.
pub(super) fn trusted(gather: &mut Gather<'_>) -> bool {
    if let Some(trusted) = gather.trusted {
        return trusted;
    }
    let trusted = match trust_claims::trust(gather.workspace) {
        Ok((status, _)) if status.may_resolve() => true,
        Ok((status, claims)) => {
            let wanted = claims.wanted.iter().map(|w| w.reference.as_str());
            let to = claims.destinations.iter().map(trust_claims::shown);
            let why = why(wanted.collect(), to.collect());
            let what = match status {
                TrustStatus::Changed => {
                    "the profiles of this root have changed since you trusted them"
                }
                _ => "this root is not trusted, so its references to secrets lead to nothing",
            };
            let problem = if gather.resolution.profile.protected {
                Problem::error("untrusted-root", what)
            } else {
                Problem::warning("untrusted-root", what)
            };
            let place = gather.resolution.profile.place.clone();
            gather
                .problems
                .push(problem.at(place).why(why).hint("read them, then `ultra env trust`"));
            false
        }
        Err(problem) => {
            gather.problems.push(problem);
            false
        }
    };
    gather.trusted = Some(trusted);
    trusted
}

fn why(wanted: BTreeSet<&str>, to: BTreeSet<String>) -> String {
    let wanted = match wanted.is_empty() {
        true => "keys".to_owned(),
        false => wanted.into_iter().collect::<Vec<_>>().join(", "),
    };
    let to = to.into_iter().collect::<Vec<_>>().join(", ");
    if to.is_empty() {
        format!("its profiles want {wanted}")
    } else {
        format!("its profiles want {wanted}, to be sent to {to}")
    }
}

/// Takes back the keys that would go to an address which a profile of an untrusted root names,
/// whichever layer they come from. Addresses of higher layers are the user's own.
pub(super) fn withhold(gather: &mut Gather<'_>) {
    let keys = sent_by_profile(gather);
    let said = keys.iter().any(|key| !gather.resolution.candidates(key).is_empty());
    if keys.is_empty() {
        return;
    }
    // Nobody is asked to trust a root that gets nothing; a key that is set later goes nowhere yet.
    let agreed = if said || gather.trusted.is_some() {
        trusted(gather)
    } else {
        trust_claims::trust(gather.workspace).is_ok_and(|(status, _)| status.may_resolve())
    };
    if agreed {
        return;
    }
    for key in keys {
        gather.resolution.withhold(&key);
    }
}

/// The variables of keys that go where a profile file says.
fn sent_by_profile(gather: &Gather<'_>) -> BTreeSet<String> {
    let resolution = &gather.resolution;
    let declared = resolution.profile.providers.values().filter(|spec| spec.place.is_some());
    let mut keys: BTreeSet<String> = declared.flat_map(|spec| spec.keys.iter().cloned()).collect();
    for known in KNOWN_PROVIDERS {
        let origin = known.url.and_then(|name| resolution.text(name)).map(|(_, origin)| origin);
        if origin.is_some_and(|o| o.layer == Layer::Profile && o.place.is_some()) {
            keys.insert(known.key.to_owned());
        }
    }
    keys
}
