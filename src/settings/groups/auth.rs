//! Identity.

use crate::settings::catalogue::{Alias, Need, Reload, settings};
use crate::settings::secret::SecretRef;
use std::time::Duration;

settings! {
    /// Identity: keys that sign and seal, and how long what is known of callers may be used.
    pub(crate) struct AuthSettings in "auth" {
        /// The key that signs access and refresh tokens (HS256): at least 32 bytes.
        jwt_key: Option<SecretRef> = "ULTRA_JWT_KEY" { need: Need::Protected, vault: Some("jwt"), reload: Reload::Live, aliases: &[Alias::same("JWT_SECRET_KEY"), Alias::same("JWT_SECRET")] },
        /// The key that seals what the server keeps on disk, such as the last-good copy of the
        /// identity snapshot: at least 32 bytes.
        encryption_key: Option<SecretRef> = "ULTRA_ENCRYPTION_KEY" { need: Need::Protected, vault: Some("encryption"), aliases: &[Alias::same("API_KEY_ENCRYPTION_KEY"), Alias::same("ENCRYPTION_KEY")] },
        /// How long a known caller is served from the identity snapshot while the store is away.
        max_stale: Duration = "ULTRA_AUTH_MAX_STALE" { default: Some("1h") },
        /// How often the identity snapshot is refreshed; a service key that is not in it has it
        /// refreshed at once.
        refresh: Duration = "ULTRA_AUTH_REFRESH" { default: Some("2s") },
        /// How long an access token is valid.
        access_ttl: Duration = "ULTRA_JWT_ACCESS_TTL" { default: Some("30m"), example: Some("15m") },
    }
}
