//! The identity of the vault: from the backend that is recorded, asked for once.

use super::backend::{BackendKind, identity_file, keyring, passphrase};
use super::crypto::Identity;
use super::index::Index;
use super::source::{VaultSource, lock};
use crate::base::Secret;
use crate::exit::ExitStatus;
use crate::report::{Fault, Place, Problem, Unanswered};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl VaultSource {
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

    /// The identity line, if `profile` has entries and only a person can open them; asks that person.
    /// A process that is started to look at them has no terminal of its own. `None`, too, where the
    /// vault does not open: who wants something of it says why.
    ///
    /// # Errors
    /// The person stopped the command.
    pub(crate) fn typed(&self, profile: &str) -> Result<Option<Secret>, Fault> {
        let asks = self.options.passphrase_file.is_none() && self.ask.is_some();
        let Some(index) = self.overview().ok().filter(|known| known.has_entries(profile)) else {
            return Ok(None);
        };
        let Some(index) =
            index.index.as_ref().filter(|index| asks && index.backend == BackendKind::Passphrase)
        else {
            return Ok(None);
        };
        match self.unlock(Some(index)) {
            Ok(identity) => Ok(Some(identity.line())),
            Err(fault) if fault.status == ExitStatus::Interrupted => Err(fault),
            Err(_) => Ok(None),
        }
    }

    /// Takes the identity that a person opened for another process.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn told(&self, identity: &Secret) -> Result<(), &'static str> {
        Identity::parse(identity.expose()).map(|identity| drop(self.remember(identity)))
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
        self.by_backend(index)
    }

    /// The identity from the recorded backend and nowhere else.
    ///
    /// # Errors
    /// The backend does not have it or does not give it (5, 6).
    pub(super) fn by_backend(&self, index: &Index) -> Result<Identity, Fault> {
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
                    .hint(self.other_identity(&index.recipient)),
            ));
        }
        Ok(identity)
    }

    /// What to do about an identity that is not the one of the vault.
    pub(super) fn other_identity(&self, recipient: &str) -> String {
        let whose = match recipient {
            "" => String::new(),
            key => format!(" (public key {key})"),
        };
        match &self.options.identity_file {
            Some(file) => format!(
                "name the file with the identity of this vault{whose}: \
                 ULTRA_VAULT_IDENTITY_FILE=FILE; now it is {}",
                file.display()
            ),
            None => format!(
                "restore the identity of this vault{whose}, or name a file with it: \
                 ULTRA_VAULT_IDENTITY_FILE=FILE"
            ),
        }
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
            Some(Err(Unanswered::NobodyThere | Unanswered::Nothing)) | None => Err(nobody()),
            Some(Err(other)) => {
                Err(other.fault("the passphrase", "ULTRA_VAULT_PASSPHRASE_FILE=FILE"))
            }
        }
    }
}

fn missing(what: &str, path: &Path) -> Fault {
    Fault::unreachable(
        Problem::error("identity-missing", format!("{what} is gone"))
            .at(Place::file(path))
            .hint("restore it from a backup: without it nobody can open the vault"),
    )
}
