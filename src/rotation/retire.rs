//! The end of an old version: `old disabled`, `old removed`. Never while a server may still use
//! it, and never for a value that another version uses.

use super::cutover::Wanted;
use super::fleet::{Has, Replica};
use super::journal::{Aim, Journal, Kind, Order, Plan, Step};
use super::machine::{Ended, Rotation, Tested, World};
use crate::base::Secret;
use crate::exit::ExitStatus;
use crate::provider::KeyVerdict;
use crate::provider::admin::IssuerError;
use crate::report::Fault;
use crate::secrets::{Document, Edited, State, Version};
use crate::settings::secret::Remote;

/// An old version, and what stands around it.
struct Old {
    version: Version,
    /// Whether another version that is or will be used has the same value.
    shared: bool,
    /// The value in use.
    current: Option<Secret>,
}

impl Rotation<'_> {
    /// Ends version `number`, which is not the one in use.
    ///
    /// # Errors
    /// Its provider still accepts it and nobody but a person can change that (3), a server still
    /// uses it or was rejected with the new one (5, 3), the issuer or the store cannot be reached
    /// (5), it is in use or not there (6, 2).
    pub(crate) fn end_version(
        &self,
        plan: &Plan,
        number: u32,
        aim: Aim,
        world: &World<'_>,
    ) -> Result<Ended, Fault> {
        let document = self.vault.document()?.ok_or_else(|| self.nothing())?;
        let old = self.old(&document, number)?.ok_or_else(|| self.no_version(number))?;
        if old.version.state == State::Current && aim != Aim::RemoveCurrent {
            return Err(self.in_use(number));
        }
        let current = document
            .entry(self.profile, self.name)
            .and_then(|e| e.current())
            .map_or(number, |v| v.number);
        let versions = (number, current);
        let now = self.vault.clock().now();
        let mut journal = Journal::retire(self.profile, self.name, plan, versions, aim, now);
        journal.compromised = old.version.compromised_at.is_some();
        self.names(&mut journal, &old.version.value)?;
        // Nothing is begun that has to wait.
        self.unused(&journal, &old, world)?;
        self.may_end(&journal, world)?;
        journal.write(self.state_dir)?;
        self.retire(journal, world)
    }

    /// Whether an issuer may be told to end the version: servers may have been given another vault, in
    /// which its value is in use. What others may know does not wait for a store that is away.
    ///
    /// # Errors
    /// As [`Fleet::agrees`](super::Fleet::agrees).
    pub(super) fn may_end(&self, journal: &Journal, world: &World<'_>) -> Result<(), Fault> {
        if world.issuer.is_none() {
            return Ok(());
        }
        match world.fleet.agrees() {
            Err(fault) if journal.compromised && fault.status == ExitStatus::Unreachable => Ok(()),
            agrees => agrees,
        }
    }

    /// Takes the steps of an end that are not taken yet.
    pub(super) fn retire(&self, mut journal: Journal, world: &World<'_>) -> Result<Ended, Fault> {
        let document = self.vault.document()?.ok_or_else(|| self.nothing())?;
        let mut generation = self.vault.overview()?.generation;
        let mut step = Step::OldRemoved;
        let mut left_valid = None;
        if let Some(old) = self.old(&document, journal.from)? {
            let aim = journal.aim.unwrap_or(Aim::Retire);
            if old.version.state == State::Current && aim != Aim::RemoveCurrent {
                journal.end(self.state_dir)?;
                return Err(self.in_use(journal.from));
            }
            if old.version.state != State::Disabled {
                self.unused(&journal, &old, world)?;
                generation = self.disable(&mut journal, &old, aim, world)?;
            }
            let removed = self.remove(&mut journal, &old, aim, world)?;
            step = if removed.is_some() { Step::OldRemoved } else { Step::OldDisabled };
            generation = removed.unwrap_or(generation);
            // Nobody was there to end it, and its ids go with it.
            let ended = world.issuer.is_some() || old.version.state == State::Disabled;
            if aim.erases() && !ended && !old.shared {
                left_valid.clone_from(&old.version.remote);
            }
        }
        // Always: what the vault says was perhaps said by an attempt that did not come as far.
        if let Err(fault) = self.hand_over(world) {
            return Err(self.held_up(&mut journal, fault));
        }
        let ended = Ended {
            kind: Kind::Retire,
            step,
            from: journal.from,
            to: journal.to,
            fingerprint: journal.fingerprint.clone(),
            destination: journal.destination.clone(),
            generation,
            from_refused: false,
            retire_at: None,
            acknowledgement: None,
            compromised: journal.compromised,
            left_over: None,
            left_valid,
        };
        journal.end(self.state_dir)?;
        Ok(ended)
    }

    /// Whether no server uses the version any more: all have the one in use now. Who calls for the
    /// end of a compromised one does not wait for them.
    fn unused(&self, journal: &Journal, old: &Old, world: &World<'_>) -> Result<(), Fault> {
        let (Some(variable), Some(current)) = (&journal.variable, &old.current) else {
            return Ok(());
        };
        if old.version.state != State::Old || journal.compromised || old.shared {
            return Ok(());
        }
        let (current, ended) = (self.fingerprint(current)?, self.fingerprint(&old.version.value)?);
        // Where another layer wins, the one in use never comes; what matters is that it is not this
        // very value that wins there.
        let key = self.fingerprint_key()?;
        let counts = |replica: &Replica| {
            replica.heeds_vault(variable) || replica.uses(variable, &ended, key.as_deref())
        };
        let has = Has::AtWork;
        let wanted = Wanted { variable, fingerprint: &current, has, counts: &counts };
        self.wait_for(&wanted, false, world).map(|_| ())
    }

    /// Has nobody accept the version: step `old disabled`.
    fn disable(
        &self,
        journal: &mut Journal,
        old: &Old,
        aim: Aim,
        world: &World<'_>,
    ) -> Result<u64, Fault> {
        self.advance(journal, Step::Current, None)?;
        let recognised = self.recognise(journal, old, world)?;
        let remote = recognised.as_ref().filter(|_| !old.shared);
        let mut refused = false;
        match (remote, world.issuer) {
            (Some(remote), Some(issuer)) if issuer.can().disable => {
                self.at_issuer(journal, issuer.name(), issuer.disable(remote))?;
            }
            // Deleting is the only way to disable it, and the step after this one.
            (Some(remote), Some(issuer)) if issuer.can().delete && aim != Aim::Disable => {
                self.at_issuer(journal, issuer.name(), issuer.delete(remote))?;
            }
            (Some(_), Some(_)) => {
                journal.end(self.state_dir)?;
                return Err(self.only_delete(journal.from));
            }
            (Some(remote), None) if !aim.erases() => {
                let fault = self.no_issuer(journal, &remote.issuer);
                journal.end(self.state_dir)?;
                return Err(fault);
            }
            // Nobody but a person can disable it; the provider says whether that was done.
            _ if !aim.erases() && !old.shared && journal.order == Order::AtOnce => {
                refused = self.seen_refused(journal, &old.version, world)?;
            }
            _ => {}
        }
        let now = self.vault.clock().now();
        let written = self.vault.write(None, &self.purpose(journal.kind), |document| {
            let entry = document.entry_mut(self.profile, self.name);
            if let Some(version) = entry.version_mut(journal.from) {
                version.state = State::Disabled;
                version.disabled_at = Some(now);
                version.retire_at = None;
                version.remote.clone_from(&recognised);
                if refused {
                    version.refused_at = Some(now);
                }
            }
            Ok(Edited { value: (), events: vec![self.event(journal, "old-disabled", None)] })
        })?;
        self.advance(journal, Step::OldDisabled, None)?;
        Ok(written.generation)
    }

    /// What the issuer calls the version: known since it was issued, or told by its value.
    fn recognise(
        &self,
        journal: &mut Journal,
        old: &Old,
        world: &World<'_>,
    ) -> Result<Option<Remote>, Fault> {
        match (&old.version.remote, world.issuer) {
            (Some(remote), _) => Ok(Some(remote.clone())),
            (None, Some(issuer)) if !old.shared && journal.order == Order::AtOnce => {
                match issuer.recognise(&old.version.value) {
                    Ok(remote) => Ok(remote),
                    Err(IssuerError::Unable) => Ok(None),
                    Err(error) => self.at_issuer(journal, issuer.name(), Err(error)).map(|()| None),
                }
            }
            _ => Ok(None),
        }
    }

    /// Whether the provider refuses a value that only a person can disable there.
    ///
    /// # Errors
    /// It accepts it (3) or could not be asked (5); nothing is under way then.
    fn seen_refused(
        &self,
        journal: &Journal,
        version: &Version,
        world: &World<'_>,
    ) -> Result<bool, Fault> {
        let fault = match (world.ask)(version) {
            Tested::Nobody => return Ok(false),
            Tested::By { verdict: KeyVerdict::Refused { .. }, .. } => return Ok(true),
            Tested::By { destination, verdict: KeyVerdict::Accepted { .. } } => {
                self.still_valid(journal.from, &destination)
            }
            Tested::By { destination, verdict: KeyVerdict::RateLimited { .. } } => {
                self.not_seen(journal.from, &format!("{destination} asks to come back later"))
            }
            Tested::By { destination, verdict: KeyVerdict::Unverified { why } } => {
                self.not_seen(journal.from, &format!("{destination}: {why}"))
            }
        };
        journal.end(self.state_dir)?;
        Err(fault)
    }

    /// Deletes the version with its issuer and takes it out of the vault: step `old removed`.
    /// `None` if it stays, because it may be of use.
    fn remove(
        &self,
        journal: &mut Journal,
        old: &Old,
        aim: Aim,
        world: &World<'_>,
    ) -> Result<Option<u64>, Fault> {
        if aim == Aim::Disable {
            return Ok(None);
        }
        let known = self.vault.document()?.and_then(|document| {
            let entry = document.entry(self.profile, self.name)?;
            entry.versions.iter().find(|v| v.number == journal.from)?.remote.clone()
        });
        let remote = known.as_ref().filter(|_| !old.shared);
        let mut gone = false;
        if let (Some(remote), Some(issuer)) = (remote, world.issuer)
            && issuer.can().delete
        {
            self.advance(journal, Step::OldDisabled, None)?;
            self.at_issuer(journal, issuer.name(), issuer.delete(remote))?;
            gone = true;
        }
        // One of ours is of no use any more; one that was compromised stays, so that nobody goes
        // back to it unknowingly.
        gone |= journal.order == Order::Ahead || old.shared;
        if aim == Aim::Retire && (!gone || journal.compromised) {
            return Ok(None);
        }
        self.advance(journal, Step::OldRemoved, None)?;
        let written = self.vault.write(None, &self.purpose(journal.kind), |document| {
            let removed = document.entry_mut(self.profile, self.name).remove(journal.from);
            let event = removed.then(|| self.event(journal, "old-removed", None));
            Ok(Edited { value: (), events: event.into_iter().collect() })
        })?;
        Ok(Some(written.generation))
    }

    /// What a call to the issuer came to; the call was on record before it was made, and stays
    /// there if it failed.
    fn at_issuer(
        &self,
        journal: &mut Journal,
        issuer: &str,
        done: Result<(), IssuerError>,
    ) -> Result<(), Fault> {
        done.map_err(|error| {
            let fault = self.not_ended(journal, journal.from, issuer, &error);
            self.held_up(journal, fault)
        })
    }

    fn old(&self, document: &Document, number: u32) -> Result<Option<Old>, Fault> {
        let Some(entry) = document.entry(self.profile, self.name) else { return Ok(None) };
        let Some(version) = entry.versions.iter().find(|v| v.number == number) else {
            return Ok(None);
        };
        let used = |state| matches!(state, State::Pending | State::Next | State::Current);
        let shared = entry
            .versions
            .iter()
            .any(|v| v.number != number && used(v.state) && v.value.same_as(&version.value));
        let current = entry.current().map(|v| v.value.clone());
        Ok(Some(Old { version: version.clone(), shared, current }))
    }
}
