//! `POST /api/admin/keys/reload` and `GET /api/admin/config`.

use super::{json, parameters};
use crate::serve::error::{self, Refusal};
use crate::serve::router::Outcome;
use crate::serve::state::App;
use crate::serve::{fleet, reload, standing};
use axum::extract::Request;
use http::StatusCode;
use serde_json::json as object;
use std::sync::Arc;

/// As [`reload_keys`], over the network.
pub(crate) async fn reload_asked(app: Arc<App>, request: Request) -> Outcome {
    let [] = parameters(request.uri(), [])?;
    reload_keys(app).await
}

/// Loads everything again that can change, routes, prices and the keys of all providers, and says
/// what is in use then.
pub(crate) async fn reload_keys(app: Arc<App>) -> Outcome {
    let worker = Arc::clone(&app);
    let outcome = tokio::task::spawn_blocking(move || reload::reload(&worker))
        .await
        .map_err(|_| error::internal())?;
    let reloaded = outcome.map_err(|problems| {
        let all: Vec<String> = problems.iter().map(standing::told).collect();
        Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "configuration_invalid",
            format!("nothing was changed: {}", all.join("; ")),
        )
    })?;
    let problems: Vec<String> = reloaded.problems.iter().map(ToString::to_string).collect();
    let status = if problems.is_empty() { "success" } else { "partial" };
    Ok(json(&object!({
        "status": status,
        "mode": app.mode,
        "added": reloaded.change.added,
        "drained": reloaded.change.drained,
        "problems": problems,
        "slots": fleet::slots(&app),
        "vault_generation": app.reloader.generation(),
        "config_hash": app.live.load().config_hash,
        "needs_restart": app.reloader.standing.differs().needs_restart,
    })))
}

/// What the server runs with: values that are no secret, and keyed fingerprints of those that are.
pub(crate) async fn config(app: Arc<App>) -> Outcome {
    let worker = Arc::clone(&app);
    let described = tokio::task::spawn_blocking(move || worker.reloader.described())
        .await
        .ok()
        .flatten()
        .ok_or_else(error::internal)?;
    Ok(json(&object!({
        "profile": app.profile,
        "mode": app.mode,
        "version": env!("CARGO_PKG_VERSION"),
        "instance": app.instance,
        "started_at": app.started_at,
        "config_hash": app.live.load().config_hash,
        "config": described,
    })))
}
