//! Journals of a vault that is not the one here any more: a version is known by its number, and
//! another vault may have another value under it. They are not gone on with, and set aside.

use super::journal::{Journal, Kind, Step};
use super::machine::Rotation;
use crate::base::Secret;
use crate::report::{Fault, Problem};
use crate::secrets::audit::Event;
use crate::secrets::{Freshness, State, Version};

/// How the vault stands to the version that a journal tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// It has it.
    There,
    /// It does not have it, and what is on record may still be to do: it is being issued, given up or
    /// ended.
    Open,
    /// It never had it: nothing happened.
    Never,
    /// It is another vault than the one that the journal was written beside; how that shows.
    Otherwise(&'static str),
}

/// The number is that of another value.
const ANOTHER: &str = "has another value in it";

/// The version was there once.
const LOST: &str = "is not in it any more";

/// The number was not the next one when the version was to be made.
const TAKEN: &str = "is not its next one";

impl Rotation<'_> {
    /// How the vault stands to the version that a journal tells of.
    ///
    /// # Errors
    /// Only the vault itself knows, and it cannot be opened (5).
    pub(super) fn stands(&self, journal: &Journal) -> Result<Stands, Fault> {
        let number = version(journal);
        let (profile, name) = (&*journal.profile, &*journal.name);
        let overview = self.vault.overview()?;
        if matches!(overview.freshness, Freshness::NoVault | Freshness::Fresh) {
            let entry = overview.entry(profile, name);
            let found = entry.and_then(|e| e.versions.iter().find(|v| v.number == number));
            match found {
                // Two fingerprints that are the same are of one value and one key.
                Some(found) if found.fingerprint == journal.fingerprint => {
                    return Ok(Stands::There);
                }
                None if journal.issuer.is_none() => return Ok(without(journal, None)),
                _ => {}
            }
        }
        // Only the vault itself knows.
        let document = self.vault.document()?;
        let entry = document.as_ref().and_then(|document| document.entry(profile, name));
        match entry.and_then(|e| e.versions.iter().find(|v| v.number == number)) {
            Some(found) if self.is_of(journal, found)? => Ok(Stands::There),
            Some(_) => Ok(Stands::Otherwise(ANOTHER)),
            None => Ok(without(journal, Some(entry.map_or(0, |entry| entry.last)))),
        }
    }

    /// Whether a version is the one that a journal tells of. Fingerprints that were made with another
    /// key tell nothing; then it is known by its state and when and by whom it was made.
    fn is_of(&self, journal: &Journal, found: &Version) -> Result<bool, Fault> {
        if journal.fingerprint.is_empty() {
            // The journal names a value before the vault has it; one without is still to be issued.
            return Ok(journal.kind == Kind::Retire);
        }
        let named = journal.fingerprint_key.is_some();
        if !named || journal.fingerprint_key == self.fingerprint_key()? {
            return Ok(self.fingerprint(&found.value)? == journal.fingerprint);
        }
        let used = matches!(found.state, State::Current | State::Old | State::Disabled);
        if journal.kind == Kind::Retire {
            return Ok(used);
        }
        let made = match &journal.issuer {
            None => found.created_at == journal.started_at,
            Some(issuer) => found.remote.as_ref().is_some_and(|remote| remote.issuer == *issuer),
        };
        Ok(made && (!used || journal.step >= Step::Published))
    }

    /// The journal with the fingerprint that the version has now: the key of the fingerprints may be
    /// another than when it was written.
    pub(super) fn refreshed(&self, mut journal: Journal) -> Result<Journal, Fault> {
        if journal.fingerprint.is_empty() || journal.fingerprint_key == self.fingerprint_key()? {
            return Ok(journal);
        }
        let document = self.vault.document()?;
        let entry = document.as_ref().and_then(|document| document.entry(self.profile, self.name));
        let number = version(&journal);
        let found = entry.and_then(|e| e.versions.iter().find(|v| v.number == number));
        if let Some(found) = found {
            self.names(&mut journal, &found.value)?;
            journal.write(self.state_dir)?;
        }
        Ok(journal)
    }

    /// Has the journal name a value by its fingerprint.
    pub(super) fn names(&self, journal: &mut Journal, value: &Secret) -> Result<(), Fault> {
        journal.fingerprint = self.fingerprint(value)?;
        journal.fingerprint_key = self.fingerprint_key()?;
        Ok(())
    }

    /// The fault of a journal of another vault.
    pub(super) fn astray(&self, journal: &Journal, shows: &str) -> Fault {
        Fault::refused(
            Problem::error(
                "rotation-astray",
                format!(
                    "the {} of `{}` on record is not of the vault here",
                    journal.kind.noun(),
                    journal.name
                ),
            )
            .why(format!("version {} {shows}; nothing was changed", version(journal)))
            .hint(format!(
                "`{} --abort` sets the record aside and leaves the vault as it is",
                self.command("rotate")
            )),
        )
    }

    /// The same of a version that was to be issued under a number that is not the next one.
    pub(super) fn not_next(&self, journal: &Journal) -> Fault {
        self.astray(journal, TAKEN)
    }

    /// Sets the journal of the name aside if it is of another vault; nothing in the vault changes,
    /// and nothing at an issuer.
    ///
    /// # Errors
    /// As [`Rotation::unfinished`], and the audit or the file system refuses (5).
    pub(crate) fn set_astray_aside(&self) -> Result<Option<Journal>, Fault> {
        let Some(journal) = Journal::read(self.state_dir, self.profile, self.name)? else {
            return Ok(None);
        };
        if !matches!(self.stands(&journal)?, Stands::Otherwise(_)) {
            return Ok(None);
        }
        self.set_aside(&journal)?;
        Ok(Some(journal))
    }

    /// After another vault took the place of the one here: sets all journals aside whose version it
    /// does not have, in any profile, and warns of each.
    ///
    /// # Errors
    /// A journal cannot be read, or the audit or the file system refuses (5).
    pub(crate) fn settle_all(&self) -> Result<Vec<Problem>, Fault> {
        let mut told = Vec::new();
        for journal in Journal::all(self.state_dir)? {
            if self.stands(&journal)? == Stands::There {
                continue;
            }
            self.set_aside(&journal)?;
            let what = format!(
                "the {} of `{}` that was under way in profile `{}` is set aside",
                journal.kind.noun(),
                journal.name,
                journal.profile
            );
            let why =
                format!("the vault that was taken does not have its version {}", version(&journal));
            let hint = match &journal.issuer {
                Some(issuer) => format!(
                    "what `{issuer}` made for it is found by: ultra keys doctor --open --profile {}",
                    journal.profile
                ),
                None => format!(
                    "if it is still wanted: ultra keys {} {} --profile {}",
                    if journal.kind == Kind::Retire { "show" } else { journal.kind.word() },
                    journal.name,
                    journal.profile
                ),
            };
            told.push(Problem::warning("rotation-astray", what).why(why).hint(hint));
        }
        Ok(told)
    }

    fn set_aside(&self, journal: &Journal) -> Result<(), Fault> {
        let event = Event {
            event: format!("{}.set-aside", journal.kind.word()),
            profile: journal.profile.clone(),
            name: journal.name.clone(),
            version: version(journal),
            fingerprint: Some(journal.fingerprint.clone()).filter(|f| !f.is_empty()),
            detail: Some("it is of another vault".to_owned()),
        };
        self.vault.note("setting a rotation aside", event)?;
        journal.set_aside(self.state_dir)
    }
}

/// How a vault that does not have the version stands to the journal. `last` is the number of the
/// newest version that there ever was; who issues nothing need not know it.
fn without(journal: &Journal, last: Option<u32>) -> Stands {
    // What is being given up may be gone from the vault and not from the servers.
    if journal.kind == Kind::Retire || journal.aborting {
        return Stands::Open;
    }
    // It was in the vault when it was tested, and servers may have it. Issuing it again would delete
    // the key that they use.
    if journal.step > Step::Created {
        return Stands::Otherwise(LOST);
    }
    match last {
        _ if journal.issuer.is_none() => Stands::Never,
        Some(last) if last.checked_add(1) != Some(journal.to) => Stands::Otherwise(TAKEN),
        _ => Stands::Open,
    }
}

/// The version that a journal is about.
fn version(journal: &Journal) -> u32 {
    if journal.kind == Kind::Retire { journal.from } else { journal.to }
}
