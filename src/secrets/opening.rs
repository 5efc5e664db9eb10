//! Reading the files of the vault and opening it, and what to do where that fails.

use super::crypto::{Identity, SealError};
use super::document::Document;
use super::index::Index;
use super::source::{LIMIT, VaultSource};
use crate::base::{file, words};
use crate::report::{Fault, Place, Problem};

impl VaultSource {
    /// Reads the index.
    pub(super) fn read_index(&self) -> Result<Option<Index>, Fault> {
        let path = self.index_path();
        Index::read(&path).map_err(|e| {
            Fault::unreachable(
                Problem::error("vault-index", "cannot read the index of the vault")
                    .at(Place::file(&path))
                    .hint(self.unread_index(&e))
                    .why(e),
            )
        })
    }

    /// What to do about an index that cannot be read: what it says is in the vault, too.
    fn unread_index(&self, error: &std::io::Error) -> String {
        if error.kind() == std::io::ErrorKind::Unsupported {
            return "nothing was changed; use the version of ultra that wrote it".to_owned();
        }
        if error.kind() != std::io::ErrorKind::InvalidData {
            return "nothing was changed; see that the file can be read".to_owned();
        }
        // Without the vault only this file knows that there was one: once it is removed, the next
        // key would found another vault.
        if matches!(self.vault_path().try_exists(), Ok(false)) {
            return "nothing was changed; the vault is gone as well: restore `vault.age` and \
                    `vault-index.json` from a backup"
                .to_owned();
        }
        let moved = format!(
            "nothing was changed; `rm {}`, then `ultra keys verify` makes it anew from the vault",
            words::argument(&self.index_path())
        );
        match self.options.identity_file.is_some() || self.path("identity.age").exists() {
            true => moved,
            false => format!(
                "{moved}, if the identity is named (ULTRA_VAULT_IDENTITY_FILE=FILE); one in a \
                 keyring is found by the index only: restore that from a backup then"
            ),
        }
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
                "vault-format" => {
                    "nothing was changed; use the version of ultra that wrote it".into()
                }
                "other-identity" => {
                    self.other_identity(index.map_or("", |index| index.recipient.as_str()))
                }
                _ => "nothing was changed; restore the file from a backup".to_owned(),
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
            SealError::OtherIdentity => refuse("other-identity", e.to_string()),
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

    /// The fault of a vault that is gone.
    pub(crate) fn lost(&self) -> Fault {
        Fault::unreachable(
            Problem::error("vault-lost", "the vault is gone")
                .at(Place::file(self.vault_path()))
                .why("its index is still there and tells of keys in it")
                .hint(format!(
                    "restore the file from a backup, or from `published/vault.age` in the state \
                     directory of a server that was handed it; to begin anew, `rm {}`",
                    words::argument(&self.index_path())
                )),
        )
    }
}
