//! The vault as commands and servers see it: facts from the index, values on demand.

use super::backend::{BackendKind, identity_file, keyring, passphrase};
use super::crypto::{FingerprintKey, Identity, SealError, digest};
use super::document::Document;
use super::index::{EntryFacts, Index};
use crate::base::{Clock, Secret, file};
use crate::report::{Fault, Place, Problem, Unanswered};
use crate::settings::secret::{SecretFacts, SecretSource};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The size limit of a vault file.
pub(super) const LIMIT: u64 = 8 << 20;

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
    identity: Mutex<Option<Arc<Identity>>>,
    opened: Mutex<Option<(Stamp, Arc<Document>)>>,
    glanced: Mutex<Option<(Stamp, Stamp, Arc<Overview>)>>,
}

/// Tells one content of a file from another without reading it: replaced files differ in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// How the vault and its index stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Freshness {
    /// There is no vault yet.
    NoVault,
    /// The index says what is in the vault.
    Fresh,
    /// The vault was replaced by hand (a backup, a copy); the next write puts the index right.
    Stale,
    /// There is a vault, and its index is gone.
    NoIndex,
    /// The index tells of a vault that is gone.
    Lost,
}

/// What is known without opening anything.
#[derive(Clone, Debug)]
pub(crate) struct Overview {
    /// The index, if there is one.
    pub(crate) index: Option<Index>,
    /// Whether it can be believed.
    pub(crate) freshness: Freshness,
    /// The generation of the vault, as far as the index knows; 0 before the first write.
    pub(crate) generation: u64,
    /// Entries by `<profile>/<name>`.
    pub(crate) entries: BTreeMap<String, EntryFacts>,
}

impl Overview {
    /// What is known of a name in a profile.
    pub(crate) fn entry(&self, profile: &str, name: &str) -> Option<&EntryFacts> {
        self.entries.get(&Document::key(profile, name)).filter(|e| !e.versions.is_empty())
    }
}

impl std::fmt::Debug for VaultSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VaultSource").field("state_dir", &self.state_dir).finish_non_exhaustive()
    }
}

