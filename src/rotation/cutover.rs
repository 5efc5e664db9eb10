//! The cut-over: the new version is given to the servers, acknowledged by them, and in use.

use super::fleet::{Acknowledgement, Has, Replica, acknowledged};
use super::journal::{Aim, Journal, Kind, Order, Step};
use super::machine::{Ended, Rotation, World};
use crate::base::Timestamp;
use crate::report::Fault;
use crate::secrets::{Edited, Entry, State};
use std::time::{Duration, Instant};

/// How often servers are looked at while they are waited for.
const LOOK: Duration = Duration::from_millis(250);

/// What servers are waited for to have.
pub(super) struct Wanted<'a> {
    /// The variable.
    pub(super) variable: &'a str,
    /// The fingerprint of its value.
    pub(super) fingerprint: &'a str,
    /// What it takes to have it.
    pub(super) has: Has,
    /// Which servers it is about.
    pub(super) counts: &'a dyn Fn(&Replica) -> bool,
}

impl Rotation<'_> {
    /// Gives the new version to the servers: step `published`. One that is used at once becomes
    /// the current one with it; one that signs is only verified with for now, unless the old one
    /// may no longer be trusted.
    pub(super) fn publish(&self, journal: &mut Journal, world: &World<'_>) -> Result<(), Fault> {
        if journal.step > Step::Published {
            return Ok(());
        }
        self.advance(journal, Step::Published, None)?;
        let now = self.vault.clock().now();
        self.vault.write(None, &self.purpose(journal.kind), |document| {
            let entry = document.entry_mut(self.profile, self.name);
            let Some(version) = entry.version_mut(journal.to) else {
                return Err(Fault::bug(format!("version {} is not in the vault", journal.to)));
            };
            if version.state != State::Pending {
                return Ok(Edited { value: (), events: Vec::new() });
            }
            if let Some(destination) = &journal.destination {
                version.verified_at = Some(now);
                version.bound = Some(destination.clone());
            }
            let ahead = journal.order == Order::Ahead;
            if ahead && !journal.compromised {
                version.state = State::Next;
            } else {
                entry.promote(journal.to);
            }
            entry.may_go_as(journal.from, journal.to);
            if journal.compromised
                && let Some(old) = entry.version_mut(journal.from)
            {
                old.compromised_at = Some(now);
                old.retire_at = None;
                if ahead {
                    // It is ours alone to accept, and nobody does from here on.
                    old.state = State::Disabled;
                    old.disabled_at = Some(now);
                }
            }
            if let (Kind::Rollback, Some(old)) = (journal.kind, entry.version_mut(journal.from)) {
                old.rolled_back = true;
            }
            let detail =
                journal.compromised.then(|| format!("version {} is compromised", journal.from));
            Ok(Edited { value: (), events: vec![self.event(journal, "published", detail)] })
        })?;
        if let Err(fault) = self.hand_over(world) {
            return Err(self.held_up(journal, fault));
        }
        Ok(())
    }

    /// Hands the vault as it is now to servers that do not see its file, and has all look at it.
    pub(super) fn hand_over(&self, world: &World<'_>) -> Result<(), Fault> {
        if let Some((generation, sealed)) = self.vault.sealed()? {
            world.fleet.publish(generation, &sealed)?;
        }
        world.fleet.hasten();
        Ok(())
    }

    /// Waits until every server has the new version: step `acknowledged`. `None` if no server
    /// uses it.
    pub(super) fn acknowledge(
        &self,
        journal: &mut Journal,
        world: &World<'_>,
    ) -> Result<Option<Acknowledgement>, Fault> {
        let again = journal.step >= Step::Acknowledged;
        // Who still accepts a value that others may know is asked however far the rest has come.
        if again && !journal.compromised {
            return Ok(None);
        }
        let told = match journal.variable.clone() {
            None => None,
            Some(variable) => {
                let fingerprint = journal.fingerprint.clone();
                // Where another layer wins the new value never comes: whoever rotates all the same
                // was told.
                let heeds = |replica: &Replica| replica.heeds_vault(&variable);
                let wanted = Wanted {
                    variable: &variable,
                    fingerprint: &fingerprint,
                    has: Has::Anyhow,
                    counts: &heeds,
                };
                match self.wait_for(&wanted, journal.compromised, world) {
                    Ok(told) => Some(told),
                    Err(fault) => return Err(self.held_up(journal, fault)),
                }
            }
        };
        if again {
            return Ok(told);
        }
        let detail = told.as_ref().map(|told| told.in_words("server"));
        self.note(journal, "acknowledged", detail)?;
        self.advance(journal, Step::Acknowledged, None)?;
        Ok(told)
    }

    /// Waits until every server that counts has the wanted value. Where haste matters more
    /// (`regardless`), those that lag are not waited for longer than that.
    pub(super) fn wait_for(
        &self,
        wanted: &Wanted<'_>,
        regardless: bool,
        world: &World<'_>,
    ) -> Result<Acknowledgement, Fault> {
        let deadline = Instant::now() + world.wait;
        loop {
            let mut replicas = world.fleet.replicas()?;
            replicas.retain(wanted.counts);
            let told = acknowledged(&replicas, wanted.variable, wanted.fingerprint, wanted.has);
            if told.is_whole() {
                return Ok(told);
            }
            let over = Instant::now() >= deadline;
            if over && regardless {
                return Ok(told);
            }
            if !told.rejected.is_empty() {
                return Err(self.rejected(&told));
            }
            if over {
                return Err(self.waiting(&told));
            }
            (world.say)(&format!(
                "{} got the new value of `{}`",
                told.in_words("server"),
                self.name
            ));
            std::thread::sleep(LOOK.min(deadline.saturating_duration_since(Instant::now())));
        }
    }

    /// Servers that nobody waited for: what they still accept is said, and is no success.
    fn not_followed(&self, journal: &Journal, ended: &mut Ended) {
        let Some(told) = ended.acknowledgement.as_ref().filter(|told| !told.is_whole()) else {
            return;
        };
        let lag = self.lag(told, journal);
        ended.left_over = Some(match ended.left_over.take() {
            Some(fault) => Fault {
                problems: lag.problems.into_iter().chain(fault.problems).collect(),
                ..fault
            },
            None => lag,
        });
    }

    /// The time, by a clock that may have been set back: not before what the entry tells of. A
    /// grace that begins too early is over before its time once the clock is right again.
    pub(super) fn now_at_least(&self) -> Result<Timestamp, Fault> {
        let now = self.vault.clock().now();
        let document = self.vault.document()?;
        let entry = document.as_ref().and_then(|d| d.entry(self.profile, self.name));
        Ok(entry.and_then(Entry::latest).map_or(now, |latest| latest.max(now)))
    }

    /// Makes the new version the current one: step `current`. The grace of the old one begins, and
    /// ends at once if it is none.
    pub(super) fn make_current(
        &self,
        mut journal: Journal,
        acknowledgement: Option<Acknowledgement>,
        world: &World<'_>,
    ) -> Result<Ended, Fault> {
        if journal.cut_at.is_none() {
            journal.cut_at = Some(self.now_at_least()?);
        }
        self.advance(&mut journal, Step::Current, None)?;
        let due = journal.due_at();
        let written = self.vault.write(None, &self.purpose(journal.kind), |document| {
            let entry = document.entry_mut(self.profile, self.name);
            let mut changed = false;
            if entry.current().is_none_or(|v| v.number != journal.to) {
                if !entry.promote(journal.to) {
                    return Err(Fault::bug(format!("version {} is not in the vault", journal.to)));
                }
                changed = true;
            }
            // One with the same value was gone back to: it ends with the new one only.
            if let Some((number, _)) = journal.cancelled
                && let Some(same) = entry.version_mut(number)
                && same.retire_at.is_some()
            {
                same.retire_at = None;
                changed = true;
            }
            let mut refused = false;
            if let Some(old) = entry.version_mut(journal.from) {
                refused = old.refused_at.is_some();
                if old.state == State::Old && old.retire_at != due {
                    old.retire_at = due;
                    changed = true;
                }
            }
            let detail = journal.destination.clone();
            // Told once: a step that is taken again finds nothing to change. With no grace there
            // is nothing to change the first time either, so the audit is told by hand.
            let events = match changed {
                true => vec![self.event(&journal, "current", detail)],
                false => Vec::new(),
            };
            Ok(Edited { value: (refused, changed), events })
        })?;
        let (from_refused, changed) = written.value;
        if !changed {
            self.note(&journal, "current", journal.destination.clone())?;
        }
        // Always: what the vault says was perhaps said by an attempt that did not come as far.
        if let Err(fault) = self.hand_over(world) {
            return Err(self.held_up(&mut journal, fault));
        }
        let mut ended = Ended {
            kind: journal.kind,
            step: Step::Current,
            from: journal.from,
            to: journal.to,
            fingerprint: journal.fingerprint.clone(),
            destination: journal.destination.clone(),
            generation: written.generation,
            from_refused,
            retire_at: due,
            acknowledgement,
            compromised: journal.compromised,
            left_over: None,
            left_valid: None,
        };
        journal.end(self.state_dir)?;
        let now = self.vault.clock().now();
        if due.is_some_and(|due| due <= now) {
            self.end_now(&journal, &mut ended, world);
        }
        self.not_followed(&journal, &mut ended);
        Ok(ended)
    }

    /// Ends the version before at once: it has no grace.
    fn end_now(&self, journal: &Journal, ended: &mut Ended, world: &World<'_>) {
        let plan = super::Plan {
            kind: Kind::Retire,
            order: journal.order,
            variable: journal.variable.clone(),
            destination: journal.destination.clone(),
            grace: None,
            drain: None,
            compromised: journal.compromised,
        };
        match self.end_version(&plan, journal.from, Aim::Retire, world) {
            Ok(retired) => {
                ended.step = retired.step;
                ended.generation = retired.generation;
                ended.retire_at = None;
            }
            // The cut-over stands; what is left to do is said with it.
            Err(fault) => ended.left_over = Some(fault),
        }
    }
}
