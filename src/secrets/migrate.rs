//! Another backend for the identity: copied, read back, switched, deleted. The vault itself stays as
//! it is, because the identity does.
//!
//! `migration.json` is written first and removed last, so that whatever is interrupted is known. In
//! between, the index says which of the two backends counts, and both of them have the identity
//! before it changes its mind: the vault opens at every instant.

use super::audit::Event;
use super::backend::{BackendKind, identity_file, keyring, passphrase};
use super::crypto::Identity;
use super::index::Index;
use super::source::VaultSource;
use super::write::failure;
use crate::base::{Timestamp, file, words};
use crate::report::{Fault, Place, Problem};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The schema that this program reads and writes.
const SCHEMA: &str = "ultra.migration/1";

/// The size limit of the journal.
const LIMIT: u64 = 64 << 10;

/// A migration under way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Migration {
    schema: String,
    /// The vault's id.
    pub(crate) vault: String,
    /// What kept the identity.
    pub(crate) from: BackendKind,
    /// What is to keep it.
    pub(crate) to: BackendKind,
    /// The identity file of either.
    pub(crate) identity_file: Option<PathBuf>,
    /// When it began.
    pub(crate) started_at: Timestamp,
}

impl Migration {
    /// That it was cut short, and how to go on.
    pub(crate) fn problem(&self) -> Problem {
        Problem::warning(
            "migration-unfinished",
            "a migration of the vault's identity was cut short",
        )
        .why(format!("from `{}` to `{}`; the vault opens", self.from.word(), self.to.word()))
        .hint(self.hint())
    }

    /// How to go on, and how to go back.
    fn hint(&self) -> String {
        format!(
            "`ultra keys migrate --to {}` goes on, `ultra keys migrate --to {}` goes back",
            self.to.word(),
            self.from.word()
        )
    }
}

/// What a migration did.
#[derive(Debug)]
pub(crate) struct Migrated {
    /// What kept the identity.
    pub(crate) from: BackendKind,
    /// What keeps it now.
    pub(crate) to: BackendKind,
    /// Whether it is another one than before the command.
    pub(crate) switched: bool,
    /// Whether a migration that was cut short was finished or taken back.
    pub(crate) finished: bool,
    /// The backend that had lost the identity has it again: from this file.
    pub(crate) restored: Option<PathBuf>,
    /// What the operator should know besides.
    pub(crate) warnings: Vec<Problem>,
}

impl VaultSource {
    /// The migration that was cut short, if one was.
    ///
    /// # Errors
    /// Its journal cannot be read or is of another version (5).
    pub(crate) fn migration(&self) -> Result<Option<Migration>, Fault> {
        let path = self.path("migration.json");
        let unreadable = |why: String| {
            Fault::unreachable(
                Problem::error("migration-journal", "cannot read what a migration left")
                    .at(Place::file(&path))
                    .why(why),
            )
        };
        let Some(bytes) =
            file::read_bounded(&path, LIMIT).map_err(|e| unreadable(e.to_string()))?
        else {
            return Ok(None);
        };
        let journal: Migration = serde_json::from_slice(&bytes)
            .map_err(|_| unreadable("it is malformed or of a later version".to_owned()))?;
        if journal.schema == SCHEMA {
            Ok(Some(journal))
        } else {
            Err(unreadable("its format is unknown to this version".to_owned()))
        }
    }

