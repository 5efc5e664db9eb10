//! The state machine: `created → tested → published → current`, the old version kept.
//!
//! Every step can be taken again: a rotation that was killed anywhere is resumed from its journal
//! and ends as if it had not been, or is aborted and leaves the old version in use.

use super::journal::{Journal, Kind, Step};
use crate::base::Secret;
use crate::base::lock::{Lock, LockError};
use crate::provider::KeyVerdict;
use crate::report::{Fault, Place, Problem};
use crate::secrets::audit::Event;
use crate::secrets::{Edited, State, VaultSource, Written};
use std::path::Path;
use std::time::Duration;

/// How long a second rotation waits for the first.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a new value was tested with.
#[derive(Clone, Debug)]
pub(crate) enum Tested {
    /// A provider at this destination said so.
    By {
        /// `scheme://host:port`.
        destination: String,
        /// What it said.
        verdict: KeyVerdict,
    },
    /// There is nobody to ask about a key of this kind.
    Nobody,
}

/// How a rotation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The version before.
    pub(crate) from: u32,
    /// The version in use now.
    pub(crate) to: u32,
    /// Its fingerprint.
    pub(crate) fingerprint: String,
    /// The destination it was tested for.
    pub(crate) destination: Option<String>,
    /// The generation of the vault.
    pub(crate) generation: u64,
    /// Why it was made.
    pub(crate) kind: Kind,
    /// Whether the provider refused the version before when it was last asked.
    pub(crate) from_refused: bool,
}

/// A rotation of one name in one profile, with nobody else at it.
pub(crate) struct Rotation<'a> {
    vault: &'a VaultSource,
    state_dir: &'a Path,
    pub(super) profile: &'a str,
    pub(super) name: &'a str,
    _lock: Lock,
}

impl<'a> Rotation<'a> {
    /// Takes the rotation lock of the state directory.
    ///
    /// # Errors
    /// Another rotation is at work, or the lock cannot be made (5).
    pub(crate) fn begin(
        vault: &'a VaultSource,
        state_dir: &'a Path,
        profile: &'a str,
        name: &'a str,
    ) -> Result<Self, Fault> {
        let path = state_dir.join("rotation.lock");
        let lock = Lock::take(&path, &format!("keys, for `{name}`"), PATIENCE).map_err(|e| {
            let (code, what, hint) = match e {
                LockError::Held { .. } => (
                    "rotation-busy",
                    "another rotation is at work",
                    "wait for it and run the command again",
                ),
                LockError::Io(_) => (
                    "state-write",
                    "cannot take the lock of rotations",
                    "make room on the disk, or make the directory writable, and run it again",
                ),
            };
            Fault::unreachable(Problem::error(code, what).at(Place::file(&path)).why(e).hint(hint))
        })?;
        Ok(Self { vault, state_dir, profile, name, _lock: lock })
    }

    /// The rotation that was left unfinished, if one was. One that never came to have a value in
    /// the vault is cleared away: nothing happened.
    ///
    /// # Errors
    /// The journal cannot be read or removed (5).
    pub(crate) fn unfinished(&self) -> Result<Option<Journal>, Fault> {
        let Some(journal) = Journal::read(self.state_dir, self.profile, self.name)? else {
            return Ok(None);
        };
        let overview = self.vault.overview()?;
        let known = overview
            .entry(self.profile, self.name)
            .is_some_and(|e| e.versions.iter().any(|v| v.number == journal.to));
        if known {
            return Ok(Some(journal));
        }
        journal.end(self.state_dir)?;
        Ok(None)
    }

