//! The vault that servers were given, against the one here: whether this one comes from it, and
//! taking it in the place of this one.

use super::audit::{self, Event};
use super::followed::{FOLDER as FOLLOWED, opened_key};
use super::index::Index;
use super::lineage;
use super::overview::Freshness;
use super::source::VaultSource;
use super::write::{Opened, failure};
use crate::base::file;
use crate::report::{Fault, Problem};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the vault that was replaced is kept: this and its generation.
const BEFORE: &str = "vault.age.before";

/// The largest audit that is searched.
pub(super) const AUDIT_LIMIT: u64 = 256 << 20;

/// The largest key of fingerprints that is copied.
const KEY_LIMIT: u64 = 4 << 10;

/// By what a published vault is told to be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KnownAs {
    /// Its id.
    Vault(String),
    /// The public half of the identity that opens it: on a machine that has nothing else.
    Recipient(String),
}

/// A vault that can be taken.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    /// The generation it is said to be of.
    pub(crate) generation: u64,
    /// Its bytes.
    pub(crate) sealed: Vec<u8>,
    /// The sealed key of its fingerprints; `None` for the copy that a server here keeps, which has
    /// that key beside it.
    pub(crate) fingerprints: Option<Vec<u8>>,
}

impl Offered {
    /// Where it comes from, in words.
    pub(crate) fn origin(&self) -> &'static str {
        match self.fingerprints {
            Some(_) => "the store",
            None => "`published/vault.age`",
        }
    }
}

/// What taking a vault came to.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The generation that was here before.
    pub(crate) before: Option<u64>,
    /// The generation that was taken.
    pub(crate) taken: u64,
    /// The generation of the vault now.
    pub(crate) generation: u64,
    /// Where the vault that was here is kept.
    pub(crate) kept: Option<PathBuf>,
    /// What the operator should know besides.
    pub(crate) warnings: Vec<Problem>,
}

impl VaultSource {
    /// By what a published vault is told to be this one.
    ///
    /// # Errors
    /// There is no vault here, and no identity either.
    pub(crate) fn known_as(&self) -> Result<KnownAs, Fault> {
        match self.read_index()?.filter(|index| index.current.is_some() || index.next.is_some()) {
            Some(index) => Ok(KnownAs::Vault(index.vault)),
            None => Ok(KnownAs::Recipient(self.unlock(None)?.recipient())),
        }
    }

    /// Whether this vault comes from the one that is sealed here, by the audit and the last line of it
    /// that this vault itself remembers. One that does not open is nobody's, and of one that remembers
    /// no line nobody knows better.
    pub(crate) fn comes_from(&self, sealed: &[u8]) -> bool {
        if self.read_sealed().ok().flatten().as_deref() == Some(sealed) {
            return true;
        }
        let Ok(identity) = self.read_index().and_then(|index| self.unlock(index.as_ref())) else {
            return true;
        };
        let Ok(document) = self.unseal(&identity, sealed, None) else { return true };
        let Some(given) = document.audit else { return true };
        let own = self.document().ok().flatten().and_then(|document| document.audit.clone());
        let audit = file::read_bounded(&self.path("audit.jsonl"), AUDIT_LIMIT).ok().flatten();
        lineage::comes_from(audit.as_deref(), own.as_ref(), &given)
    }

    /// The copy of a published vault that a server of this state directory keeps, if there is one.
    ///
    /// # Errors
    /// It cannot be read (5).
    pub(crate) fn kept_copy(&self) -> Result<Option<Offered>, Fault> {
        let folder = self.path(FOLLOWED);
        let copy = Self::new(&folder, self.options.clone(), Arc::clone(&self.clock));
        let found = copy.sealed()?;
        Ok(found.map(|(generation, sealed)| Offered { generation, sealed, fingerprints: None }))
    }

    /// Puts a published vault in the place of the one here, which is kept beside it. It is written
    /// anew, of a later generation than both.
    ///
    /// # Errors
    /// It does not open, is another vault, or cannot be written (5).
    pub(crate) fn take(&self, offered: &Offered) -> Result<Taken, Fault> {
        self.prepare()
            .map_err(|e| failure("cannot make the state directory", &self.state_dir, &e))?;
        let before = self.read_index()?;
        let (identity, backend) = match &before {
            Some(index) => (self.unlock(Some(index))?, index.backend),
            None => {
                let (identity, backend) = self.found()?;
                (self.remember(identity), backend)
            }
        };
        let _lock = self.writers_lock("keys doctor --take-published")?;
        let index = self.read_index()?;
        let written = |index: &&Index| index.current.is_some() || index.next.is_some();
        let mut document =
            self.unseal(&identity, &offered.sealed, index.as_ref().filter(written))?;
        let overview = self.overview()?;
        let taken = document.generation;
        document.generation = document.generation.max(overview.generation);
        let mut kept = None;
        if let Some(old) = self.read_sealed()? {
            // One that was kept before may be the only copy of what is in it.
            let path = file::free(&self.path(&format!("{BEFORE}-{}", overview.generation)));
            file::write_atomic(&path, &old, file::PRIVATE)
                .map_err(|e| failure("cannot keep the vault that is here", &path, &e))?;
            kept = Some(path);
        }
        let key = self.path("fingerprint.key");
        if !key.exists() {
            let unkept =
                |e: std::io::Error| failure("cannot keep the key of the fingerprints", &key, &e);
            match &offered.fingerprints {
                Some(sealed) => {
                    let line = opened_key(&identity, sealed, &document.vault)?.file();
                    file::write_atomic(&key, line.expose().as_bytes(), file::PRIVATE)
                        .map_err(unkept)?;
                }
                // Without it another is made, with which fingerprints differ from before.
                None => {
                    let beside = self.path(FOLLOWED).join("fingerprint.key");
                    if let Some(line) = file::read_bounded(&beside, KEY_LIMIT).map_err(unkept)? {
                        let line = zeroize::Zeroizing::new(line);
                        file::write_atomic(&key, &line, file::PRIVATE).map_err(unkept)?;
                    }
                }
            }
        }
        let (audit, now) = (self.path("audit.jsonl"), self.clock.now());
        let end = audit::settle(&audit, now, document.generation)
            .and_then(|()| audit::end(&audit))
            .map_err(|e| failure("cannot write the audit", &audit, &e))?;
        let event = Event {
            event: audit::TAKEN.to_owned(),
            profile: "*".to_owned(),
            name: "*".to_owned(),
            version: 0,
            fingerprint: None,
            detail: Some(audit::taken(
                &lineage::after(
                    &format!("generation {taken} from {}", offered.origin().replace('`', "")),
                    document.audit.as_ref(),
                ),
                &end,
            )),
        };
        let index = index.filter(|index| written(&index));
        let fresh = || Index::new(document.vault.clone(), backend, identity.recipient());
        let index = index.unwrap_or_else(fresh);
        let before = (overview.freshness != Freshness::NoVault).then_some(overview.generation);
        let mut opened =
            Opened { document, identity, index, first: false, rebuilt: None, warnings: Vec::new() };
        let warnings = self.commit(&mut opened, vec![event])?.into_iter().collect();
        self.forget();
        let generation = opened.document.generation;
        Ok(Taken { before, taken, generation, kept, warnings })
    }
}
