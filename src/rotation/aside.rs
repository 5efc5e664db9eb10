//! Journals of a vault that is not the one here any more: a version is known by its number, and
//! another vault may have another value under it. They are not gone on with, and set aside.

use super::journal::{Journal, Kind};
use super::machine::Rotation;
use crate::report::{Fault, Problem};
use crate::secrets::Freshness;
use crate::secrets::audit::Event;

/// How the vault stands to the version that a journal tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// It has it.
    There,
    /// It has no version of that number.
    Gone,
    /// It has another value under that number.
    Otherwise,
}

impl Rotation<'_> {
    /// How the vault stands to the version that a journal tells of.
    ///
    /// # Errors
    /// Only the vault itself knows, and it cannot be opened (5).
    pub(super) fn stands(&self, journal: &Journal) -> Result<Stands, Fault> {
        let ends = journal.kind == Kind::Retire;
        let number = version(journal);
        let (profile, name) = (&*journal.profile, &*journal.name);
        let overview = self.vault.overview()?;
        let found = match overview.freshness {
            Freshness::NoVault | Freshness::Fresh => overview
                .entry(profile, name)
                .and_then(|e| e.versions.iter().find(|v| v.number == number))
                .map(|v| v.fingerprint.clone()),
            // Only the vault itself knows.
            Freshness::Stale | Freshness::NoIndex | Freshness::Lost => {
                let document = self.vault.document()?;
                let entry = document.as_ref().and_then(|d| d.entry(profile, name));
                let version = entry.and_then(|e| e.versions.iter().find(|v| v.number == number));
                version.map(|v| self.fingerprint(&v.value)).transpose()?
            }
        };
        Ok(match found {
            None => Stands::Gone,
            // The journal names a value before the vault has it; one without is still to be issued.
            Some(found) if found == journal.fingerprint => Stands::There,
            Some(_) if ends && journal.fingerprint.is_empty() => Stands::There,
            Some(_) => Stands::Otherwise,
        })
    }

    /// The fault of a journal of another vault.
    pub(super) fn astray(&self, journal: &Journal) -> Fault {
        Fault::refused(
            Problem::error(
                "rotation-astray",
                format!(
                    "the {} of `{}` on record is not of the vault here",
                    journal.kind.noun(),
                    journal.name
                ),
            )
            .why(format!(
                "version {} has another value in it; nothing was changed",
                version(journal)
            ))
            .hint(format!(
                "`{} --abort` sets the record aside and leaves the vault as it is",
                self.command("rotate")
            )),
        )
    }

    /// Sets the journal of the name aside if it is of another vault; nothing in the vault changes.
    ///
    /// # Errors
    /// As [`Rotation::unfinished`], and the audit or the file system refuses (5).
    pub(crate) fn set_astray_aside(&self) -> Result<Option<Journal>, Fault> {
        let Some(journal) = Journal::read(self.state_dir, self.profile, self.name)? else {
            return Ok(None);
        };
        if self.stands(&journal)? != Stands::Otherwise {
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

/// The version that a journal is about.
fn version(journal: &Journal) -> u32 {
    if journal.kind == Kind::Retire { journal.from } else { journal.to }
}
