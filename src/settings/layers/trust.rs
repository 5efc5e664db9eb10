//! What an untrusted root does not get: secrets that its profiles refer to, and keys for addresses
//! that its profiles or dotenv files name.

use super::Gather;
use crate::report::Problem;
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::origin::Layer;
use crate::settings::trust::TrustStatus;
use crate::settings::trust_claims;
use std::collections::BTreeSet;

/// Whether the user has agreed to what the root's files ask for. Asked once: it reads every
/// profile of the root. If not, that is among the problems, with what would be sent where.
pub(super) fn trusted(gather: &mut Gather<'_>) -> bool {
    if let Some(trusted) = gather.trusted {
        return trusted;
    }
    let trusted = match trust_claims::trust(gather.workspace) {
        Ok((status, _)) if status.may_resolve() => true,
        Ok((status, claims)) => {
            let wanted = claims.wanted.iter().map(|w| w.reference.as_str());
            let to = claims.destinations.iter().map(|to| match &to.file {
                Some(file) => format!("{} ({file})", trust_claims::shown(to)),
                None => trust_claims::shown(to),
            });
            let why = why(wanted.collect(), to.collect());
            let what = match status {
                TrustStatus::Changed => {
                    "references, addresses or variables that run code in the files of this root \
                     have changed since you trusted them"
                }
                _ => {
                    "this root is not trusted, so its references to secrets lead to nothing and no \
                     key goes to its addresses"
                }
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
        format!("its files want {wanted}")
    } else {
        format!("its files want {wanted}, to be sent to {to}")
    }
}

/// Takes back the keys that would go to an address which a profile or a dotenv file of an untrusted
/// root names, whichever layer they come from. Addresses of higher layers are the user's own.
pub(super) fn withhold(gather: &mut Gather<'_>) {
    withhold_from_pieced(gather);
    let keys = sent_by_files(gather);
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

/// Takes back the keys for addresses that dotenv files piece together from variables of other
/// files: what the user agrees to is what stands in one file, and these could change without it.
fn withhold_from_pieced(gather: &mut Gather<'_>) {
    let mut claimed = None;
    for known in KNOWN_PROVIDERS {
        let Some((name, (url, origin))) =
            known.url.and_then(|name| Some((name, gather.resolution.text(name)?)))
        else {
            continue;
        };
        if !is_dotenv(origin.layer) {
            continue;
        }
        let claimed =
            claimed.get_or_insert_with(|| trust_claims::in_dotenv_files(gather.workspace));
        if claimed.iter().any(|to| to.name == name && to.url == url) {
            continue;
        }
        let place = origin.place.clone();
        let has_key = known.keys().any(|key| !gather.resolution.candidates(key).is_empty());
        for key in known.keys() {
            gather.resolution.withhold(key);
        }
        if !has_key {
            continue;
        }
        gather.problems.push(
            Problem::error("pieced-address", format!("no key goes to the address in `{name}`"))
                .at(place)
                .why("it is put together from variables of other files, so nobody can agree to it")
                .hint(format!("write the whole address, or set `{name}` in the environment")),
        );
    }
}

/// Whether the layer is a dotenv file of the root, which may have come with a clone.
fn is_dotenv(layer: Layer) -> bool {
    (Layer::DotenvBase..=Layer::DotenvProfileLocal).contains(&layer)
}

/// The variables of keys that go where a file of the root says.
fn sent_by_files(gather: &Gather<'_>) -> BTreeSet<String> {
    let resolution = &gather.resolution;
    let declared = resolution.profile.providers.values().filter(|spec| spec.place.is_some());
    let mut keys: BTreeSet<String> = declared.flat_map(|spec| spec.keys.iter().cloned()).collect();
    // An admin key goes where the keys go that it makes.
    for known in KNOWN_PROVIDERS {
        if let Some(admin) = known.admin.filter(|_| keys.contains(known.key)) {
            keys.insert(admin.key.to_owned());
        }
    }
    for known in KNOWN_PROVIDERS {
        let origin = known.url.and_then(|name| resolution.text(name)).map(|(_, origin)| origin);
        if origin
            .is_some_and(|o| is_dotenv(o.layer) || (o.layer == Layer::Profile && o.place.is_some()))
        {
            keys.extend(known.keys().map(str::to_owned));
        }
    }
    keys
}
