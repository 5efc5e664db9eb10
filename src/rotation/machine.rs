//! The state machine: `created → tested → published → acknowledged → current → old disabled →
//! old removed`.
//!
//! Every step can be taken again: a rotation that was killed anywhere is resumed from its journal
//! and ends as if it had not been, or is aborted and leaves the old version in use. The vault has
//! one current version at every instant, because each change of it is one write.

use super::aside::Stands;
use super::fleet::{Acknowledgement, Fleet};
use super::journal::{Journal, Kind, Plan, Step};
use crate::base::lock::{Lock, LockError};
use crate::base::{Secret, Timestamp};
use crate::provider::KeyVerdict;
use crate::provider::admin::Issuer;
use crate::report::{Fault, Place, Problem};
use crate::secrets::audit::Event;
use crate::secrets::{Edited, State, VaultSource, Version};
use crate::settings::secret::Remote;
use std::path::Path;
use std::time::Duration;

/// How long a second rotation waits for the first.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a value was tested with.
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

/// Whom a rotation deals with.
pub(crate) struct World<'a> {
    /// The running servers.
    pub(crate) fleet: &'a dyn Fleet,
    /// Who issues keys of this name, if anybody does.
    pub(crate) issuer: Option<&'a dyn Issuer>,
    /// Asks the provider about a version, with its value, unless it may not be sent there.
    pub(crate) ask: &'a dyn Fn(&Version) -> Tested,
    /// Shows what is being waited for.
    pub(crate) say: &'a dyn Fn(&str),
    /// How long to wait for the servers.
    pub(crate) wait: Duration,
}

/// How a rotation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// What it was about.
    pub(crate) kind: Kind,
    /// How far it came.
    pub(crate) step: Step,
    /// The version before, or the one that was ended.
    pub(crate) from: u32,
    /// The version in use now.
    pub(crate) to: u32,
    /// The fingerprint of the new value.
    pub(crate) fingerprint: String,
    /// The destination it was tested for.
    pub(crate) destination: Option<String>,
    /// The generation of the vault.
    pub(crate) generation: u64,
    /// Whether the provider refused the version before when it was last asked.
    pub(crate) from_refused: bool,
    /// When the grace of the version before is over, if somebody can end it.
    pub(crate) retire_at: Option<Timestamp>,
    /// How far the new value has come among the servers; `None` if no server uses it.
    pub(crate) acknowledgement: Option<Acknowledgement>,
    /// Whether others may know the version before.
    pub(crate) compromised: bool,
    /// Why the version before could not be ended, although its grace is over, or which servers
    /// did not follow.
    pub(crate) left_over: Option<Fault>,
    /// What an issuer calls the version that was forgotten without being ended there.
    pub(crate) left_valid: Option<Remote>,
}

