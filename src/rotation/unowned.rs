//! Versions that a rotation made and that none on record owns: their journal was set aside, or the vault
//! was put back from the middle of a rotation.

use super::journal::{Journal, Kind};
use super::machine::Rotation;
use crate::report::Fault;
use crate::secrets::audit::Event;
use crate::secrets::{Edited, Version, Written};

/// Versions that a rotation made and that none on record owns.
#[derive(Clone, Debug)]
pub(crate) struct Unowned {
    /// The name in the vault.
    pub(crate) name: String,
    /// Their numbers, oldest first.
    pub(crate) versions: Vec<u32>,
    /// The version in use.
    pub(crate) current: u32,
    /// Who issued one of them.
    pub(crate) issuer: Option<String>,
}

impl Rotation<'_> {
    /// The versions that a rotation made and that none on record owns, with the one in use. Nobody
    /// uses them, and nothing goes on with them.
    ///
    /// # Errors
    /// A journal cannot be read, or the vault cannot be opened (5).
    pub(crate) fn unowned(&self) -> Result<Option<Unowned>, Fault> {
        if Journal::read(self.state_dir, self.profile, self.name)?.is_some() {
            return Ok(None);
        }
        let document = self.vault.document()?;
        let entry = document.as_ref().and_then(|document| document.entry(self.profile, self.name));
        let Some(current) = entry.and_then(|entry| entry.current()) else { return Ok(None) };
        let unused: Vec<&Version> =
            entry.iter().flat_map(|e| &e.versions).filter(|v| v.is_unused()).collect();
        let issuer = unused.iter().find_map(|v| v.remote.as_ref()).map(|r| r.issuer.clone());
        let versions: Vec<u32> = unused.iter().map(|v| v.number).collect();
        let current = current.number;
        let name = self.name.to_owned();
        Ok((!versions.is_empty()).then_some(Unowned { name, versions, current, issuer }))
    }

    /// Takes such versions out of the vault. Nothing is done at an issuer.
    ///
    /// # Errors
    /// What the vault says.
    pub(crate) fn discard(&self, unowned: &Unowned) -> Result<Written<()>, Fault> {
        self.vault.write(None, &self.purpose(Kind::Rotate), |document| {
            let entry = document.entry_mut(self.profile, self.name);
            let mut events = Vec::new();
            for number in &unowned.versions {
                entry.discard(*number);
                events.push(Event {
                    event: "rotate.discarded".to_owned(),
                    profile: self.profile.to_owned(),
                    name: self.name.to_owned(),
                    version: *number,
                    fingerprint: None,
                    detail: Some("no rotation on record owned it".to_owned()),
                });
            }
            Ok(Edited { value: (), events })
        })
    }
}
