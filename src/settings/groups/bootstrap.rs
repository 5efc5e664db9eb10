//! What is needed before any file is read.

use crate::settings::catalogue::{Alias, Consumer, settings};
use crate::settings::secret::SecretRef;
use std::path::PathBuf;

settings! {
    /// What is needed before profiles and files are read: only flags, the process environment and
    /// defaults count for these.
    pub(crate) struct BootstrapSettings in "bootstrap" {}
    declared {
        /// The root: the directory with `profiles/`. Found by walking up from the current
        /// directory if unset.
        "ULTRA_DIR": Option<PathBuf> { bootstrap: true, internal: true, consumer: Consumer::Both, example: Some("/srv/app") },
        /// The state directory: switch record, vault, embedded database, journals. `<root>/.ultra`
        /// if unset.
        "ULTRA_STATE_DIR": Option<PathBuf> { bootstrap: true, internal: true, consumer: Consumer::Both, example: Some("/var/lib/ultra") },
        /// The profile in use, unless `--profile` names one; `dev` if nobody says.
        "ULTRA_PROFILE": Option<String> { bootstrap: true, consumer: Consumer::Both, example: Some("prod"), aliases: &[Alias::same("ENVIRONMENT")] },
        /// Whether a profile must be named: `true` in the container image, so that no container
        /// serves mocks by accident.
        "ULTRA_PROFILE_REQUIRED": bool { bootstrap: true, internal: true, consumer: Consumer::Both, default: Some("false") },
        /// A file with the vault's identity (`AGE-SECRET-KEY-1…`), mode 0600 and outside the root.
        "ULTRA_VAULT_IDENTITY_FILE": Option<PathBuf> { bootstrap: true, internal: true, consumer: Consumer::Both, example: Some("/run/secrets/ultra-identity") },
        /// A file with the passphrase of the vault's identity, mode 0600 or 0400.
        "ULTRA_VAULT_PASSPHRASE_FILE": Option<PathBuf> { bootstrap: true, internal: true, consumer: Consumer::Both, example: Some("/run/secrets/ultra-passphrase") },
        /// The service key with which commands speak to a running server (`--url`).
        "ULTRA_SERVICE_KEY": Option<SecretRef> { bootstrap: true, internal: true, consumer: Consumer::Cli },
        /// Turns colour off when set to anything (<https://no-color.org>).
        "NO_COLOR": Option<String> { bootstrap: true, consumer: Consumer::Cli, example: Some("1") },
    }
}
