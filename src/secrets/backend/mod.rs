//! Backends: what keeps the vault's identity. Chosen once, recorded in the index, never changed
//! by itself.

pub(crate) mod identity_file;
pub(crate) mod keyring;
pub(crate) mod passphrase;

use crate::base::words;
use crate::report::{Fault, Place, Problem};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What keeps the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BackendKind {
    /// One item of the operating system's keyring.
    Keyring,
    /// A file with mode 0600 outside the root.
    IdentityFile,
    /// An identity file in the state directory, under a passphrase.
    Passphrase,
}

impl BackendKind {
    /// The word for it, as `--backend` takes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::IdentityFile => "identity-file",
            Self::Passphrase => "passphrase",
        }
    }
}

/// Sees that only its owner may read a file that opens the vault.
///
/// # Errors
/// Others may do something with it (6).
fn for_its_owner(code: &'static str, what: &str, path: &Path, mode: u32) -> Result<(), Fault> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Fault::refused(
        Problem::error(code, format!("{what} is open to others"))
            .at(Place::file(path))
            .why(format!("its mode is {mode:04o}; only its owner may read it"))
            .hint(format!(
                "chmod 600 {}; a mounted secret gets its mode from the platform: `mode: 0400` \
                 (Docker, Compose), `defaultMode: 0400` (Kubernetes)",
                words::argument(path)
            )),
    ))
}
