//! The keys that this server signs, verifies and seals with: which ones it has, and what each is
//! for. They are no provider's, so they have no slots; they are shown as if they had.

use super::auth::{self, LONGEST_LIFE, Seal, Seals, TokenKeys};
use super::state::App;
use crate::base::{Secret, Timestamp};
use crate::gateway::keys::{is_gone, source};
use crate::gateway::slots::Source;
use crate::report::Problem;
use crate::settings::Settings;
use crate::settings::secret::{RingKey, RingRole, SecretRef, SecretSource, ValueRef};
use serde::Serialize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A key of a ring as it is shown: no value, only what tells it from others.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RingView {
    /// `jwt/ULTRA_JWT_KEY`: what it is for, and the variable.
    pub(crate) id: String,
    /// The variable alone.
    pub(crate) variable: &'static str,
    /// The vault's version; else how often this server has seen the key change.
    pub(crate) generation: u64,
    /// `signs`, `next` (verifies, and will sign) or `verifies` (signed before).
    pub(crate) state: &'static str,
    /// Keyed fingerprint.
    pub(crate) fingerprint: Option<String>,
    /// Where it comes from.
    #[serde(flatten)]
    pub(crate) source: Source,
    /// Until when it verifies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
    /// When it was made, if the vault knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) made_at: Option<Timestamp>,
}

/// The rings in use.
#[derive(Debug, Default)]
pub(crate) struct Rings {
    tokens: Mutex<Ring>,
    seals: Mutex<Ring>,
    /// What takes the seals, if anything is sealed.
    sealing: Option<Seals>,
}

#[derive(Debug, Default)]
struct Ring {
    /// For a key without versions: the one in use, and the one before.
    succession: Vec<RingKey>,
    views: Vec<RingView>,
}

impl Rings {
    /// No keys yet; `sealing` takes the seals.
    pub(crate) fn new(sealing: Option<Seals>) -> Self {
        Self { sealing, ..Self::default() }
    }

    /// The keys whose time is not over.
    pub(crate) fn views(&self, now: Timestamp) -> Vec<RingView> {
        [&self.tokens, &self.seals]
            .into_iter()
            .flat_map(|ring| ring.lock().unwrap_or_else(PoisonError::into_inner).views.clone())
            .filter(|view| view.until.is_none_or(|until| now < until))
            .collect()
    }
}

impl Ring {
    /// Where its keys come from.
    fn source(&self) -> Option<Source> {
        self.views.first().map(|view| view.source.clone())
    }

    /// Takes the keys away, and says how many those were.
    fn clear(&mut self) -> usize {
        self.succession.clear();
        std::mem::take(&mut self.views).len()
    }
}

/// Whether the keys of a ring were taken out of the vault.
fn withdrawn(ring: &Mutex<Ring>, secrets: &dyn SecretSource) -> bool {
    let source = ring.lock().unwrap_or_else(PoisonError::into_inner).source();
    source.is_some_and(|source| is_gone(&source, secrets))
}

/// Whether a ring has keys that no setting names any more. Unless the vault says that what came from
/// there is there still, the settings may only seem not to name it.
fn lapsed(ring: &Mutex<Ring>, secrets: &dyn SecretSource) -> bool {
    let source = ring.lock().unwrap_or_else(PoisonError::into_inner).source();
    source.is_some_and(|source| match source.entry {
        Some((profile, name)) => matches!(secrets.facts(&profile, &name), Ok(Some(_))),
        None => true,
    })
}