/// A rotation of one name in one profile, with nobody else at it.
pub(crate) struct Rotation<'a> {
    pub(super) vault: &'a VaultSource,
    pub(super) state_dir: &'a Path,
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
            let (code, what, hint) = match &e {
                LockError::Held { .. } => (
                    "rotation-busy",
                    "another rotation is at work",
                    "wait for it and run the command again".to_owned(),
                ),
                LockError::Io(io) => (
                    "state-write",
                    "cannot take the lock of rotations",
                    format!("{}, and run it again", Problem::room(&path, io)),
                ),
            };
            Fault::unreachable(Problem::error(code, what).at(Place::file(&path)).why(e).hint(hint))
        })?;
        Ok(Self { vault, state_dir, profile, name, _lock: lock })
    }

    /// The rotation that was left unfinished, if one was. One that never came to have a value, in
    /// the vault or with an issuer, is cleared away: nothing happened.
    ///
    /// # Errors
    /// The journal cannot be read or removed, or nobody can tell what is in the vault (5); it tells
    /// of another vault (6).
    pub(crate) fn unfinished(&self) -> Result<Option<Journal>, Fault> {
        let Some(journal) = Journal::read(self.state_dir, self.profile, self.name)? else {
            return Ok(None);
        };
        match self.stands(&journal)? {
            Stands::Otherwise(shows) => Err(self.astray(&journal, shows)),
            Stands::There => self.refreshed(journal).map(Some),
            Stands::Open => Ok(Some(journal)),
            Stands::Never => journal.end(self.state_dir).map(|()| None),
        }
    }

    /// Puts the new value into the vault, unused: step `created`.
    ///
    /// # Errors
    /// The same value as one that is there (3), no entry to rotate (2), and what the vault says.
    pub(crate) fn create(&self, plan: &Plan, value: &Secret) -> Result<Journal, Fault> {
        let now = self.vault.clock().now();
        let fingerprint = self.fingerprint(value)?;
        let fingerprint_key = self.fingerprint_key()?;
        self.vault
            .write(None, &self.purpose(plan.kind), |document| {
                let entry = document.entry_mut(self.profile, self.name);
                let Some(current) = entry.current() else { return Err(self.nothing()) };
                if current.value.same_as(value) {
                    return Err(self.same_value(current.number));
                }
                let mut of_it = entry.versions.iter().rev().filter(|v| v.value.same_as(value));
                let same = of_it.clone().find(|v| !v.is_unused());
                if let (Kind::Rotate, Some(version)) = (plan.kind, same) {
                    return Err(self.old_value(version.number, entry.is_compromised(value)));
                }
                // One that a rotation made which is not on record any more: this one begins again.
                let left = of_it.find(|v| v.is_unused()).map(|v| v.number);
                let versions = (current.number, entry.last + 1);
                let fingerprint = fingerprint.clone();
                let mut journal =
                    Journal::new(self.profile, self.name, plan, versions, fingerprint, now);
                journal.fingerprint_key.clone_from(&fingerprint_key);
                let remote = entry.versions.iter().rev().filter(|v| v.value.same_as(value));
                let remote = remote.filter_map(|v| v.remote.clone()).next();
                // What is gone back to is not disabled meanwhile.
                journal.cancelled = same.and_then(|v| Some((v.number, v.retire_at?)));
                // On record before the vault has it: what the vault has is always on record.
                journal.write(self.state_dir)?;
                if let Some((number, _)) = journal.cancelled
                    && let Some(version) = entry.version_mut(number)
                    && plan.order == super::Order::AtOnce
                {
                    version.retire_at = None;
                }
                if let Some(number) = left {
                    entry.discard(number);
                }
                entry.add(value.clone(), State::Pending, now, None);
                if let Some(version) = entry.version_mut(journal.to) {
                    version.remote = remote;
                    version.drain_seconds = journal.drain_seconds;
                }
                let again = left.map(|number| format!("in the place of version {number}"));
                let events = vec![self.event(&journal, "created", again)];
                Ok(Edited { value: journal, events })
            })
            .map(|written| written.value)
    }

    /// Goes on with a rotation from wherever it stands to its end, or to where it must wait.
    ///
    /// # Errors
    /// The new value is refused (3), the provider, the issuer, a server or the vault cannot be
    /// reached (5); the journal says how to go on.
    pub(crate) fn run(&self, mut journal: Journal, world: &World<'_>) -> Result<Ended, Fault> {
        if journal.aborting {
            self.abort(journal.clone(), world)?;
            return Err(self.given_up(&journal));
        }
        if journal.kind == Kind::Retire {
            if let Err(fault) = self.may_end(&journal, world) {
                return Err(self.held_up(&mut journal, fault));
            }
            return self.retire(journal, world);
        }
        if self.is_to_be_issued(&journal)?
            && let Err(fault) = world.fleet.agrees()
        {
            return Err(self.held_up(&mut journal, fault));
        }
        self.issued(&mut journal, world.issuer, false)?;
        self.test(&mut journal, world)?;
        self.publish(&mut journal, world)?;
        let acknowledgement = self.acknowledge(&mut journal, world)?;
        self.make_current(journal, acknowledgement, world)
    }

    /// Tests the new value, with the new value itself: step `tested`.
    ///
    /// A refused value ends the rotation: the version is forgotten and the old one stays in use
    /// (3). A provider that cannot be asked leaves it where it is, to be resumed (5).
    fn test(&self, journal: &mut Journal, world: &World<'_>) -> Result<(), Fault> {
        if journal.step >= Step::Tested {
            return Ok(());
        }
        let document = self.vault.document()?.ok_or_else(|| self.nothing())?;
        let version = document
            .entry(self.profile, self.name)
            .and_then(|e| e.versions.iter().find(|v| v.number == journal.to))
            .ok_or_else(|| self.nothing())?;
        // What is about to be sent where is on record before it is sent.
        self.advance(journal, Step::Created, None)?;
        match (world.ask)(version) {
            Tested::Nobody => {
                // Nobody said anything, so it is bound to nothing.
                journal.destination = None;
            }
            Tested::By { destination, verdict: KeyVerdict::Accepted { .. } } => {
                journal.destination = Some(destination);
            }
            Tested::By { destination, verdict: KeyVerdict::Refused { status } } => {
                let why = format!("refused with {status} by {destination}");
                self.forget(journal, world, &why, Some(&version.value))?;
                return Err(self.refused(journal, &destination, status));
            }
            Tested::By { destination, verdict: KeyVerdict::RateLimited { retry_after } } => {
                let when = retry_after.map_or(String::new(), |s| format!(", in {s} s"));
                return self
                    .untested(journal, &format!("{destination} asks to come back later{when}"));
            }
            Tested::By { destination, verdict: KeyVerdict::Unverified { why } } => {
                return self.untested(journal, &format!("{destination}: {why}"));
            }
        }
        self.note(journal, "tested", journal.destination.clone())?;
        self.advance(journal, Step::Tested, None)
    }

    /// The provider could not be asked: the state is kept, and named.
    fn untested(&self, journal: &mut Journal, why: &str) -> Result<(), Fault> {
        self.advance(journal, Step::Created, Some(why.to_owned()))?;
        Err(self.stopped_at(journal, "could not be tested and is not used", why))
    }

    /// Puts the step on record, durably.
    pub(super) fn advance(
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

    pub(super) fn fingerprint(&self, value: &Secret) -> Result<String, Fault> {
        use crate::settings::SecretSource as _;
        self.vault.fingerprint(value).map_err(Fault::unreachable)
    }

    /// Names the key that fingerprints are made with.
    pub(super) fn fingerprint_key(&self) -> Result<Option<String>, Fault> {
        use crate::settings::SecretSource as _;
        self.vault.fingerprint_key_id().map_err(Fault::unreachable)
    }

    /// What others who wait for the vault are told.
    pub(super) fn purpose(&self, kind: Kind) -> String {
        format!("keys {} {}", kind.word(), self.name)
    }

    pub(super) fn event(&self, journal: &Journal, what: &str, detail: Option<String>) -> Event {
        let old = journal.kind == Kind::Retire;
        Event {
            event: format!("{}.{what}", journal.kind.word()),
            profile: self.profile.to_owned(),
            name: self.name.to_owned(),
            version: if old { journal.from } else { journal.to },
            fingerprint: Some(journal.fingerprint.clone()).filter(|f| !f.is_empty()),
            detail,
        }
    }

    /// Tells the audit of a step that changes nothing in the vault.
    pub(super) fn note(
        &self,
        journal: &Journal,
        what: &str,
        detail: Option<String>,
    ) -> Result<(), Fault> {
        self.vault.note(&self.purpose(journal.kind), self.event(journal, what, detail))
    }
}
