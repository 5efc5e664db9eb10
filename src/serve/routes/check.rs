//! `POST /api/admin/check/tokens`: tokens that a probe presents to see whether they are refused.

use super::json;
use crate::serve::auth::mint_probe_tokens;
use crate::serve::error::Refusal;
use crate::serve::router::Outcome;
use crate::serve::seen::Seen;
use crate::serve::state::App;
use http::StatusCode;
use serde_json::{Value, json as object};
use std::sync::Arc;

/// Correctly signed tokens, one that is valid and others that must be refused.
pub(crate) async fn tokens(app: Arc<App>, seen: Arc<Seen>) -> Outcome {
    let caller = seen.caller()?;
    let minted =
        mint_probe_tokens(&app.auth.token_keys(), caller, app.clock.now()).ok_or_else(|| {
            Refusal::new(
                StatusCode::CONFLICT,
                "no_signing_key",
                "this server signs no tokens: `ULTRA_JWT_KEY` is not set",
            )
        })?;
    let tokens: Vec<Value> = minted
        .iter()
        .map(|t| object!({"case": t.case, "token": t.text.expose(), "expected": t.expected}))
        .collect();
    Ok(json(&object!({"status": "success", "mode": app.mode, "tokens": tokens})))
}
