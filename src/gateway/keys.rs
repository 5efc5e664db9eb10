//! From configured keys to slots: opened at start-up and whenever they may have changed.

use super::routes::{Backend, Provider};
use super::slots::{Change, Opened, Source, Standing};
use super::table::Table;
use crate::base::{Salted, Secret};
use crate::report::Problem;
use crate::settings::profile::PROMPTS;
use crate::settings::secret::{SecretRef, SecretSource, ValueRef};
use crate::settings::{Layer, Resolution, Settings};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Service keys of ours begin like this; sent to a provider they would leak.
const OWN_PREFIX: &str = "uk_";

/// What opening the keys of all providers came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reloaded {
    /// What changed in the slots.
    pub(crate) change: Change,
    /// Keys that could not be used, and why.
    pub(crate) problems: Vec<Problem>,
}

/// Takes out of use what was taken out of the vault, and versions that may not even stand by any
/// more; says how many keys that were. A vault that is not there, or whose index cannot be read,
/// says nothing of that kind.
pub(crate) fn withdraw(table: &Table, secrets: &dyn SecretSource) -> usize {
    let mut count = 0;
    for provider in table.providers() {
        let withdrawn = withdraw_from(provider, secrets);
        if withdrawn > 0 && !provider.slots.usable() {
            provider.explain(Some("its key was taken out of the vault".to_owned()));
        }
        count += withdrawn;
    }
    count
}

fn withdraw_from(provider: &Provider, secrets: &dyn SecretSource) -> usize {
    if secrets.holds_nothing() {
        return 0;
    }
    provider.slots.withdraw(|source| standing(source, secrets))
}

/// Whether a key was taken out of the vault that it came from; false if nobody can say.
pub(crate) fn is_gone(source: &Source, secrets: &dyn SecretSource) -> bool {
    standing(source, secrets) == Standing::Gone
}

fn standing(source: &Source, secrets: &dyn SecretSource) -> Standing {
    let Some((profile, name)) = &source.entry else { return Standing::Unknown };
    match secrets.opened(profile, name) {
        Ok(None) => Standing::Gone,
        Ok(Some((facts, _))) => Standing::Held {
            version: facts.version.into(),
            standby: facts.standby.into_iter().map(u64::from).collect(),
        },
        Err(_) => Standing::Unknown,
    }
}

