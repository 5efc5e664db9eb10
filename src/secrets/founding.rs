//! The first write: the choice of the backend, and the identity that it keeps from then on.

use super::backend::{BackendKind, identity_file, keyring, passphrase};
use super::crypto::Identity;
use super::document::Document;
use super::followed::FOLDER as FOLLOWED;
use super::index::Index;
use super::source::VaultSource;
use super::write::{Opened, failure};
use crate::base::Secret;
use crate::report::{Fault, Place, Problem};

impl VaultSource {
    /// Founds the vault: chooses the backend and makes its identity.
    pub(super) fn found_vault(
        &self,
        index: Option<Index>,
        backend: Option<BackendKind>,
    ) -> Result<Opened, Fault> {
        let copy = self.path(FOLLOWED).join("vault.age");
        if copy.exists() {
            return Err(Fault::refused(
                Problem::error("vault-elsewhere", "the vault of this machine is written elsewhere")
                    .at(Place::file(&copy))
                    .why(
                        "a server here works with what is published from there, and would lose \
                          its keys to a new vault",
                    )
                    .hint(
                        "change keys on that machine; if it is gone, go on from here: \
                           ultra keys doctor --take-published",
                    ),
            ));
        }
        let kind = self.choose(backend)?;
        // An earlier attempt that was cut short may have left an id and an identity behind.
        let vault = index.map_or_else(|| uuid::Uuid::new_v4().to_string(), |index| index.vault);
        let identity = match kind {
            BackendKind::Keyring => self.provision_keyring(&vault)?,
            BackendKind::IdentityFile => {
                let Some(path) = &self.options.identity_file else {
                    return Err(Fault::usage(
                        Problem::error("no-identity", "`--backend identity-file` needs a file")
                            .hint("ULTRA_VAULT_IDENTITY_FILE=FILE, outside the root; it is made if missing"),
                    ));
                };
                match identity_file::load(path, &self.outside())? {
                    Some(identity) => identity,
                    None => identity_file::create(path, &self.outside())?,
                }
            }
            BackendKind::Passphrase => self.provision_passphrase()?,
        };
        let identity = self.remember(identity);
        Ok(Opened {
            document: Document::new(vault.clone()),
            index: Index::new(vault, kind, identity.recipient()),
            identity,
            first: true,
            rebuilt: None,
            warnings: Vec::new(),
        })
    }

    fn provision_keyring(&self, vault: &str) -> Result<Identity, Fault> {
        let malformed = |why: &str| {
            Fault::unreachable(
                Problem::error("keyring-item", "the keyring's item is not our identity").why(why),
            )
        };
        match keyring::load(vault) {
            Ok(line) => return Identity::parse(line.expose()).map_err(malformed),
            Err(keyring::KeyringError::NotFound) => {}
            Err(e) => return Err(e.fault(vault)),
        }
        let identity = Identity::generate();
        // Recorded first: should we die after the next step, the item is found again by its id.
        let path = self.index_path();
        Index::new(vault.to_owned(), BackendKind::Keyring, identity.recipient())
            .write(&path)
            .map_err(|e| failure("cannot write the index of the vault", &path, &e))?;
        keyring::store(vault, &identity.line()).map_err(|e| e.fault(vault))?;
        Ok(identity)
    }

    fn provision_passphrase(&self) -> Result<Identity, Fault> {
        let path = self.path("identity.age");
        let existing = passphrase::load(&path, || self.passphrase("Passphrase of the vault"))?;
        if let Some(identity) = existing {
            return Ok(identity);
        }
        passphrase::create(&path, &self.passphrase_twice()?)
    }

    /// A new passphrase; a person is asked for it twice.
    pub(super) fn passphrase_twice(&self) -> Result<Secret, Fault> {
        let passphrase = self.passphrase("New passphrase of the vault")?;
        if self.options.passphrase_file.is_none()
            && !self.passphrase("The same again")?.same_as(&passphrase)
        {
            return Err(Fault::does_not_hold(vec![Problem::error(
                "passphrase-differs",
                "the two passphrases differ",
            )]));
        }
        Ok(passphrase)
    }

    /// The backend of a new vault: what was asked for, what a variable says, or a keyring that
    /// works.
    fn choose(&self, asked: Option<BackendKind>) -> Result<BackendKind, Fault> {
        if let Some(kind) = asked {
            return Ok(kind);
        }
        match (&self.options.identity_file, &self.options.passphrase_file) {
            (Some(_), Some(_)) => {
                return Err(Fault::usage(
                    Problem::error("two-backends", "two ways to keep the vault's identity are set")
                        .why("`ULTRA_VAULT_IDENTITY_FILE` and `ULTRA_VAULT_PASSPHRASE_FILE`")
                        .hint("unset one of them, or say `--backend identity-file` or `--backend passphrase`"),
                ));
            }
            (Some(_), None) => return Ok(BackendKind::IdentityFile),
            (None, Some(_)) => return Ok(BackendKind::Passphrase),
            (None, None) => {}
        }
        keyring::probe().map(|()| BackendKind::Keyring).map_err(|e| {
            Fault::unreachable(
                Problem::error("no-backend", "nothing can keep the identity of the vault")
                    .why(e.brief())
                    .hint(
                        "choose one of three: unlock a keyring and run the command again; \
                         ULTRA_VAULT_IDENTITY_FILE=FILE (outside the root, made if missing); \
                         ULTRA_VAULT_PASSPHRASE_FILE=FILE (or `--backend passphrase` on a terminal)",
                    ),
            )
        })
    }
}