    /// Has `to` keep the identity, and nothing else. Run again, it goes on where it was cut short.
    ///
    /// # Errors
    /// There is no vault, or no way named (2), a backend cannot be used or has lost the identity and
    /// no other copy is at hand (5), it keeps another identity already, or another migration is
    /// unfinished (6).
    pub(crate) fn migrate(&self, to: BackendKind) -> Result<Migrated, Fault> {
        let known = self.read_index()?.filter(|index| index.current.is_some());
        let Some(index) = known else { return Err(no_vault()) };
        let unfinished = self.migration()?;
        // Whoever must be asked for the identity is asked before others are kept waiting, and the
        // identity that is copied is one that opens the vault.
        let identity = if index.backend == to { None } else { Some(self.proven(&index)?) };
        if identity.is_some() {
            self.can_keep(to)?;
        }
        let _lock = self.writers_lock("keys migrate")?;
        let index = self.read_index()?.unwrap_or(index);
        let journal = self.path("migration.json");
        let mut warnings = Vec::new();
        if index.backend == to {
            let Some(left) = unfinished else {
                let restored = self.restore(&index)?;
                let (from, finished) = (to, false);
                return Ok(Migrated { from, to, switched: false, finished, restored, warnings });
            };
            let from = if left.from == to { left.to } else { left.from };
            // What counts is seen to be there before the other copy goes.
            self.read_back(&index, to)?;
            warnings.extend(self.delete(&index, from, &left)?);
            file::remove(&journal)
                .map_err(|e| failure("cannot finish the migration", &journal, &e))?;
            let (switched, restored) = (false, None);
            return Ok(Migrated { from, to, switched, finished: true, restored, warnings });
        }
        if let Some(left) = &unfinished
            && left.to != to
            && left.from != to
        {
            return Err(Fault::refused(
                Problem::error("migration-unfinished", "another migration was cut short")
                    .why(format!("from `{}` to `{}`", left.from.word(), left.to.word()))
                    .hint(left.hint()),
            ));
        }
        let Some(identity) = identity else {
            return Err(Fault::refused(Problem::error(
                "changed-meanwhile",
                "another command migrated the vault meanwhile",
            )));
        };
        let from = index.backend;
        let left = Migration {
            schema: SCHEMA.to_owned(),
            vault: index.vault.clone(),
            from,
            to,
            identity_file: self.options.identity_file.clone(),
            started_at: self.clock.now(),
        };
        let text = serde_json::to_vec_pretty(&left).map_err(|e| Fault::bug(e.to_string()))?;
        file::write_atomic(&journal, &text, file::PRIVATE)
            .map_err(|e| failure("cannot begin the migration", &journal, &e))?;
        if let Err(fault) = self.copy(&index, &identity, to) {
            // A file is there whole or not at all; what a keyring did nobody knows.
            if unfinished.is_none() && to != BackendKind::Keyring {
                let _ = file::remove(&journal);
            }
            return Err(fault);
        }
        self.read_back(&index, to)?;
        self.switch(from, to)?;
        warnings.extend(self.delete(&index, from, &left)?);
        file::remove(&journal).map_err(|e| failure("cannot finish the migration", &journal, &e))?;
        let finished = unfinished.is_some();
        Ok(Migrated { from, to, switched: true, finished, restored: None, warnings })
    }

    /// The identity from the recorded backend, seen to open the vault.
    fn proven(&self, index: &Index) -> Result<std::sync::Arc<Identity>, Fault> {
        let identity = self.unlock(Some(index))?;
        let Some(sealed) = self.read_sealed()? else { return Err(self.lost()) };
        self.unseal(&identity, &sealed, Some(index))?;
        Ok(identity)
    }

    /// Refuses before anything is written what cannot work.
    fn can_keep(&self, to: BackendKind) -> Result<(), Fault> {
        match to {
            BackendKind::Keyring => keyring::probe().map_err(|e| Fault::unreachable(e.unusable())),
            BackendKind::IdentityFile if self.options.identity_file.is_none() => Err(Fault::usage(
                Problem::error("no-identity", "nothing says which file is to keep it")
                    .hint("ULTRA_VAULT_IDENTITY_FILE=FILE, outside the root"),
            )),
            BackendKind::IdentityFile => Ok(()),
            BackendKind::Passphrase => {
                let new = !self.path("identity.age").exists();
                passphrase::long_enough(&self.new_passphrase(new)?)
            }
        }
    }

    /// Copies the identity. One that is there already must be the same.
    pub(super) fn copy(
        &self,
        index: &Index,
        identity: &Identity,
        to: BackendKind,
    ) -> Result<(), Fault> {
        match to {
            BackendKind::Keyring => {
                match keyring::load(&index.vault) {
                    Ok(line) if line.same_as(&identity.line()) => return Ok(()),
                    Ok(_) => return Err(another(to)),
                    Err(keyring::KeyringError::NotFound) => {}
                    Err(e) => return Err(e.fault(&index.vault)),
                }
                keyring::store(&index.vault, &identity.line()).map_err(|e| e.fault(&index.vault))
            }
            BackendKind::IdentityFile => {
                let Some(path) = &self.options.identity_file else { return Err(another(to)) };
                match identity_file::load(path, &self.outside())? {
                    Some(there) if there.recipient() == index.recipient => Ok(()),
                    Some(_) => Err(another(to)),
                    None => identity_file::keep(path, &self.outside(), identity),
                }
            }
            BackendKind::Passphrase => {
                let path = self.path("identity.age");
                if path.exists() {
                    // A migration that was cut short may have left it, under the same passphrase.
                    return match passphrase::load(&path, || self.new_passphrase(false))? {
                        Some(there) if there.recipient() == index.recipient => Ok(()),
                        _ => Err(another(to)),
                    };
                }
                passphrase::keep(&path, &self.new_passphrase(true)?, identity)
            }
        }
    }

