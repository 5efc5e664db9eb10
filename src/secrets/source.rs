//! The vault as commands and servers see it: facts from the index, values on demand.

use super::crypto::{FingerprintKey, Identity};
use super::document::Document;
use super::entry::Entry;
use super::followed::FOLDER as FOLLOWED;
use super::index::EntryFacts;
use super::overview::{Freshness, Overview, Stamp, glance, stamp};
use crate::base::{Clock, Secret, state_mark};
use crate::report::{Fault, Place, Problem, Unanswered};
use crate::settings::secret::{RingKey, SecretFacts, SecretSource};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The size limit of a vault file.
pub(super) const LIMIT: u64 = 8 << 20;

/// How often vault and index are read again because a writer was faster.
const TRIES: u32 = 10;

/// Where the identity may be, as the bootstrap variables say.
#[derive(Clone, Debug, Default)]
pub(crate) struct BackendOptions {
    /// `ULTRA_VAULT_IDENTITY_FILE`.
    pub(crate) identity_file: Option<PathBuf>,
    /// `ULTRA_VAULT_PASSPHRASE_FILE`.
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The root, in which the identity file must not lie.
    pub(crate) root: Option<PathBuf>,
}

/// Asks a person for a secret on a terminal.
pub(super) type Ask = Arc<dyn Fn(&str) -> Result<Secret, Unanswered> + Send + Sync>;

/// The vault of a state directory. Opens nothing until a value is asked for, and its identity at
/// most once.
pub(crate) struct VaultSource {
    pub(super) state_dir: PathBuf,
    pub(super) options: BackendOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ask: Option<Ask>,
    pub(super) identity: Mutex<Option<Arc<Identity>>>,
    /// The passphrase that a migration was told, so that it is asked for once.
    pub(super) chosen: Mutex<Option<Secret>>,
    opened: Mutex<Option<(Stamp, Arc<Document>)>>,
    glanced: Mutex<Option<(Stamp, Stamp, Arc<Overview>)>>,
    /// The copy that a server beside it follows, if there is no vault here.
    copy: Mutex<Option<Arc<VaultSource>>>,
}

impl std::fmt::Debug for VaultSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VaultSource").field("state_dir", &self.state_dir).finish_non_exhaustive()
    }
}