/// Opens the keys of all providers and swaps their slots. A key that cannot be opened leaves its
/// slot as it was. Blocks on files and the vault.
pub(crate) fn load(
    table: &Table,
    resolution: &Resolution,
    secrets: &dyn SecretSource,
    now: Instant,
) -> Reloaded {
    let mut reloaded = Reloaded::default();
    for provider in table.providers() {
        // A known provider is configured by its key alone, which may come later.
        let named = resolution.profile.providers.contains_key(&*provider.name);
        provider.configured.store(named || provider.is_our_mock(), Ordering::Relaxed);
        let Backend::Http { .. } = provider.backend else { continue };
        let (mut opened, mut kept, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
        let mut barred = Vec::new();
        for variable in &provider.keys {
            let Some(reference) = resolution.secret(variable) else {
                reasons.push(format!("`{variable}` is not set"));
                continue;
            };
            match open(provider, &reference, secrets) {
                Ok(key) => opened.push(key),
                Err(problem) => {
                    reasons.push(problem.what.clone());
                    // A key that may not be used is no longer used; one that cannot be read now
                    // is used on.
                    if problem.code == BOUND_ELSEWHERE {
                        barred.push((variable, source(&reference)));
                    } else if !MISUSES.contains(&problem.code) {
                        kept.push(variable.clone());
                    }
                    reloaded.problems.push(problem);
                }
            }
        }
        if provider.keys.is_empty() {
            match resolution.is_withheld(PROMPTS) {
                false => opened.push(Opened::without_key()),
                true => reasons.push(
                    "nobody has agreed to the address that files give it (ultra env trust)"
                        .to_owned(),
                ),
            }
        }
        provider.explain((!reasons.is_empty()).then(|| reasons.join(", ")));
        let change = provider.slots.replace(&provider.name, opened, &kept, now);
        reloaded.change.added += change.added;
        reloaded.change.drained += change.drained;
        // After the new ones are there: no request falls into a gap between them.
        reloaded.change.withdrawn += withdraw_from(provider, secrets);
        // What may not be sent here any more does not even stand by.
        for (variable, source) in barred {
            reloaded.change.withdrawn += provider.slots.bar(variable, &source);
        }
    }
    reloaded
}

/// Codes of problems that forbid a key, rather than hide it.
const MISUSES: [&str; 2] = ["own-key-for-provider", "malformed-key"];

/// Code of the problem that a key may not be sent where the provider is.
const BOUND_ELSEWHERE: &str = "key-bound-elsewhere";

fn open(
    provider: &Provider,
    reference: &SecretRef,
    secrets: &dyn SecretSource,
) -> Result<Opened, Problem> {
    let variable = &reference.name;
    let (facts, secret) = reference.opened(secrets)?;
    if let (Some(facts), Backend::Http { base_url, .. }) = (&facts, &provider.backend) {
        reference.may_go_to(facts, base_url)?;
    }
    usable(&secret, variable)?;
    let credentials = provider.dialect.credentials(&secret).ok_or_else(|| {
        Problem::error("malformed-key", format!("the value of `{variable}` cannot be a key"))
            .why("it holds a line break or another control character")
    })?;
    // Of the value that is sent. For comparing only: without it the key works all the same.
    let fingerprint = secrets.fingerprint(&secret).ok();
    let mut source = source(reference);
    source.salted = source.file.as_ref().and_then(|_| Salted::of(&secret));
    Ok(Opened {
        variable: variable.clone(),
        secret,
        credentials,
        made_at: facts.as_ref().map(|f| f.created_at),
        drain: facts.as_ref().and_then(|f| f.drain),
        version: facts.map(|f| f.version),
        fingerprint,
        source,
    })
}

/// Where a key comes from, as servers tell whoever rotates it.
pub(crate) fn source(reference: &SecretRef) -> Source {
    let word = match &reference.value {
        ValueRef::Vault { .. } => "vault".to_owned(),
        ValueRef::File(_) => "file".to_owned(),
        ValueRef::Text(_) | ValueRef::Literal(_) => match reference.origin.layer {
            Layer::Process => "environment".to_owned(),
            _ => reference.origin.to_string(),
        },
    };
    let file = match &reference.value {
        ValueRef::File(path) => Some(path.clone()),
        _ => None,
    };
    let entry = match &reference.value {
        ValueRef::Vault { profile, name } => Some((profile.clone(), name.clone())),
        _ => None,
    };
    Source { word, layer: reference.origin.layer, file, entry, salted: None }
}

fn usable(secret: &Secret, variable: &str) -> Result<(), Problem> {
    if secret.expose().starts_with(OWN_PREFIX) {
        return Err(Problem::error(
            "own-key-for-provider",
            format!("`{variable}` holds a service key of ultra, not a key of a provider"),
        )
        .why("it would be sent to the provider")
        .hint("ultra keys set NAME --replace"));
    }
    if secret.is_empty() {
        return Err(Problem::error("malformed-key", format!("`{variable}` is empty")));
    }
    Ok(())
}

/// The files whose change may mean other keys: those that hold one, and the vault.
pub(crate) fn files(
    table: &Table,
    settings: &Settings,
    resolution: &Resolution,
    vault: &std::path::Path,
) -> Vec<PathBuf> {
    let file = |value: &ValueRef| match value {
        ValueRef::File(path) => Some(path.clone()),
        ValueRef::Vault { .. } => Some(vault.to_owned()),
        ValueRef::Text(_) | ValueRef::Literal(_) => None,
    };
    let keys = table.providers().flat_map(|p| p.keys.iter());
    let own = [&settings.auth.jwt_key, &settings.auth.encryption_key].into_iter().flatten();
    let mut files: Vec<PathBuf> = keys
        .filter_map(|variable| file(&resolution.secret(variable)?.value))
        .chain(own.filter_map(|reference| file(&reference.value)))
        // A vault that appears, or one that a first key is put into, changes what there is.
        .chain([vault.to_owned()])
        .collect();
    files.sort();
    files.dedup();
    files
}
