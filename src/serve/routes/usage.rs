//! `GET /api/usage`: what was used and what it cost, by key, user, model, provider or day.

use super::{json, parameters};
use crate::gateway::usage::{Wanted, Words, figures};
use crate::serve::error::{self, Refusal};
use crate::serve::router::Outcome;
use crate::serve::seen::Seen;
use crate::serve::state::App;
use crate::store::{Scope, StoreError};
use axum::extract::Request;
use http::StatusCode;
use serde_json::json as object;
use std::sync::Arc;
use std::time::Duration;

/// How long the store may take.
const LONGEST: Duration = Duration::from_secs(2);

fn refused(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "invalid_value", message)
}

fn away(message: &str) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", message).retry_after(5)
}

/// Usage: a key with scope `admin` sees all, any other its own.
pub(crate) async fn usage(app: Arc<App>, seen: Arc<Seen>, request: Request) -> Outcome {
    let caller = seen.caller()?;
    let [by, since, until, model, key] =
        parameters(request.uri(), ["by", "since", "until", "model", "key"])?;
    let words = Words {
        by: by.as_deref(),
        since: since.as_deref(),
        until: until.as_deref(),
        model: model.as_deref(),
        key: key.as_deref(),
    };
    let wanted = Wanted::read(&words, app.clock.now()).map_err(|bad| {
        let all: Vec<String> =
            bad.iter().map(|bad| format!("`{}` {}", bad.name, bad.what)).collect();
        refused(all.join("; "))
    })?;
    let own = (!caller.scopes.has(Scope::Admin)).then_some(&*caller.key_id);
    if let (Some(own), Some(key)) = (own, &wanted.key)
        && key != own
        && **key != *caller.name
    {
        let message = "the usage of other keys needs the scope `admin`";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "insufficient_scope", message));
    }
    let wanted = Wanted { key: wanted.key.filter(|_| own.is_none()), ..wanted };
    let asked = tokio::time::timeout(LONGEST, figures(&*app.store, &wanted, own)).await;
    let figures = match asked {
        Ok(Ok(figures)) => figures,
        Err(_) | Ok(Err(StoreError::Timeout { .. })) => {
            let message = "the store did not answer in time; a shorter span of time may help";
            return Err(away(message));
        }
        Ok(Err(error)) => {
            tracing::warn!(request_id = %seen.request_id, %error, "usage cannot be read");
            return Err(away("the store cannot be read at present"));
        }
    };
    let mut document = object!({"status": "success", "mode": app.mode});
    let figures = serde_json::to_value(&figures).map_err(|_| error::internal())?;
    if let (Some(document), serde_json::Value::Object(figures)) =
        (document.as_object_mut(), figures)
    {
        document.extend(figures);
    }
    Ok(json(&document))
}