    /// Puts the new value into the vault, unused, and says how to go on: step `created`.
    ///
    /// # Errors
    /// The same value as one that is there (3), no entry to rotate (2), and what the vault says.
    pub(crate) fn create(
        &self,
        kind: Kind,
        value: &Secret,
        destination: Option<&str>,
    ) -> Result<Journal, Fault> {
        let now = self.vault.clock().now();
        let fingerprint = self.fingerprint(value)?;
        self.vault
            .write(None, &format!("keys {} {}", kind.word(), self.name), |document| {
                let entry = document.entry_mut(self.profile, self.name);
                let Some(current) = entry.current() else { return Err(self.nothing()) };
                if current.value.same_as(value) {
                    return Err(self.same_value(current.number));
                }
                let same = entry.versions.iter().find(|v| v.value.same_as(value));
                if let (Kind::Rotate, Some(version)) = (kind, same) {
                    return Err(self.old_value(version.number));
                }
                let mut journal = Journal::new(
                    self.profile,
                    self.name,
                    kind,
                    (current.number, entry.last + 1),
                    fingerprint.clone(),
                    now,
                );
                journal.destination = destination.map(str::to_owned);
                // On record before the vault has it: what the vault has is always on record.
                journal.write(self.state_dir)?;
                entry.add(value.clone(), State::Pending, now, None);
                let events = vec![self.event(&journal, "created", None)];
                Ok(Edited { value: journal, events })
            })
            .map(|written| written.value)
    }

    /// Tests the new value, with the new value itself: step `tested`.
    ///
    /// A refused value ends the rotation: the version is forgotten and the old one stays in use
    /// (3). A provider that cannot be asked leaves it where it is, to be resumed (5).
    ///
    /// # Errors
    /// As said, and what the vault says.
    pub(crate) fn test(
        &self,
        journal: &mut Journal,
        ask: impl FnOnce(&Secret) -> Tested,
    ) -> Result<(), Fault> {
        if journal.step >= Step::Tested {
            return Ok(());
        }
        let document = self.vault.document()?.ok_or_else(|| self.nothing())?;
        let value = document
            .entry(self.profile, self.name)
            .and_then(|e| e.versions.iter().find(|v| v.number == journal.to))
            .map(|v| v.value.clone())
            .ok_or_else(|| self.nothing())?;
        // What is about to be sent where is on record before it is sent.
        self.advance(journal, Step::Created, None)?;
        match ask(&value) {
            Tested::Nobody => {
                // Nobody said anything, so it is bound to nothing.
                journal.destination = None;
                self.advance(journal, Step::Tested, None)
            }
            Tested::By { destination, verdict: KeyVerdict::Accepted { .. } } => {
                journal.destination = Some(destination);
                self.advance(journal, Step::Tested, None)
            }
            Tested::By { destination, verdict: KeyVerdict::Refused { status } } => {
                self.forget(
                    journal,
                    &format!("refused with {status} by {destination}"),
                    Some(&value),
                )?;
                Err(Fault::does_not_hold(vec![
                    Problem::error(
                        "key-refused",
                        format!("the provider refuses the new value of `{}`", self.name),
                    )
                    .why(format!(
                        "{destination} answers {status}; version {} stays in use",
                        journal.from
                    ))
                    .hint(format!(
                        "{} with a value that the provider accepts",
                        self.command(journal.kind.word())
                    )),
                ]))
            }
            Tested::By { destination, verdict: KeyVerdict::RateLimited { retry_after } } => {
                let when = retry_after.map_or(String::new(), |s| format!(", in {s} s"));
                self.stop(journal, &format!("{destination} asks to come back later{when}"))
            }
            Tested::By { destination, verdict: KeyVerdict::Unverified { why } } => {
                self.stop(journal, &format!("{destination}: {why}"))
            }
        }
    }

