//! A vault whose file may lie elsewhere: a server follows the file of its state directory, and
//! the copy that the command line publishes for servers that do not see that file.
//!
//! A copy is believed only for what stands inside it: it must open with the identity, be the same
//! vault, and be of a later generation than anything that was there before. So whoever can write
//! to the place where it is published can hold a generation back, but neither make one up nor
//! bring an old one back.

use super::crypto::{FingerprintKey, Identity, digest};
use super::document::Document;
use super::index::{Index, Snapshot};
use super::overview::{Freshness, Overview};
use super::source::{VaultSource, lock};
use crate::base::lock::Lock;
use crate::base::{Secret, file};
use crate::report::{Fault, Place, Problem};
use crate::settings::secret::{RingKey, SecretFacts, SecretSource};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// How long one server waits for another that takes a copy.
const PATIENCE: Duration = Duration::from_secs(10);

/// The folder of the copy in the state directory.
pub(super) const FOLDER: &str = "published";

/// What else than the vault's own bytes servers are handed.
#[derive(Clone, Debug)]
pub(crate) struct Accompanying {
    /// The vault's id.
    pub(crate) vault_id: String,
    /// The public half of its identity.
    pub(crate) recipient: String,
    /// The key of the fingerprints, sealed.
    pub(crate) fingerprints: Vec<u8>,
}

/// The sealed key of the fingerprints. It names its vault, so that it fits no other.
#[derive(Deserialize, Serialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct SealedFingerprintKey {
    vault: String,
    fingerprint_key: String,
}

impl VaultSource {
    /// What goes with the sealed vault to servers that do not see its file; `None` if there is no
    /// vault.
    ///
    /// # Errors
    /// The identity or the key of the fingerprints cannot be had.
    pub(crate) fn accompanying(&self) -> Result<Option<Accompanying>, Fault> {
        let Some(index) = self.read_index()? else { return Ok(None) };
        let identity = self.unlock(Some(&index))?;
        let key = SealedFingerprintKey {
            vault: index.vault.clone(),
            fingerprint_key: self.fingerprint_key()?.line().expose().to_owned(),
        };
        let text = serde_json::to_string(&key).map(zeroize::Zeroizing::new);
        let fingerprints = text
            .ok()
            .and_then(|text| identity.seal(&text).ok())
            .ok_or_else(|| Fault::bug("the key of the fingerprints cannot be sealed"))?;
        let (vault_id, recipient) = (index.vault, index.recipient);
        Ok(Some(Accompanying { vault_id, recipient, fingerprints }))
    }
}

/// The vault of a server.
#[derive(Debug)]
pub(crate) struct Followed {
    own: VaultSource,
    copy: VaultSource,
    /// One copy is taken at a time.
    taking: Mutex<()>,
}

impl Followed {
    /// Follows the file of `own`, and a copy in the same state directory.
    pub(crate) fn new(own: VaultSource) -> Self {
        let folder = own.path(FOLDER);
        let mut copy = VaultSource::new(&folder, own.options.clone(), Arc::clone(&own.clock));
        copy.ask.clone_from(&own.ask);
        Self { own, copy, taking: Mutex::new(()) }
    }

    /// The vault of the state directory.
    pub(crate) fn own(&self) -> &VaultSource {
        &self.own
    }

    /// The generation that is worked with; `None` if there is no vault at all.
    ///
    /// # Errors
    /// What is there cannot be read.
    pub(crate) fn generation(&self) -> Result<Option<u64>, Fault> {
        let overview = self.latest()?.overview()?;
        Ok((overview.freshness != Freshness::NoVault).then_some(overview.generation))
    }

    /// The id of the vault, if there is one.
    ///
    /// # Errors
    /// What is there cannot be read.
    pub(crate) fn vault_id(&self) -> Result<Option<String>, Fault> {
        Ok(self.known()?.map(|index| index.vault))
    }

    /// The public half of the identity that this server has; `None` if it has none.
    pub(crate) fn recipient(&self) -> Option<String> {
        self.identity().ok().map(|identity| identity.recipient())
    }

    /// Takes a published vault, if it is later than what is known. Says whether it was taken.
    ///
    /// # Errors
    /// It does not open with the identity of this server, is another vault, is older than the
    /// copy claims to be, or cannot be kept.
    pub(crate) fn take(&self, sealed: &[u8], fingerprints: &[u8]) -> Result<bool, Fault> {
        let _one = lock(&self.taking);
        let identity = self.identity()?;
        // Nor do two servers of one directory write it at once.
        let _alone = self.alone()?;
        let known = self.known()?;
        let document = self.copy.unseal(&identity, sealed, None)?;
        if let Some(known) = known.as_ref().filter(|known| known.vault != document.vault) {
            return Err(unfit(format!(
                "it is vault `{}`, this server works with `{}`",
                document.vault, known.vault
            )));
        }
        if self.generation()?.is_some_and(|generation| document.generation <= generation) {
            return Ok(false);
        }
        let key = opened_key(&identity, fingerprints, &document.vault)?;
        self.keep(&identity, sealed, &document, &key, known.as_ref())?;
        *lock(&self.copy.identity) = Some(identity);
        self.copy.forget();
        Ok(true)
    }

    /// The right to write the copy; makes its folder.
    fn alone(&self) -> Result<Lock, Fault> {
        let folder = &self.copy.state_dir;
        let denied = |why: String| {
            Fault::unreachable(
                Problem::error("vault-write", "cannot keep the published vault")
                    .at(Place::file(folder))
                    .why(why),
            )
        };
        file::private_dir(&self.own.state_dir)
            .and_then(|()| file::private_folder(folder))
            .map_err(|e| denied(e.to_string()))?;
        Lock::take(&folder.join("taking.lock"), "serve", PATIENCE)
            .map_err(|e| denied(e.to_string()))
    }