/// A poisoned lock only means that another thread panicked while it looked; the value is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
            opened: Mutex::new(None),
            glanced: Mutex::new(None),
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

    /// What is known without opening anything.
    ///
    /// # Errors
    /// The index or the vault file cannot be read, or the index is damaged or of another version.
    pub(crate) fn overview(&self) -> Result<Arc<Overview>, Fault> {
        let stamps = (
            stamp(&self.vault_path()).unwrap_or_default(),
            stamp(&self.index_path()).unwrap_or_default(),
        );
        if let Some((vault, index, overview)) = &*lock(&self.glanced)
            && (*vault, *index) == stamps
        {
            return Ok(Arc::clone(overview));
        }
        let index = self.read_index()?;
        let sealed = self.read_sealed()?;
        let overview = Arc::new(glance(index, sealed.as_deref()));
        *lock(&self.glanced) = Some((stamps.0, stamps.1, Arc::clone(&overview)));
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

    /// Reads the index.
    pub(super) fn read_index(&self) -> Result<Option<Index>, Fault> {
        let path = self.index_path();
        Index::read(&path).map_err(|e| {
            Fault::unreachable(
                Problem::error("vault-index", "cannot read the index of the vault")
                    .at(Place::file(&path))
                    .why(e)
                    .hint("nothing was changed; restore the file from a backup"),
            )
        })
    }

    /// Reads the bytes of the vault.
    pub(super) fn read_sealed(&self) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.vault_path();
        file::read_bounded(&path, LIMIT).map_err(|e| {
            Fault::unreachable(
                Problem::error("vault-unreadable", "cannot read the vault")
                    .at(Place::file(&path))
                    .why(e),
            )
        })
    }

    /// Decrypts and checks the bytes of the vault.
    pub(super) fn unseal(
        &self,
        identity: &Identity,
        sealed: &[u8],
        index: Option<&Index>,
    ) -> Result<Document, Fault> {
        let refuse = |code, why: String| {
            let hint = match code {
                "vault-format" => "nothing was changed; use the version of ultra that wrote it",
                _ => "nothing was changed; restore the file from a backup",
            };
            Fault::unreachable(
                Problem::error(code, "cannot open the vault")
                    .at(Place::file(self.vault_path()))
                    .why(why)
                    .hint(hint),
            )
        };
        let text = identity.unseal(sealed).map_err(|e| match e {
            SealError::UnknownFormat(_) => refuse("vault-format", e.to_string()),
            _ => refuse("vault-damaged", e.to_string()),
        })?;
        // What serde says may quote the text.
        let document: Document = serde_json::from_str(&text).map_err(|_| {
            refuse("vault-format", "it has fields that this version of ultra does not know".into())
        })?;
        if let Some(index) = index
            && index.vault != document.vault
        {
            return Err(refuse(
                "vault-damaged",
                format!(
                    "it is vault `{}`, the index is of vault `{}`",
                    document.vault, index.vault
                ),
            ));
        }
        Ok(document)
    }

    /// The identity, from where the index says it is; asked for once.
    pub(super) fn unlock(&self, index: Option<&Index>) -> Result<Arc<Identity>, Fault> {
        if let Some(identity) = &*lock(&self.identity) {
            return Ok(Arc::clone(identity));
        }
        let identity = match index {
            Some(index) => self.recorded(index)?,
            None => self.found()?.0,
        };
        Ok(self.remember(identity))
    }

    /// Keeps the identity for the rest of the process.
    pub(super) fn remember(&self, identity: Identity) -> Arc<Identity> {
        let identity = Arc::new(identity);
        *lock(&self.identity) = Some(Arc::clone(&identity));
        identity
    }

    /// Forgets what was read, after a write.
    pub(super) fn forget(&self) {
        *lock(&self.opened) = None;
        *lock(&self.glanced) = None;
    }

    /// The directories that the identity file must not lie in.
    pub(super) fn outside(&self) -> Vec<PathBuf> {
        self.options.root.iter().cloned().chain([self.state_dir.clone()]).collect()
    }

    /// The identity from the recorded backend.
    fn recorded(&self, index: &Index) -> Result<Identity, Fault> {
        // The same identity, named explicitly, opens the vault wherever it is recorded to be: a
        // container without a keyring, or a recovery. Another one is somebody else's business.
        if index.backend != BackendKind::IdentityFile
            && let Some(path) = &self.options.identity_file
            && let Some(identity) = identity_file::load(path, &self.outside())?
            && identity.recipient() == index.recipient
        {
            return Ok(identity);
        }
        let identity = match index.backend {
            BackendKind::Keyring => {
                let line = keyring::load(&index.vault).map_err(|e| e.fault(&index.vault))?;
                Identity::parse(line.expose()).map_err(|why| {
                    Fault::unreachable(
                        Problem::error("keyring-item", "the keyring's item is not our identity")
                            .why(why),
                    )
                })?
            }
            BackendKind::IdentityFile => {
                let Some(path) = &self.options.identity_file else {
                    return Err(Fault::unreachable(
                        Problem::error("no-identity", "the vault cannot be opened")
                            .why("its identity is in a file, and nothing says which")
                            .hint("ULTRA_VAULT_IDENTITY_FILE=FILE"),
                    ));
                };
                identity_file::load(path, &self.outside())?
                    .ok_or_else(|| missing("the vault's identity file", path))?
            }
            BackendKind::Passphrase => {
                let path = self.path("identity.age");
                passphrase::load(&path, || self.passphrase("Passphrase of the vault"))?
                    .ok_or_else(|| missing("the vault's identity under its passphrase", &path))?
            }
        };
        if identity.recipient() != index.recipient {
            return Err(Fault::unreachable(
                Problem::error("other-identity", "the vault cannot be opened")
                    .why(format!("the {} holds another identity", index.backend.word()))
                    .hint(format!("the vault's identity has the public key {}", index.recipient)),
            ));
        }
        Ok(identity)
    }

    /// The identity of a vault whose index is gone, and what keeps it.
    pub(super) fn found(&self) -> Result<(Identity, BackendKind), Fault> {
        if let Some(path) = &self.options.identity_file
            && let Some(identity) = identity_file::load(path, &self.outside())?
        {
            return Ok((identity, BackendKind::IdentityFile));
        }
        let path = self.path("identity.age");
        if let Some(identity) =
            passphrase::load(&path, || self.passphrase("Passphrase of the vault"))?
        {
            return Ok((identity, BackendKind::Passphrase));
        }
        Err(Fault::unreachable(
            Problem::error("vault-index", "the index of the vault is gone")
                .at(Place::file(self.index_path()))
                .why("without it nobody knows which item of the keyring opens the vault")
                .hint(
                    "restore the file from a backup, or name the identity: \
                     ULTRA_VAULT_IDENTITY_FILE=FILE",
                ),
        ))
    }

    /// The passphrase, from its file or from a person.
    pub(super) fn passphrase(&self, question: &str) -> Result<Secret, Fault> {
        if let Some(path) = &self.options.passphrase_file {
            return passphrase::from_file(path);
        }
        let nobody = || {
            Fault::unreachable(
                Problem::error("vault-locked", "the vault is locked by a passphrase")
                    .why("there is no terminal to ask for it on")
                    .hint("ULTRA_VAULT_PASSPHRASE_FILE=FILE"),
            )
        };
        match self.ask.as_ref().map(|ask| ask(question)) {
            Some(Ok(secret)) => Ok(secret),
            Some(Err(Unanswered::Interrupted)) => Err(Fault::interrupted()),
            Some(Err(Unanswered::NobodyThere)) | None => Err(nobody()),
        }
    }

    /// The fault of a vault that is gone.
    pub(super) fn lost(&self) -> Fault {
        Fault::unreachable(
            Problem::error("vault-lost", "the vault is gone")
                .at(Place::file(self.vault_path()))
                .why("its index is still there and tells of keys in it")
                .hint(format!(
                    "restore the file from a backup; to begin anew, remove {}",
                    self.index_path().display()
                )),
        )
    }

    /// The key of the project's fingerprints, made if there is none.
    pub(super) fn fingerprint_key(&self) -> Result<FingerprintKey, Fault> {
        let path = self.path("fingerprint.key");
        let problem = |e: std::io::Error| {
            Fault::failure(
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
        file::private_dir(&self.state_dir)?;
        let ignore = self.path(".gitignore");
        if !ignore.exists() {
            match file::create_new(&ignore, b"*\n", 0o644) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }
}

fn missing(what: &str, path: &Path) -> Fault {
    Fault::unreachable(
        Problem::error("identity-missing", format!("{what} is gone"))
            .at(Place::file(path))
            .hint("restore it from a backup: without it nobody can open the vault"),
    )
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some(Stamp {
        device: meta.dev(),
        inode: meta.ino(),
        size: meta.size(),
        modified: (meta.mtime(), meta.mtime_nsec()),
    })
}

/// What index and vault file say together.
pub(super) fn glance(index: Option<Index>, sealed: Option<&[u8]>) -> Overview {
    let (freshness, snapshot) = match (&index, sealed) {
        (None, None) => (Freshness::NoVault, None),
        (None, Some(_)) => (Freshness::NoIndex, None),
        (Some(index), None) if index.current.is_none() => (Freshness::NoVault, None),
        (Some(index), None) => (Freshness::Lost, index.current.clone()),
        (Some(index), Some(sealed)) => match index.snapshot(&digest(sealed)) {
            Some(snapshot) => (Freshness::Fresh, Some(snapshot.clone())),
            None => (Freshness::Stale, index.current.clone()),
        },
    };
    let (generation, entries) =
        snapshot.map_or((0, BTreeMap::new()), |s| (s.generation, s.entries));
    Overview { index, freshness, generation, entries }
}

/// The first problem of a fault: what a [`SecretSource`] can tell.
fn first(fault: Fault) -> Problem {
    let text = fault.to_string();
    fault.problems.into_iter().next().unwrap_or_else(|| Problem::error("vault", text))
}

impl SecretSource for VaultSource {
    fn facts(&self, profile: &str, name: &str) -> Result<Option<SecretFacts>, Problem> {
        let overview = self.overview().map_err(first)?;
        match overview.freshness {
            Freshness::Lost => return Err(first(self.lost())),
            // Only the vault itself knows; this is the one case in which facts open it.
            Freshness::NoIndex => {
                let Some(document) = self.document().map_err(first)? else { return Ok(None) };
                let key = self.fingerprint_key().map_err(first)?;
                let facts = document.facts(|value| key.of(value));
                return Ok(facts.get(&Document::key(profile, name)).and_then(current));
            }
            Freshness::NoVault | Freshness::Fresh | Freshness::Stale => {}
        }
        Ok(overview.entry(profile, name).and_then(current))
    }

    fn open(&self, profile: &str, name: &str) -> Result<Option<Secret>, Problem> {
        let document = self.document().map_err(first)?;
        Ok(document
            .and_then(|d| d.entry(profile, name)?.current().map(|version| version.value.clone())))
    }

    fn fingerprint(&self, value: &Secret) -> Result<String, Problem> {
        Ok(self.fingerprint_key().map_err(first)?.of(value))
    }
}

fn current(entry: &EntryFacts) -> Option<SecretFacts> {
    entry.current().map(|v| SecretFacts {
        version: v.number,
        created_at: v.created_at,
        fingerprint: v.fingerprint.clone(),
        allowed: v.bound.iter().cloned().collect(),
    })
}