    /// Makes the new version the current one: steps `published` and `current`. Running servers
    /// see it in the vault; requests that are under way finish with the old one.
    ///
    /// # Errors
    /// What the vault says.
    pub(crate) fn publish(&self, mut journal: Journal) -> Result<Ended, Fault> {
        self.advance(&mut journal, Step::Published, None)?;
        let now = self.vault.clock().now();
        let written = self.vault.write(
            None,
            &format!("keys {} {}", journal.kind.word(), self.name),
            |document| {
                let entry = document.entry_mut(self.profile, self.name);
                let before = entry.version_mut(journal.from);
                let refused = before.is_some_and(|v| v.refused_at.is_some());
                if entry.current().is_some_and(|v| v.number == journal.to) {
                    return Ok(Edited { value: refused, events: Vec::new() });
                }
                if !entry.promote(journal.to) {
                    return Err(Fault::bug(format!("version {} is not in the vault", journal.to)));
                }
                if let (Some(version), Some(destination)) =
                    (entry.version_mut(journal.to), &journal.destination)
                {
                    version.verified_at = Some(now);
                    version.bound = Some(destination.clone());
                }
                if let (Kind::Rollback, Some(version)) =
                    (journal.kind, entry.version_mut(journal.from))
                {
                    version.rolled_back = true;
                }
                let detail = journal.destination.clone();
                Ok(Edited { value: refused, events: vec![self.event(&journal, "current", detail)] })
            },
        )?;
        journal.end(self.state_dir)?;
        Ok(Ended {
            from: journal.from,
            to: journal.to,
            fingerprint: journal.fingerprint,
            destination: journal.destination,
            generation: written.generation,
            kind: journal.kind,
            from_refused: written.value,
        })
    }

    /// Ends an unfinished rotation and leaves the version in use that was.
    ///
    /// # Errors
    /// The new version is already in use (6), and what the vault says.
    pub(crate) fn abort(&self, journal: &Journal) -> Result<Written<()>, Fault> {
        let overview = self.vault.overview()?;
        let current = overview.entry(self.profile, self.name).and_then(|e| e.current());
        if current.is_some_and(|v| v.number == journal.to) {
            return Err(Fault::refused(
                Problem::error(
                    "already-current",
                    format!("version {} of `{}` is already in use", journal.to, self.name),
                )
                .hint(format!(
                    "finish with `{} --resume`, then go back with `{}`",
                    self.command("rotate"),
                    self.command("rollback"),
                )),
            ));
        }
        self.forget(journal, "aborted by the operator", None)
    }

    fn advance(
        &self,
        journal: &mut Journal,
        step: Step,
        stopped: Option<String>,
    ) -> Result<(), Fault> {
        journal.step = step;
        journal.stopped = stopped;
        journal.updated_at = self.vault.clock().now();
        journal.write(self.state_dir)
    }

    /// The provider could not be asked: the state is kept, and named.
    fn stop(&self, journal: &mut Journal, why: &str) -> Result<(), Fault> {
        self.advance(journal, Step::Created, Some(why.to_owned()))?;
        Err(Fault::unreachable(
            Problem::error(
                "key-unverified",
                format!("the new value of `{}` could not be tested and is not used", self.name),
            )
            .why(format!(
                "{why}; version {} is kept pending, version {} stays in use",
                journal.to, journal.from
            ))
            .hint(self.ways_on()),
        ))
    }

    /// Forgets the new version, and notes in older ones with its value that it was `refused`.
    fn forget(
        &self,
        journal: &Journal,
        why: &str,
        refused: Option<&Secret>,
    ) -> Result<Written<()>, Fault> {
        let now = self.vault.clock().now();
        let written = self.vault.write(
            None,
            &format!("keys {} {}", journal.kind.word(), self.name),
            |document| {
                let entry = document.entry_mut(self.profile, self.name);
                entry.discard(journal.to);
                if let Some(value) = refused {
                    entry.judged(value, Some(now));
                }
                let events = vec![self.event(journal, "aborted", Some(why.to_owned()))];
                Ok(Edited { value: (), events })
            },
        )?;
        journal.end(self.state_dir)?;
        Ok(written)
    }

    fn fingerprint(&self, value: &Secret) -> Result<String, Fault> {
        use crate::settings::SecretSource as _;
        self.vault.fingerprint(value).map_err(Fault::unreachable)
    }

    fn event(&self, journal: &Journal, what: &str, detail: Option<String>) -> Event {
        Event {
            event: format!("{}.{what}", journal.kind.word()),
            profile: self.profile.to_owned(),
            name: self.name.to_owned(),
            version: journal.to,
            fingerprint: Some(journal.fingerprint.clone()),
            detail,
        }
    }
}