    /// Writes the copy in the order of a write of the vault: each step leaves a readable pair.
    fn keep(
        &self,
        identity: &Identity,
        sealed: &[u8],
        document: &Document,
        key: &FingerprintKey,
        known: Option<&Index>,
    ) -> Result<(), Fault> {
        let written = |result: std::io::Result<()>| {
            result.map_err(|e| {
                Fault::unreachable(
                    Problem::error("vault-write", "cannot keep the published vault")
                        .at(Place::file(self.copy.vault_path()))
                        .hint(Problem::room(&self.copy.vault_path(), &e))
                        .why(e),
                )
            })
        };
        let line = key.file();
        let path = self.copy.path("fingerprint.key");
        written(file::write_atomic(&path, line.expose().as_bytes(), file::PRIVATE))?;
        let backend = match known {
            Some(index) => index.backend,
            None => self.own.found()?.1,
        };
        let before = self.copy.read_index()?;
        let there = self.copy.read_sealed()?.map(|bytes| digest(&bytes));
        let mut index = Index::new(document.vault.clone(), backend, identity.recipient());
        let snapshots = before.into_iter().flat_map(|index| [index.current, index.next]);
        index.current = snapshots.flatten().find(|s| Some(&s.digest) == there.as_ref());
        index.next = Some(Snapshot {
            generation: document.generation,
            digest: digest(sealed),
            entries: document.facts(|value| key.of(value)),
            // The audit is where the vault is written.
            audit: None,
        });
        written(index.write(&self.copy.index_path()))?;
        written(file::write_atomic(&self.copy.vault_path(), sealed, file::PRIVATE))?;
        index.current = index.next.take();
        written(index.write(&self.copy.index_path()))
    }

    /// The index of the vault as it was last known here.
    fn known(&self) -> Result<Option<Index>, Fault> {
        let written = |index: &Index| index.current.is_some() || index.next.is_some();
        match self.own.read_index()?.filter(written) {
            Some(index) => Ok(Some(index)),
            None => self.copy.read_index(),
        }
    }

    /// The identity, asked for once for both.
    fn identity(&self) -> Result<Arc<Identity>, Fault> {
        self.own.unlock(self.known()?.as_ref())
    }

    /// Whichever of the two is of the later generation.
    fn latest(&self) -> Result<&VaultSource, Fault> {
        let copy = self.copy.overview()?;
        if copy.freshness == Freshness::NoVault {
            return Ok(&self.own);
        }
        let own = self.own.overview()?;
        let id = |overview: &Overview| overview.index.as_ref().map(|index| index.vault.clone());
        let none = own.freshness == Freshness::NoVault;
        if none || (own.generation < copy.generation && id(&own) == id(&copy)) {
            return Ok(&self.copy);
        }
        Ok(&self.own)
    }

    /// The same, ready to be opened.
    fn source(&self) -> Result<&VaultSource, Problem> {
        let latest = self.latest().map_err(first)?;
        if std::ptr::eq(latest, &self.copy) && lock(&self.copy.identity).is_none() {
            *lock(&self.copy.identity) = Some(self.identity().map_err(first)?);
        }
        Ok(latest)
    }
}

/// Opens the sealed key of the fingerprints of `vault`.
pub(super) fn opened_key(
    identity: &Identity,
    sealed: &[u8],
    vault: &str,
) -> Result<FingerprintKey, Fault> {
    let text = identity.unseal(sealed).map_err(|e| unfit(e.to_string()))?;
    // What serde says may quote the text.
    let mut key: SealedFingerprintKey = serde_json::from_str(&text)
        .map_err(|_| unfit("the key of its fingerprints is malformed".to_owned()))?;
    if key.vault != vault {
        return Err(unfit("the key of its fingerprints is of another vault".to_owned()));
    }
    FingerprintKey::parse(Secret::new(std::mem::take(&mut key.fingerprint_key)))
        .ok_or_else(|| unfit("the key of its fingerprints is malformed".to_owned()))
}

fn unfit(why: String) -> Fault {
    Fault::unreachable(
        Problem::error("published-vault", "the published vault is not taken").why(why),
    )
}

fn first(fault: Fault) -> Problem {
    let text = fault.to_string();
    fault.problems.into_iter().next().unwrap_or_else(|| Problem::error("vault", text))
}

impl SecretSource for Followed {
    fn facts(&self, profile: &str, name: &str) -> Result<Option<SecretFacts>, Problem> {
        self.latest().map_err(first)?.facts(profile, name)
    }

    fn holds_nothing(&self) -> bool {
        self.latest().is_ok_and(SecretSource::holds_nothing)
    }

    fn open(&self, profile: &str, name: &str) -> Result<Option<Secret>, Problem> {
        self.source()?.open(profile, name)
    }

    fn opened(&self, profile: &str, name: &str) -> Result<Option<(SecretFacts, Secret)>, Problem> {
        self.source()?.opened(profile, name)
    }

    fn ring(&self, profile: &str, name: &str) -> Result<Vec<RingKey>, Problem> {
        self.source()?.ring(profile, name)
    }

    fn fingerprint(&self, value: &Secret) -> Result<String, Problem> {
        self.latest().map_err(first)?.fingerprint(value)
    }

    fn fingerprint_key_id(&self) -> Result<Option<String>, Problem> {
        self.latest().map_err(first)?.fingerprint_key_id()
    }
}

#[cfg(test)]
#[path = "followed_tests.rs"]
mod tests;