/// A poisoned lock only means that another thread panicked while it looked; the value is whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl VaultSource {
    /// The vault in `state_dir`, which need not exist.
    pub(crate) fn new(state_dir: &Path, options: BackendOptions, clock: Arc<dyn Clock>) -> Self {
        Self {
            state_dir: state_dir.to_path_buf(),
            options,
            clock,
            ask: None,
            identity: Mutex::new(None),
            chosen: Mutex::new(None),
            opened: Mutex::new(None),
            glanced: Mutex::new(None),
            copy: Mutex::new(None),
        }
    }

    /// The same, with somebody who can be asked for the passphrase.
    pub(crate) fn asking(
        mut self,
        ask: impl Fn(&str) -> Result<Secret, Unanswered> + Send + Sync + 'static,
    ) -> Self {
        self.ask = Some(Arc::new(ask));
        self
    }

    /// The state directory.
    pub(crate) fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The time that versions are dated by.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The path of a file of the vault.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.state_dir.join(name)
    }

    /// `vault.age`.
    pub(crate) fn vault_path(&self) -> PathBuf {
        self.path("vault.age")
    }

    /// `vault-index.json`.
    pub(crate) fn index_path(&self) -> PathBuf {
        self.path("vault-index.json")
    }

    /// Tells one generation of the vault from another without opening it: a server compares it to
    /// see that there is something new. `None` if there is no vault.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        stamp(&self.vault_path())
    }

    /// The sealed vault as it is now, with its generation, to be handed to servers that do not
    /// see the file; `None` if there is none. Opens nothing.
    ///
    /// # Errors
    /// As [`VaultSource::overview`].
    pub(crate) fn sealed(&self) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let overview = self.overview()?;
        Ok(self.read_sealed()?.map(|sealed| (overview.generation, sealed)))
    }

    /// Whether the identity is at hand, so that nobody is asked for it any more.
    pub(crate) fn is_unlocked(&self) -> bool {
        lock(&self.identity).is_some()
    }

    /// What is known without opening anything.
    ///
    /// # Errors
    /// The index or the vault file cannot be read, or the index is damaged or of another version.
    pub(crate) fn overview(&self) -> Result<Arc<Overview>, Fault> {
        let stamps = || {
            let of = |path: PathBuf| stamp(&path).unwrap_or_default();
            (of(self.vault_path()), of(self.index_path()))
        };
        let mut before = stamps();
        if let Some((vault, index, overview)) = &*lock(&self.glanced)
            && (*vault, *index) == before
        {
            return Ok(Arc::clone(overview));
        }
        let mut tries = 0;
        let overview = loop {
            let index = self.read_index()?;
            let sealed = self.read_sealed()?;
            let overview = glance(index, sealed.as_deref());
            // A writer may have replaced one of the two between the reads; then they do not belong
            // together, which is not to be taken for a vault that somebody put there by hand.
            let after = stamps();
            tries += 1;
            if after == before || tries == TRIES {
                break Arc::new(overview);
            }
            before = after;
        };
        *lock(&self.glanced) = Some((before.0, before.1, Arc::clone(&overview)));
        Ok(overview)
    }

    /// The content of the vault; `None` if there is no vault. Opens it, unless that was done.
    ///
    /// # Errors
    /// The backend is locked, gone or denies access; the vault is damaged or of another version.
    pub(crate) fn document(&self) -> Result<Option<Arc<Document>>, Fault> {
        // Taken before reading: if the file is replaced meanwhile, the next call reads again.
        let Some(stamp) = self.stamp() else {
            if self.overview()?.freshness == Freshness::Lost {
                return Err(self.lost());
            }
            return Ok(None);
        };
        if let Some((seen, document)) = &*lock(&self.opened)
            && *seen == stamp
        {
            return Ok(Some(Arc::clone(document)));
        }
        let Some(sealed) = self.read_sealed()? else { return Ok(None) };
        let index = self.read_index()?;
        let identity = self.unlock(index.as_ref())?;
        let document = Arc::new(self.unseal(&identity, &sealed, index.as_ref())?);
        *lock(&self.opened) = Some((stamp, Arc::clone(&document)));
        Ok(Some(document))
    }

    /// Where there is no vault, the copy of one that is written elsewhere, which a server of this
    /// directory follows: it is read as the server reads it, and never written.
    fn elsewhere(&self) -> Result<Option<Arc<Self>>, Fault> {
        let folder = self.path(FOLLOWED);
        if !folder.join("vault.age").exists() || self.overview()?.freshness != Freshness::NoVault {
            return Ok(None);
        }
        let mut copy = lock(&self.copy);
        let source = copy.get_or_insert_with(|| {
            Arc::new(Self::new(&folder, self.options.clone(), Arc::clone(&self.clock)))
        });
        Ok(Some(Arc::clone(source)))
    }

    /// The generation of the vault that is written elsewhere and that this machine follows, if it
    /// follows one. Opens nothing.
    ///
    /// # Errors
    /// As [`VaultSource::overview`].
    pub(crate) fn follows(&self) -> Result<Option<u64>, Fault> {
        let Some(copy) = self.elsewhere()? else { return Ok(None) };
        Ok(Some(copy.overview()?.generation))
    }

    /// The same, ready to be opened: with the identity of this directory.
    fn opened_elsewhere(&self) -> Result<Option<Arc<Self>>, Fault> {
        let Some(copy) = self.elsewhere()? else { return Ok(None) };
        let identity = self.unlock(copy.read_index()?.as_ref())?;
        *lock(&copy.identity) = Some(identity);
        Ok(Some(copy))
    }

    /// What the vault itself says of an entry, its index aside: nobody without the identity can
    /// change that. Opens the vault. Fingerprints are empty where their key cannot be had.
    ///
    /// # Errors
    /// As [`VaultSource::document`].
    pub(crate) fn entry(&self, profile: &str, name: &str) -> Result<Option<EntryFacts>, Fault> {
        if let Some(copy) = self.opened_elsewhere()? {
            return copy.entry(profile, name);
        }
        let Some(document) = self.document()? else { return Ok(None) };
        Ok(document.entry(profile, name).and_then(|entry| self.known_of(entry)))
    }

    /// What is known of an entry; nothing of one without versions.
    fn known_of(&self, entry: &Entry) -> Option<EntryFacts> {
        let key = self.fingerprint_key().ok();
        let fingerprint =
            |value: &Secret| key.as_ref().map_or_else(String::new, |key| key.of(value));
        (!entry.versions.is_empty()).then(|| entry.facts(fingerprint))
    }

    /// Forgets what was read, after a write.
    pub(super) fn forget(&self) {
        *lock(&self.opened) = None;
        *lock(&self.glanced) = None;
    }

    /// The key of the project's fingerprints, made if there is none.
    pub(super) fn fingerprint_key(&self) -> Result<FingerprintKey, Fault> {
        let path = self.path("fingerprint.key");
        let problem = |e: std::io::Error| {
            Fault::unreachable(
                Problem::error(
                    "fingerprint-key",
                    "cannot read or make the key of the fingerprints",
                )
                .at(Place::file(&path))
                .why(e),
            )
        };
        if let Some(key) = FingerprintKey::read(&path).map_err(problem)? {
            return Ok(key);
        }
        self.prepare().map_err(problem)?;
        FingerprintKey::read_or_make(&path).map_err(problem)
    }

    /// Makes the state directory, ignored by git, if it is missing.
    pub(super) fn prepare(&self) -> std::io::Result<()> {
        state_mark::state_dir(&self.state_dir)
    }
}

