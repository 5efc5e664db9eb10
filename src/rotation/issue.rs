//! A new value that its issuer makes: on record under a tag before it is made.

use super::fleet::Fleet;
use super::journal::{Journal, Plan, Step};
use super::machine::Rotation;
use crate::provider::admin::{self, Issuer, IssuerError};
use crate::report::Fault;
use crate::secrets::{Edited, State};

impl Rotation<'_> {
    /// Has the issuer make the new value and puts it into the vault, unused: step `created`. What
    /// is about to be made is on record under a tag before it is made.
    ///
    /// # Errors
    /// The issuer refuses (3) or cannot be reached (5), no entry to rotate (2), servers were given
    /// another vault (6), and what the vault says.
    pub(crate) fn issue(
        &self,
        plan: &Plan,
        issuer: &dyn Issuer,
        fleet: &dyn Fleet,
    ) -> Result<Journal, Fault> {
        let document = self.vault.document()?.ok_or_else(|| self.nothing())?;
        let entry = document.entry(self.profile, self.name).ok_or_else(|| self.nothing())?;
        let current = entry.current().ok_or_else(|| self.nothing())?;
        let versions = (current.number, entry.last + 1);
        // Of the same number servers may have another key, made under the same tag.
        fleet.agrees()?;
        let now = self.vault.clock().now();
        let mut journal = Journal::new(self.profile, self.name, plan, versions, String::new(), now);
        journal.issuer = Some(issuer.name().to_owned());
        journal.write(self.state_dir)?;
        self.issued(&mut journal, Some(issuer), true)?;
        Ok(journal)
    }

    /// Whether an issuer is to make the value that is on record.
    pub(super) fn is_to_be_issued(&self, journal: &Journal) -> Result<bool, Fault> {
        if journal.issuer.is_none() {
            return Ok(false);
        }
        let document = self.vault.document()?.ok_or_else(|| self.nothing())?;
        let entry = document.entry(self.profile, self.name).ok_or_else(|| self.nothing())?;
        Ok(entry.versions.iter().all(|v| v.number != journal.to))
    }

    /// Has the issuer make the value that is on record, unless the vault has it. Whoever says no to
    /// the `first` call has made nothing; later it may have made a key for the call before, whose
    /// answer was lost, and that stays on record until it can be looked for.
    pub(super) fn issued(
        &self,
        journal: &mut Journal,
        issuer: Option<&dyn Issuer>,
        first: bool,
    ) -> Result<(), Fault> {
        let Some(name) = journal.issuer.clone() else { return Ok(()) };
        let document = self.vault.document()?.ok_or_else(|| self.nothing())?;
        let entry = document.entry(self.profile, self.name).ok_or_else(|| self.nothing())?;
        if !self.is_to_be_issued(journal)? {
            return Ok(());
        }
        // Before the key that is there under this tag is deleted.
        if entry.last.checked_add(1) != Some(journal.to) {
            return Err(self.not_next(journal));
        }
        let Some(issuer) = issuer else { return Err(self.no_issuer(journal, &name)) };
        let tag = admin::tag(&document.vault, self.profile, self.name, journal.to);
        let issued = match issuer.create(&tag) {
            Ok(issued) => issued,
            Err(error @ (IssuerError::Refused { .. } | IssuerError::Unable)) if first => {
                journal.end(self.state_dir)?;
                return Err(self.not_issued(&name, &error));
            }
            Err(error) => {
                let why = format!("{name}: {error}");
                self.advance(journal, Step::Created, Some(why.clone()))?;
                return Err(self.stopped_at(journal, "could not be issued", &why));
            }
        };
        let now = self.vault.clock().now();
        self.vault.write(None, &self.purpose(journal.kind), |document| {
            let entry = document.entry_mut(self.profile, self.name);
            if entry.last + 1 != journal.to {
                return Err(Fault::bug(format!("version {} is not the next one", journal.to)));
            }
            self.names(journal, &issued.value)?;
            // Whatever was before it, this value is not tested yet.
            journal.step = Step::Created;
            journal.stopped = None;
            journal.write(self.state_dir)?;
            entry.add(issued.value, State::Pending, now, None);
            if let Some(version) = entry.version_mut(journal.to) {
                version.remote = Some(issued.remote);
                version.drain_seconds = journal.drain_seconds;
            }
            let events = vec![self.event(journal, "created", Some(format!("issued by {name}")))];
            Ok(Edited { value: (), events })
        })?;
        Ok(())
    }
}
