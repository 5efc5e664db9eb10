//! `GET /api/health/circuit-breakers` and `POST /api/admin/circuit-breakers/reset`.

use super::{json, parameters};
use crate::base::near;
use crate::serve::error::Refusal;
use crate::serve::router::Outcome;
use crate::serve::state::App;
use axum::extract::Request;
use http::{StatusCode, Uri};
use serde_json::{Value, json as object};
use std::sync::Arc;

/// How the breakers of all targets stand.
pub(crate) async fn list(app: Arc<App>) -> Outcome {
    Ok(json(&document(&app)))
}

/// Closes the breaker that `?target=` names, or all.
pub(crate) async fn reset(app: Arc<App>, request: Request) -> Outcome {
    Ok(json(&close_asked(&app, request.uri())?))
}

/// Closes the breaker that `?target=` names, or all, and says how they stand then.
///
/// # Errors
/// There is no target of this name, or the query says something else.
pub(crate) fn close_asked(app: &App, uri: &Uri) -> Result<Value, Refusal> {
    // A parameter that nobody knows may be the one that was to keep the others out.
    let [target] = parameters(uri, ["target"])?;
    close(app, target.as_deref())
}

/// As the server and the control socket tell it.
pub(crate) fn document(app: &App) -> Value {
    let table = app.gateway.table();
    let breakers: Vec<Value> = table
        .guards()
        .iter()
        .map(|(target, guard)| {
            let view = guard.breaker.view();
            let places = guard.places.view(guard.ceiling.min(app.overload.ceiling()));
            object!({
                "target": target,
                "state": view.state,
                "calls": view.calls,
                "failures": view.failures,
                "failures_in_a_row": view.in_a_row,
                "opened": view.opened,
                "retry_in_ms": view.retry_in_ms,
                "in_flight": places.in_flight,
                "limit": places.limit,
            })
        })
        .collect();
    object!({"status": "success", "mode": app.mode, "circuit_breakers": breakers})
}

fn close(app: &App, target: Option<&str>) -> Result<Value, Refusal> {
    let table = app.gateway.table();
    match target {
        None => table.guards().values().for_each(|guard| guard.breaker.reset()),
        Some(name) => {
            let guard = table.guards().get(name).ok_or_else(|| {
                let known = table.guards().keys().map(String::as_str);
                let hint = near::nearest(name, known)
                    .map(|near| format!(", did you mean `{near}`?"))
                    .unwrap_or_default();
                let what = format!("no target has this name{hint}");
                Refusal::new(StatusCode::NOT_FOUND, "target_not_found", what).param(Some("target"))
            })?;
            guard.breaker.reset();
        }
    }
    tracing::info!(target = target.unwrap_or("all"), "circuit breakers reset");
    Ok(document(app))
}