/// The first problem of a fault: what a [`SecretSource`] can tell.
fn first(fault: Fault) -> Problem {
    let text = fault.to_string();
    fault.problems.into_iter().next().unwrap_or_else(|| Problem::error("vault", text))
}

impl SecretSource for VaultSource {
    fn facts(&self, profile: &str, name: &str) -> Result<Option<SecretFacts>, Problem> {
        if let Some(copy) = self.elsewhere().map_err(first)? {
            // Its index is at hand; without one it would have to be opened.
            let opened = copy.overview().map_err(first)?.freshness == Freshness::NoIndex;
            let copy = if opened { self.opened_elsewhere().map_err(first)? } else { Some(copy) };
            return copy.map_or(Ok(None), |copy| copy.facts(profile, name));
        }
        let overview = self.overview().map_err(first)?;
        match overview.freshness {
            Freshness::Lost => return Err(first(self.lost())),
            // Only the vault itself knows; this is the one case in which facts open it.
            Freshness::NoIndex => {
                let Some(document) = self.document().map_err(first)? else { return Ok(None) };
                let key = self.fingerprint_key().map_err(first)?;
                let facts = document.facts(|value| key.of(value));
                let entry = facts.get(&Document::key(profile, name));
                return Ok(entry.and_then(current));
            }
            Freshness::NoVault | Freshness::Fresh | Freshness::Stale => {}
        }
        Ok(overview.entry(profile, name).and_then(current))
    }

    fn holds_nothing(&self) -> bool {
        self.overview().is_ok_and(|overview| overview.freshness == Freshness::NoVault)
            && self.elsewhere().is_ok_and(|copy| copy.is_none())
    }

    fn open(&self, profile: &str, name: &str) -> Result<Option<Secret>, Problem> {
        if let Some(copy) = self.opened_elsewhere().map_err(first)? {
            return copy.open(profile, name);
        }
        let document = self.document().map_err(first)?;
        Ok(document
            .and_then(|d| d.entry(profile, name)?.current().map(|version| version.value.clone())))
    }

    fn opened(&self, profile: &str, name: &str) -> Result<Option<(SecretFacts, Secret)>, Problem> {
        if let Some(copy) = self.opened_elsewhere().map_err(first)? {
            return copy.opened(profile, name);
        }
        // Both from one look into the vault: somebody may write it in between.
        let Some(document) = self.document().map_err(first)? else { return Ok(None) };
        let Some(entry) = document.entry(profile, name) else { return Ok(None) };
        let facts = self.known_of(entry).as_ref().and_then(current);
        Ok(facts.zip(entry.current().map(|version| version.value.clone())))
    }

    fn ring(&self, profile: &str, name: &str) -> Result<Vec<RingKey>, Problem> {
        if let Some(copy) = self.opened_elsewhere().map_err(first)? {
            return copy.ring(profile, name);
        }
        let document = self.document().map_err(first)?;
        Ok(document.and_then(|d| d.entry(profile, name).map(Entry::ring)).unwrap_or_default())
    }

    fn fingerprint(&self, value: &Secret) -> Result<String, Problem> {
        if let Some(copy) = self.elsewhere().map_err(first)? {
            return copy.fingerprint(value);
        }
        Ok(self.fingerprint_key().map_err(first)?.of(value))
    }

    fn fingerprint_key_id(&self) -> Result<Option<String>, Problem> {
        if let Some(copy) = self.elsewhere().map_err(first)? {
            return copy.fingerprint_key_id();
        }
        let path = self.path("fingerprint.key");
        let key = FingerprintKey::read(&path).map_err(|e| {
            Problem::error("fingerprint-key", "cannot read the key of the fingerprints")
                .at(Place::file(&path))
                .why(e)
        })?;
        Ok(key.map(|key| key.id()))
    }
}

fn current(entry: &EntryFacts) -> Option<SecretFacts> {
    entry.current().map(|v| SecretFacts {
        version: v.number,
        created_at: v.created_at,
        fingerprint: v.fingerprint.clone(),
        allowed: v.destinations().cloned().collect(),
        drain: v.drain_seconds.map(Duration::from_secs),
        standby: entry.standby(),
    })
}
