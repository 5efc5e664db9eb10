//! Many values into the vault at once, by the rules of `keys set`: examined all together, then
//! written in one piece or not at all.

use super::names::{self, Key};
use super::set::{self, Test};
use super::{Desk, rotate, value};
use crate::base::Secret;
use crate::exit::ExitStatus;
use crate::report::{Fault, Place, Problem};
use crate::secrets::audit::Event;
use crate::secrets::{BackendKind, Edited, Written};
use crate::settings::SecretSource as _;

/// A value that wants to go into the vault.
pub(crate) struct Item {
    /// Its variable, or its name in the vault.
    pub(crate) name: String,
    /// The value.
    pub(crate) secret: Secret,
    /// Where it stands.
    pub(crate) place: Place,
}

/// How values are taken in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Whether a value that is there may be replaced.
    pub(crate) replace: bool,
    /// Whether providers are asked about their keys.
    pub(crate) verify: bool,
    /// Whether values may be written although a higher layer wins.
    pub(crate) shadowed: bool,
    /// What keeps the identity of a new vault.
    pub(crate) backend: Option<BackendKind>,
    /// Whether nothing is sent or written.
    pub(crate) dry_run: bool,
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is new.
    New,
    /// It is in the vault already.
    Same,
    /// It takes the place of another.
    Replaces,
}

/// A value that may go into the vault.
pub(crate) struct Ready {
    key: Key,
    secret: Secret,
    test: Option<Test>,
    /// The name that it was given under.
    pub(crate) wanted: String,
    /// What becomes of it.
    pub(crate) fate: Fate,
    /// Its fingerprint, if it can be made without writing anything.
    pub(crate) fingerprint: Option<String>,
}

impl Ready {
    /// The name in the vault.
    pub(crate) fn entry(&self) -> &str {
        &self.key.name
    }

    /// Where the provider's answer bound it to, and whether it accepted it.
    pub(crate) fn tested(&self) -> Option<bool> {
        self.key.provider.as_ref()?;
        self.test.as_ref().map(|test| test.accepted)
    }
}

/// Whether a variable has a place in the vault of this profile, and what it is called there.
pub(crate) fn entry_of(desk: &Desk<'_>, variable: &str) -> Option<String> {
    names::find(desk, variable).ok().map(|key| key.name)
}

/// Examines every value. Providers are asked only when everything else is right.
///
/// # Errors
/// All problems at once: values that cannot be right or that a provider refuses (3), a vault that
/// cannot be read (5), existing or shadowed entries (6).
pub(crate) fn examine(
    desk: &Desk<'_>,
    items: Vec<Item>,
    options: &Options,
) -> Result<Vec<Ready>, Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut ready = Vec::new();
    for item in items {
        let place = item.place.clone();
        match one(desk, item, options) {
            Ok(one) => ready.push((one, place)),
            Err(fault) => faults.push(at(fault, &place)),
        }
    }
    let writes = ready.iter().any(|(one, _)| one.fate != Fate::Same);
    if faults.is_empty() && !options.dry_run && writes {
        // A value that could not be kept is not sent anywhere either.
        desk.vault.document()?;
        for (one, place) in ready.iter_mut().filter(|(one, _)| one.fate != Fate::Same) {
            let tested = if options.verify {
                set::test(desk, &one.key, &one.secret)
            } else {
                Ok(set::not_asked(&one.key))
            };
            match tested {
                Ok(test) => one.test = Some(test),
                Err(fault) => faults.push(at(fault, place)),
            }
        }
    }
    merged(faults).map_or(Ok(ready.into_iter().map(|(one, _)| one).collect()), Err)
}

fn at(mut fault: Fault, place: &Place) -> Fault {
    for problem in &mut fault.problems {
        problem.place.get_or_insert_with(|| place.clone());
    }
    fault
}

/// All faults as one; a value that is wrong comes before one that is refused.
fn merged(faults: Vec<Fault>) -> Option<Fault> {
    let order = |fault: &Fault| match fault.status {
        ExitStatus::Interrupted => 0,
        ExitStatus::DoesNotHold => 1,
        ExitStatus::Unreachable => 2,
        _ => 3,
    };
    let status = faults.iter().min_by_key(|fault| order(fault))?.status;
    Some(Fault::new(status, faults.into_iter().flat_map(|fault| fault.problems).collect()))
}

