//! `ultra auth token`: short-lived access tokens, made by an operator.

use super::super::backing::confirm;
use crate::base::Timestamp;
use crate::report::{Block, Console, Fault, Problem, Report};
use crate::serve::auth::{self, TokenRequest};
use crate::settings::{SecretSource, Workspace, load};
use crate::store::Scopes;
use serde::Serialize;
use std::time::Duration;

/// What a new token is to be, as the operator said it.
#[derive(Debug)]
pub(crate) struct CreateRequest {
    /// Whom it speaks of.
    pub(crate) subject: String,
    /// Words for scopes.
    pub(crate) scopes: Vec<String>,
    /// How long it is valid, such as `30m`.
    pub(crate) ttl: Option<String>,
}

#[derive(Serialize)]
struct Created<'a> {
    profile: &'a str,
    /// The one time that the token itself is shown.
    token: &'a str,
    subject: &'a str,
    scopes: Scopes,
    expires_at: Timestamp,
    key_id: Option<&'a str>,
}

/// Makes an access token. The answer for people is the token alone, so that a script can take it.
///
/// # Errors
/// A malformed subject, scope or span (2); no key to sign with (3); a protected profile without
/// confirmation (6).
pub(crate) fn create(
    request: &CreateRequest,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let now = workspace.clock.now();
    let subject = super::name("subject", &request.subject)?;
    let scopes = super::scopes(&request.scopes)?;
    let asked = request.ttl.as_deref().map(|text| super::span("--ttl", text)).transpose()?;
    if let Some(long) = asked.filter(|life| *life > auth::LONGEST_LIFE) {
        let what = format!("`--ttl` of {}h is too long for a token", long.as_secs() / 3_600);
        return Err(Fault::usage(
            Problem::error("token-too-long", what)
                .why("an access token cannot be taken back before it expires")
                .hint("use at most `--ttl 24h`, or `ultra auth service-key create NAME`"),
        ));
    }
    let loaded = load(workspace, &workspace.profile, secrets);
    let Some(settings) = loaded.settings else {
        return Err(Fault::does_not_hold(loaded.problems));
    };
    confirm(&settings, &format!("make an access token for `{subject}`"), console)?;
    if settings.auth.jwt_key.is_none() && !settings.profile.protected {
        workspace.prepare_state_dir()?;
    }
    let keys = auth::token_keys(&settings.auth, &settings.profile, &workspace.state_dir, secrets)
        .map_err(|problem| Fault::does_not_hold(vec![problem]))?;
    let life = asked.unwrap_or(settings.auth.access_ttl).max(Duration::from_secs(1));
    let request = TokenRequest { subject, scopes, life };
    let Some(minted) = auth::mint(&keys, &request, now) else {
        return Err(Fault::does_not_hold(vec![
            Problem::error("missing-jwt-key", "there is no key to sign tokens with")
                .hint(format!("ultra keys set jwt --generate --profile {}", settings.profile.name)),
        ]));
    };
    let expires_at =
        minted.claims.exp.and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(now);
    let profile = &settings.profile.name;
    console.note(&format!(
        "access token of profile `{profile}` for `{}`: scopes {scopes}, until {expires_at}; it is shown this once",
        request.subject
    ));
    let data = Created {
        profile,
        token: minted.text.expose(),
        subject: &request.subject,
        scopes,
        expires_at,
        key_id: keys.signing_id(),
    };
    let view = vec![Block::Verbatim(format!("{}\n", minted.text.expose()))];
    Report::new("ultra.auth.token/1", data, view)
}