/// Takes out of use what was taken out of the vault, and says how many keys those were: nothing is
/// signed or sealed with them any more, and nothing that they signed is accepted. A vault that is
/// not there, or that cannot be opened, says nothing of that kind.
pub(super) fn withdraw(app: &App, secrets: &dyn SecretSource) -> usize {
    if secrets.holds_nothing() {
        return 0;
    }
    let rings = &app.reloader.rings;
    let mut count = 0;
    if withdrawn(&rings.tokens, secrets) {
        app.auth.set_token_keys(TokenKeys::none(), app.clock.now());
        count += rings.tokens.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
    if withdrawn(&rings.seals, secrets) {
        if let Some(sealing) = &rings.sealing {
            sealing.withdraw();
        }
        count += rings.seals.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
    count
}

/// Puts the keys that sign, verify and seal to use. What cannot be opened stays as it was.
pub(super) fn load(app: &App, settings: &Settings, secrets: &dyn SecretSource) -> Vec<Problem> {
    let rings = &app.reloader.rings;
    let mut problems = Vec::new();
    // Before anything is read: whatever is published later is not among what was read.
    let now = app.clock.now();
    let withdrawn = withdraw(app, secrets);
    if withdrawn > 0 {
        tracing::warn!(count = withdrawn, "keys that sign or seal were taken out of the vault");
    }
    let taken = match &settings.auth.jwt_key {
        Some(reference) => {
            opened(reference, secrets, &rings.tokens, now).and_then(|(ring, views)| {
                app.auth.set_token_keys(TokenKeys::of(&ring)?, now);
                keep(&rings.tokens, "jwt", "ULTRA_JWT_KEY", views);
                Ok(())
            })
        }
        None => own_tokens(app, settings, secrets, now),
    };
    problems.extend(taken.err());
    let taken = match &settings.auth.encryption_key {
        Some(reference) => opened(reference, secrets, &rings.seals, now).map(|(ring, views)| {
            if let Some(sealing) = &rings.sealing {
                sealing.set(ring.iter().filter_map(|key| Seal::from_key(&key.secret)).collect());
            }
            keep(&rings.seals, "encryption", "ULTRA_ENCRYPTION_KEY", views);
        }),
        None => own_seal(app, secrets),
    };
    problems.extend(taken.err());
    problems
}

/// Where no signing key is configured any more: what a start would use now, the one of the state
/// directory. A protected profile has none.
fn own_tokens(
    app: &App,
    settings: &Settings,
    secrets: &dyn SecretSource,
    now: Timestamp,
) -> Result<(), Problem> {
    let ring = &app.reloader.rings.tokens;
    let none = app.auth.token_keys().signing_id().is_none();
    if settings.profile.protected || !(none || lapsed(ring, secrets)) {
        return Ok(());
    }
    let state_dir = app.reloader.state_dir();
    let keys = auth::token_keys(&settings.auth, &settings.profile, state_dir, secrets)?;
    app.auth.set_token_keys(keys, now);
    ring.lock().unwrap_or_else(PoisonError::into_inner).clear();
    Ok(())
}

/// The same for the key that seals.
fn own_seal(app: &App, secrets: &dyn SecretSource) -> Result<(), Problem> {
    let rings = &app.reloader.rings;
    let Some(sealing) = &rings.sealing else { return Ok(()) };
    if sealing.are_gone() || lapsed(&rings.seals, secrets) {
        sealing.set(vec![Seal::from_state_dir(app.reloader.state_dir())?]);
        rings.seals.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
    Ok(())
}

fn keep(ring: &Mutex<Ring>, id: &str, variable: &'static str, mut views: Vec<RingView>) {
    for view in &mut views {
        view.id = format!("{id}/{variable}");
        view.variable = variable;
    }
    ring.lock().unwrap_or_else(PoisonError::into_inner).views = views;
}

/// The keys of a reference, the one that signs first, and how they are shown.
fn opened(
    reference: &SecretRef,
    secrets: &dyn SecretSource,
    known: &Mutex<Ring>,
    now: Timestamp,
) -> Result<(Vec<RingKey>, Vec<RingView>), Problem> {
    let (ring, facts) = match &reference.value {
        ValueRef::Vault { profile, name } => {
            let ring = secrets.ring(profile, name)?;
            if ring.is_empty() {
                // Says what is missing.
                reference.reveal(secrets)?;
            }
            (ring, secrets.facts(profile, name)?)
        }
        _ => {
            let new = reference.reveal(secrets)?;
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.succession = succession(&known.succession, new, now);
            (known.succession.clone(), None)
        }
    };
    let view = |key: &RingKey| {
        let (state, until) = match key.role {
            RingRole::Signs => ("signs", None),
            RingRole::Verifies { until: None } => ("next", None),
            RingRole::Verifies { until } => ("verifies", until),
        };
        RingView {
            id: String::new(),
            variable: "",
            generation: u64::from(key.version),
            state,
            // For comparing only: without it the key works all the same.
            fingerprint: secrets.fingerprint(&key.secret).ok(),
            source: source(reference),
            until,
            made_at: facts.as_ref().filter(|f| f.version == key.version).map(|f| f.created_at),
        }
    };
    let views = ring.iter().map(view).collect();
    Ok((ring, views))
}

/// The key that signs from now on, and the one before it, for keys of which nobody keeps versions:
/// what the one before signed is accepted for as long as a token may live. The same key again
/// changes nothing: values are loaded again for many reasons, and each would forget the one before.
fn succession(known: &[RingKey], new: Secret, now: Timestamp) -> Vec<RingKey> {
    match known.first() {
        Some(current) if current.secret.same_as(&new) => known.to_vec(),
        Some(current) => {
            let life = jiff::SignedDuration::try_from(LONGEST_LIFE).unwrap_or_default();
            let until = now.checked_add(life + LEEWAY).ok();
            let role = RingRole::Verifies { until: Some(until.unwrap_or(Timestamp::MAX)) };
            let before = RingKey { role, ..current.clone() };
            let version = current.version.saturating_add(1);
            vec![RingKey { version, secret: new, role: RingRole::Signs }, before]
        }
        None => vec![RingKey { version: 1, secret: new, role: RingRole::Signs }],
    }
}

/// What clocks may differ by.
const LEEWAY: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// When a key was made and how old it may become, for judging its age while the server runs.
#[derive(Clone, Debug)]
pub(crate) struct Aging {
    /// The variable.
    pub(crate) variable: String,
    /// The profile and name in the vault.
    pub(crate) entry: (String, String),
    /// When the key was made.
    pub(crate) made_at: Timestamp,
    /// How old it may become.
    pub(crate) limit: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signing_key_before_is_kept_however_often_values_are_loaded() {
        let now = Timestamp::UNIX_EPOCH;
        let load = |known: &[RingKey], key: &str| succession(known, Secret::new(key), now);
        let shown = |keys: &[RingKey]| {
            let one = |k: &RingKey| {
                let signs = matches!(k.role, RingRole::Signs);
                format!("{}{}{}", k.secret.expose(), k.version, if signs { "!" } else { "" })
            };
            keys.iter().map(one).collect::<Vec<_>>().join(" ")
        };
        let first = load(&[], "a");
        assert_eq!(shown(&load(&first, "a")), "a1!");
        let second = load(&first, "b");
        assert_eq!(shown(&second), "b2! a1");
        assert_eq!(shown(&load(&second, "b")), "b2! a1");
        assert_eq!(shown(&load(&second, "c")), "c3! b2");
        assert_eq!(shown(&load(&second, "a")), "a3! b2");
    }
}
