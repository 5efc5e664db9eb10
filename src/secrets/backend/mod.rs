//! Backends: what keeps the vault's identity. Chosen once, recorded in the index, never changed
//! by itself.

pub(crate) mod identity_file;
pub(crate) mod keyring;
pub(crate) mod passphrase;

use serde::{Deserialize, Serialize};

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