    /// Sees that the backend has the identity of the vault.
    pub(super) fn read_back(&self, index: &Index, at: BackendKind) -> Result<(), Fault> {
        let there = match at {
            BackendKind::Keyring => {
                let line = keyring::load(&index.vault).map_err(|e| e.fault(&index.vault))?;
                Identity::parse(line.expose()).ok()
            }
            BackendKind::IdentityFile => match &self.options.identity_file {
                Some(path) => identity_file::load(path, &self.outside())?,
                None => {
                    return Err(Fault::usage(
                        Problem::error("no-identity", "nothing says which file keeps it")
                            .hint("ULTRA_VAULT_IDENTITY_FILE=FILE"),
                    ));
                }
            },
            BackendKind::Passphrase => {
                let path = self.path("identity.age");
                passphrase::load(&path, || self.new_passphrase(false))?
            }
        };
        if there.is_some_and(|there| there.recipient() == index.recipient) {
            return Ok(());
        }
        Err(Fault::unreachable(
            Problem::error("not-read-back", format!("`{}` does not keep the identity", at.word()))
                .why("what was read back is not what was written; the old copy stays in use"),
        ))
    }

    /// The passphrase; a new one twice where a person types it, and no more often than that.
    fn new_passphrase(&self, twice: bool) -> Result<crate::base::Secret, Fault> {
        if let Some(known) = &*super::source::lock(&self.chosen) {
            return Ok(known.clone());
        }
        let passphrase = if twice {
            self.passphrase_twice()?
        } else {
            self.passphrase("Passphrase of the vault")?
        };
        *super::source::lock(&self.chosen) = Some(passphrase.clone());
        Ok(passphrase)
    }

    /// The commit: from now on the other backend counts.
    fn switch(&self, from: BackendKind, to: BackendKind) -> Result<(), Fault> {
        let event = Event {
            event: "migrate".to_owned(),
            profile: "*".to_owned(),
            name: "*".to_owned(),
            version: 0,
            fingerprint: None,
            detail: Some(format!("from {} to {}", from.word(), to.word())),
        };
        self.record(event, |index| index.backend = to)
    }

    /// Deletes the copy that does not count any more. An identity file that may serve others too
    /// stays.
    fn delete(
        &self,
        index: &Index,
        from: BackendKind,
        left: &Migration,
    ) -> Result<Option<Problem>, Fault> {
        let remains = |why: String| {
            Fault::unreachable(
                Problem::error(
                    "old-copy",
                    format!("a copy of the identity is still kept by `{}`", from.word()),
                )
                .why(why)
                .hint(format!(
                    "the vault opens; `ultra keys migrate --to {}` deletes the copy",
                    left.other(from).word()
                )),
            )
        };
        match from {
            BackendKind::Keyring => {
                keyring::delete(&index.vault).map_err(|e| remains(e.brief()))?;
            }
            BackendKind::Passphrase => {
                file::remove(&self.path("identity.age")).map_err(|e| remains(e.to_string()))?;
            }
            BackendKind::IdentityFile => {
                let named = self.options.identity_file.as_ref().or(left.identity_file.as_ref());
                let Some(path) = named else { return Ok(None) };
                let ours = identity_file::is_only(path, &index.recipient)
                    .map_err(|e| remains(e.to_string()))?;
                match ours {
                    Some(true) => file::remove(path).map_err(|e| remains(e.to_string()))?,
                    Some(false) => {
                        return Ok(Some(
                            Problem::warning("identity-file-stays", "the identity file stays")
                                .at(Place::file(path))
                                .why("it was not made by `ultra`, so something else may need it")
                                .hint(format!("rm {}", words::argument(path))),
                        ));
                    }
                    None => {}
                }
            }
        }
        Ok(None)
    }
}

impl Migration {
    /// The backend of the two that is not `this`.
    fn other(&self, this: BackendKind) -> BackendKind {
        if self.to == this { self.from } else { self.to }
    }
}

fn no_vault() -> Fault {
    Fault::usage(
        Problem::error("no-vault", "there is no vault yet")
            .hint("`ultra keys set NAME --backend BACKEND` makes it and chooses its backend"),
    )
}

fn another(at: BackendKind) -> Fault {
    Fault::refused(
        Problem::error("other-identity", format!("`{}` keeps another identity", at.word()))
            .why("it is not the one of this vault, and is left as it is")
            .hint("move it away, or choose another backend"),
    )
}