fn one(desk: &Desk<'_>, item: Item, options: &Options) -> Result<Ready, Fault> {
    let key = names::find(desk, &item.name)?;
    value::check(&key, &item.secret)?;
    let profile = desk.profile();
    let facts = desk.vault.facts(profile, &key.name).map_err(Fault::unreachable)?;
    let known = desk.vault.path("fingerprint.key").is_file();
    let fingerprint = if known || !options.dry_run {
        Some(desk.vault.fingerprint(&item.secret).map_err(Fault::unreachable)?)
    } else {
        None
    };
    let fate = match &facts {
        None => Fate::New,
        Some(facts) if fingerprint.as_ref() == Some(&facts.fingerprint) => Fate::Same,
        Some(_) if options.replace => Fate::Replaces,
        Some(facts) => return Err(exists(desk, &key, facts.version)),
    };
    if fate != Fate::Same {
        desk.not_shadowed(&key, options.shadowed)?;
    }
    if fate == Fate::Replaces && !options.dry_run {
        let overview = desk.vault.overview()?;
        let bound = overview.entry(profile, &key.name).and_then(|e| e.current());
        rotate::same_destination(desk, &key, bound)?;
    }
    Ok(Ready { key, secret: item.secret, test: None, wanted: item.name, fate, fingerprint })
}

fn exists(desk: &Desk<'_>, key: &Key, version: u32) -> Fault {
    Fault::refused(
        Problem::error("entry-exists", format!("the vault has another value for `{}`", key.name))
            .why(format!("version {version} is in use in profile `{}`", desk.profile()))
            .hint(format!(
                "keep that one with `--except {}`, or take this one with `--replace`",
                key.variable.as_deref().unwrap_or(&key.name)
            )),
    )
}

/// Writes what is new, all of it in one write. `None` if everything was there.
///
/// # Errors
/// A rotation is at work (5) or unfinished (6), another writer was faster (6), no backend (5).
pub(crate) fn keep(
    desk: &Desk<'_>,
    ready: &[Ready],
    options: &Options,
) -> Result<Option<Written<usize>>, Fault> {
    let fresh: Vec<&Ready> = ready.iter().filter(|one| one.fate != Fate::Same).collect();
    if fresh.is_empty() {
        return Ok(None);
    }
    // One lock keeps all rotations away; it is taken for each name to look for an unfinished one.
    let mut rotation = None;
    for one in &fresh {
        drop(rotation.take());
        rotation = Some(set::no_rotation(desk, &one.key)?);
    }
    let now = desk.vault.clock().now();
    let written = desk.vault.write(options.backend, "env import", |document| {
        let mut events = Vec::new();
        for one in &fresh {
            let entry = document.entry_mut(desk.profile(), &one.key.name);
            // Asked again under the lock: another writer may have been faster.
            match entry.current() {
                Some(current) if current.value.same_as(&one.secret) => continue,
                Some(current) if !options.replace => {
                    return Err(exists(desk, &one.key, current.number));
                }
                _ => {}
            }
            let unasked = Test::default();
            let test = one.test.as_ref().unwrap_or(&unasked);
            let destination = test.destination.clone();
            let version = set::put(entry, one.secret.clone(), test, now);
            events.push(Event {
                event: if one.fate == Fate::Replaces { "replace" } else { "set" }.to_owned(),
                profile: desk.profile().to_owned(),
                name: one.key.name.clone(),
                version,
                fingerprint: one.fingerprint.clone(),
                detail: destination,
            });
        }
        Ok(Edited { value: events.len(), events })
    })?;
    for warning in &written.warnings {
        desk.console.warn(warning);
    }
    for one in fresh {
        if let Some(why) = one.test.as_ref().and_then(|test| test.untested.as_ref()) {
            desk.console.warn(&set::untested(desk, &one.key, why));
        }
    }
    Ok(Some(written))
}
