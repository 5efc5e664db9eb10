//! The keys that identity works with, from the settings of a profile.

use super::{Seal, TokenKeys};
use crate::base::Secret;
use crate::report::Problem;
use crate::settings::SecretSource;
use crate::settings::groups::AuthSettings;
use crate::settings::profile::Profile;
use std::path::Path;

/// The keys that sign and verify access tokens: `ULTRA_JWT_KEY`, or for an unprotected profile
/// without one a key derived from `seal.key` of the state directory, the same for the server and
/// the command line beside it.
///
/// # Errors
/// The key cannot be opened or is too short, or a protected profile has none.
pub(crate) fn token_keys(
    settings: &AuthSettings,
    profile: &Profile,
    state_dir: &Path,
    source: &dyn SecretSource,
) -> Result<TokenKeys, Problem> {
    let key = match &settings.jwt_key {
        Some(key) => key.reveal(source)?,
        None if profile.protected => return Err(missing("ULTRA_JWT_KEY", "jwt", profile)),
        None => Seal::key_of_state_dir(state_dir)?.derived("jwt"),
    };
    TokenKeys::new(&key)
}

fn missing(variable: &str, name: &str, profile: &Profile) -> Problem {
    Problem::error("missing-secret", format!("`{variable}` is not set"))
        .why(format!("profile `{}` is protected", profile.name))
        .hint(format!("ultra keys set {name} --generate --profile {}", profile.name))
}

/// The content of `seal.key`, from which keys for several uses are derived.
#[derive(Clone, Debug)]
pub(super) struct LocalKey(pub(super) Secret);

impl LocalKey {
    /// A key for one use, as 64 hexadecimal digits.
    fn derived(&self, usage: &str) -> Secret {
        use aws_lc_rs::hmac;
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose().as_bytes());
        let tag = hmac::sign(&key, format!("ultra local key v1: {usage}").as_bytes());
        Secret::new(data_encoding::HEXLOWER.encode(tag.as_ref()))
    }
}
