//! Whether the recorded backend still keeps the identity, and putting it back there.

use super::audit::Event;
use super::backend::{BackendKind, identity_file, passphrase};
use super::crypto::Identity;
use super::index::Index;
use super::source::VaultSource;
use crate::report::Fault;
use std::path::PathBuf;

impl VaultSource {
    /// Sees that the recorded backend keeps the identity. One that has lost it gets it back from
    /// another place that is named or lies beside the vault; the answer is the file there. The
    /// caller holds the lock.
    ///
    /// # Errors
    /// It does not keep it, and there is no other copy (5); what the backend says (5, 6).
    pub(super) fn restore(&self, index: &Index) -> Result<Option<PathBuf>, Fault> {
        let Err(lost) = self.by_backend(index) else { return Ok(None) };
        let Some((identity, file)) = self.another_copy(index) else { return Err(lost) };
        let to = index.backend;
        self.copy(index, &identity, to)?;
        self.read_back(index, to)?;
        let event = Event {
            event: "identity-restored".to_owned(),
            profile: "*".to_owned(),
            name: "*".to_owned(),
            version: 0,
            fingerprint: None,
            detail: Some(format!("to {}", to.word())),
        };
        self.record(event, |_| {})?;
        Ok(Some(file))
    }

    /// The identity of this vault from a file that the recorded backend is not, seen to open it.
    fn another_copy(&self, index: &Index) -> Option<(Identity, PathBuf)> {
        let named = || {
            let path = self.options.identity_file.clone()?;
            Some((identity_file::load(&path, &self.outside()).ok()??, path))
        };
        let wrapped = || {
            let path = self.path("identity.age");
            let ask = || self.passphrase("Passphrase of the vault");
            Some((passphrase::load(&path, ask).ok()??, path))
        };
        let copies = [
            (index.backend != BackendKind::IdentityFile).then(named).flatten(),
            (index.backend != BackendKind::Passphrase).then(wrapped).flatten(),
        ];
        copies.into_iter().flatten().find(|(identity, _)| {
            let sealed = self.read_sealed().ok().flatten();
            sealed.is_some_and(|sealed| self.unseal(identity, &sealed, Some(index)).is_ok())
        })
    }
}
