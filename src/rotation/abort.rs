//! Giving a rotation up, from wherever it stands: the version before stays in use, or is again.

use super::journal::{Journal, Kind, Order, Step};
use super::machine::{Rotation, World};
use crate::base::Secret;
use crate::provider::admin::{self, Issuer};
use crate::report::Fault;
use crate::secrets::{Edited, Entry, State, Written};

impl Rotation<'_> {
    /// Ends an unfinished rotation: a new version that was not in use is forgotten, and deleted
    /// with its issuer; one that was in use is put behind the version before it.
    ///
    /// Of the end of an old version it keeps what was done and takes back the rest.
    ///
    /// # Errors
    /// The version before is compromised or gone, or servers were given another vault (6); the issuer
    /// cannot be reached (5); and what the vault says.
    pub(crate) fn abort(
        &self,
        mut journal: Journal,
        world: &World<'_>,
    ) -> Result<Written<()>, Fault> {
        const WHY: &str = "aborted by the operator";
        if journal.kind == Kind::Retire {
            return self.keep_old(&mut journal, world);
        }
        let overview = self.vault.overview()?;
        let entry = overview.entry(self.profile, self.name);
        let state = |number| {
            entry.and_then(|e| e.versions.iter().find(|v| v.number == number)).map(|v| v.state)
        };
        let (new, old) = (state(journal.to), state(journal.from));
        if new == Some(State::Current) && (old != Some(State::Old) || journal.compromised) {
            return Err(self.no_way_back(&journal));
        }
        // What is deleted by what this vault says may be what servers use.
        if journal.issuer.is_some() && !matches!(new, Some(State::Current | State::Old)) {
            world.fleet.agrees()?;
        }
        if !journal.aborting {
            // From here on it is not gone on with: its key may be deleted already.
            journal.aborting = true;
            let step = journal.step;
            self.advance(&mut journal, step, None)?;
        }
        match new {
            Some(State::Current) => self.put_back(&mut journal, world),
            // It was put back before, and servers were not told yet.
            Some(State::Old) => self.given_back(&mut journal, world),
            _ => self.forget(&mut journal, world, WHY, None),
        }
    }

    /// Forgets the new version, and notes in older ones with its value that it was `refused`.
    pub(super) fn forget(
        &self,
        journal: &mut Journal,
        world: &World<'_>,
        why: &str,
        refused: Option<&Secret>,
    ) -> Result<Written<()>, Fault> {
        if journal.issuer.is_some() {
            if !journal.aborting {
                journal.aborting = true;
                let step = journal.step;
                self.advance(journal, step, Some(why.to_owned()))?;
            }
            self.delete_issued(journal, world.issuer)?;
        }
        let now = self.vault.clock().now();
        let published = journal.step >= Step::Published;
        let written = self.vault.write(None, &self.purpose(journal.kind), |document| {
            let entry = document.entry_mut(self.profile, self.name);
            entry.discard(journal.to);
            restore(entry, journal);
            if let Some(value) = refused {
                entry.judged(value, Some(now));
            }
            let events = vec![self.event(journal, "aborted", Some(why.to_owned()))];
            Ok(Edited { value: (), events })
        })?;
        if published {
            self.told(journal, world)?;
        } else {
            journal.end(self.state_dir)?;
        }
        Ok(written)
    }

    /// Deletes what was issued: by its ids if the vault has them, else by its tag.
    fn delete_issued(&self, journal: &Journal, issuer: Option<&dyn Issuer>) -> Result<(), Fault> {
        let name = journal.issuer.clone().unwrap_or_default();
        let Some(issuer) = issuer else { return Err(self.no_issuer(journal, &name)) };
        let document = self.vault.document()?.ok_or_else(|| self.nothing())?;
        let known = document
            .entry(self.profile, self.name)
            .and_then(|e| e.versions.iter().find(|v| v.number == journal.to)?.remote.clone());
        let tag = admin::tag(&document.vault, self.profile, self.name, journal.to);
        let remotes = match known {
            Some(remote) => Ok(vec![remote]),
            None => issuer.list().map(|keys| {
                keys.into_iter().filter(|key| key.name == tag).map(|key| key.remote).collect()
            }),
        };
        let ended = remotes.and_then(|remotes| {
            remotes.iter().try_for_each(|remote| match issuer.can() {
                can if can.delete => issuer.delete(remote),
                can if can.disable => issuer.disable(remote),
                _ => Ok(()),
            })
        });
        ended.map_err(|error| self.not_ended(journal, journal.to, &name, &error))
    }

    /// Puts the version before in use again. The new one is accepted until its own grace is over.
    fn put_back(&self, journal: &mut Journal, world: &World<'_>) -> Result<Written<()>, Fault> {
        journal.cut_at = Some(self.now_at_least()?);
        let due = journal.due_at();
        let written = self.vault.write(None, &self.purpose(journal.kind), |document| {
            let entry = document.entry_mut(self.profile, self.name);
            if !entry.promote(journal.from) {
                return Err(self.no_way_back(journal));
            }
            if let Some(old) = entry.version_mut(journal.from) {
                old.rolled_back = false;
            }
            if let Some(new) = entry.version_mut(journal.to) {
                new.rolled_back = true;
                new.retire_at = due;
            }
            restore(entry, journal);
            let why = format!("version {} is in use again", journal.from);
            Ok(Edited { value: (), events: vec![self.event(journal, "aborted", Some(why))] })
        })?;
        self.told(journal, world)?;
        Ok(written)
    }

    /// The version before is in use again already: has the servers told, who may not have been.
    fn given_back(&self, journal: &mut Journal, world: &World<'_>) -> Result<Written<()>, Fault> {
        let unchanged = |_: &mut _| Ok(Edited { value: (), events: Vec::new() });
        let written = self.vault.write(None, &self.purpose(journal.kind), unchanged)?;
        self.told(journal, world)?;
        Ok(written)
    }

    /// Nothing is under way any more once the servers have been handed what the vault says.
    fn told(&self, journal: &mut Journal, world: &World<'_>) -> Result<(), Fault> {
        match self.hand_over(world) {
            Ok(()) => journal.end(self.state_dir),
            Err(fault) => Err(self.held_up(journal, fault)),
        }
    }

    /// Gives up ending an old version: it is not ended by itself any more.
    fn keep_old(&self, journal: &mut Journal, world: &World<'_>) -> Result<Written<()>, Fault> {
        let written = self.vault.write(None, &self.purpose(journal.kind), |document| {
            let entry = document.entry_mut(self.profile, self.name);
            if let Some(old) = entry.version_mut(journal.from)
                && old.state == State::Old
                // What we alone accept would otherwise be out of use without having been ended.
                && journal.order == Order::AtOnce
                // What others may know is ended, however often that fails.
                && old.compromised_at.is_none()
            {
                old.retire_at = None;
            }
            let why = "aborted by the operator".to_owned();
            Ok(Edited { value: (), events: vec![self.event(journal, "aborted", Some(why))] })
        })?;
        self.told(journal, world)?;
        Ok(written)
    }
}

/// Gives a version that was to be gone back to its end again.
fn restore(entry: &mut Entry, journal: &Journal) {
    if let Some((number, due)) = journal.cancelled
        && let Some(version) = entry.version_mut(number)
        && version.state == State::Old
    {
        version.retire_at = Some(due);
    }
}
