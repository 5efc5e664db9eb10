//! What is needed before any file is read.

use crate::settings::catalogue::{Alias, Consumer, settings};
use crate::settings::secret::SecretRef;
use std::path::PathBuf;

settings! {
    /// What is needed before profiles and files are read: only flags, the process environment and
    /// defaults count for these.
    pub(crate) struct BootstrapSettings in "bootstrap" {
        /// The root: the directory with `profiles/`. Found by walking up from the current
        /// directory if unset.
        dir: Option<PathBuf> = "ULTRA_DIR" { bootstrap: true, internal: true, consumer: Consumer::Both, example: Some("/srv/app") },
        /// The state directory: switch record, vault, embedded database, journals. `<root>/.ultra`
        /// if unset.
        state_dir: Option<PathBuf> = "ULTRA_STATE_DIR" { bootstrap: true, internal: true, consumer: Consumer::Both, example: Some("/var/lib/ultra") },
        /// The profile in use, unless `--profile` names one; `dev` if nobody says.
        profile: Option<String> = "ULTRA_PROFILE" { bootstrap: true, consumer: Consumer::Both, example: Some("prod"), aliases: &[Alias::same("ENVIRONMENT")] },
        /// Whether a profile must be named: `true` in the container image, so that no container
        /// serves mocks by accident.
        profile_required: bool = "ULTRA_PROFILE_REQUIRED" { bootstrap: true, internal: true, consumer: Consumer::Both, default: Some("false") },
        /// A file with the vault's identity (`AGE-SECRET-KEY-1…`), mode 0600 and outside the root.
        vault_identity_file: Option<PathBuf> = "ULTRA_VAULT_IDENTITY_FILE" { bootstrap: true, internal: true, consumer: Consumer::Both, example: Some("/run/secrets/ultra-identity") },
        /// A file with the passphrase of the vault's identity.
        vault_passphrase_file: Option<PathBuf> = "ULTRA_VAULT_PASSPHRASE_FILE" { bootstrap: true, internal: true, consumer: Consumer::Both, example: Some("/run/secrets/ultra-passphrase") },
        /// The service key with which commands speak to a running server (`--url`).
        service_key: Option<SecretRef> = "ULTRA_SERVICE_KEY" { bootstrap: true, internal: true, consumer: Consumer::Cli },
        /// Turns colour off when set to anything (<https://no-color.org>).
        no_color: Option<String> = "NO_COLOR" { bootstrap: true, consumer: Consumer::Cli, example: Some("1") },
    }
}
