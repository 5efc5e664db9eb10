//! `GET /api/auth/me`: who the server takes the caller for.

use super::json;
use crate::serve::auth::Credential;
use crate::serve::router::Outcome;
use crate::serve::seen::Seen;
use crate::serve::state::App;
use serde_json::json as object;
use std::sync::Arc;

/// The caller.
pub(crate) async fn me(app: Arc<App>, seen: Arc<Seen>) -> Outcome {
    let caller = seen.caller()?;
    Ok(json(&object!({
        "status": "success",
        "mode": app.mode,
        "id": &*caller.key_id,
        "name": &*caller.name,
        "scopes": caller.scopes,
        "credential": match caller.credential {
            Credential::ServiceKey => "service-key",
            Credential::AccessToken => "access-token",
        },
        "requests_per_minute": caller.rate.unwrap_or(app.live.load().per_minute),
    })))
}
