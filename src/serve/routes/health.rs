//! `GET /api/health`, `/api/health/live`, `/api/health/ready`.

use super::json;
use crate::gateway::routes::Backend;
use crate::serve::auth::AuthError;
use crate::serve::error::Refusal;
use crate::serve::router::Outcome;
use crate::serve::seen::Seen;
use crate::serve::state::App;
use crate::settings::profile::Mode;
use crate::store::Scope;
use axum::extract::Request;
use http::{Response, StatusCode};
use serde_json::{Value, json as object};
use std::sync::Arc;

/// Whoever has one of these may see the details.
const DETAIL: [Scope; 4] = [Scope::Read, Scope::Check, Scope::Admin, Scope::Metrics];

/// How the server is doing; with `?detail=true` everything about it, for those who may know.
pub(crate) async fn health(app: Arc<App>, seen: Arc<Seen>, request: Request) -> Outcome {
    if !wants_detail(request.uri().query()) {
        return Ok(json(&outline(&app)));
    }
    let caller = seen.caller()?;
    if !DETAIL.iter().any(|scope| caller.scopes.has(*scope)) {
        return Err(Refusal::from(AuthError::Forbidden(Scope::Read.word())));
    }
    Ok(json(&document(&app)))
}

/// Whether the details are asked for, which are not for everybody.
pub(crate) fn wants_detail(query: Option<&str>) -> bool {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "detail" && matches!(&*value, "true" | "1" | ""))
}

/// Everything about the server, as the control socket tells it.
pub(crate) fn document(app: &App) -> Value {
    let mut body = outline(app);
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), detail(app)) {
        body.extend(more);
    }
    body
}

/// What everybody may know.
fn outline(app: &App) -> Value {
    object!({
        "status": app.health.overall(),
        "mode": app.mode,
        "version": env!("CARGO_PKG_VERSION"),
        "timestamp": app.clock.now(),
    })
}

fn detail(app: &App) -> Value {
    let view = app.health.view();
    let live = app.live.load();
    let now = app.clock.now();
    let identity = app.auth.snapshot().map(|s| {
        object!({
            "keys": s.len(),
            "source": s.source(),
            "age_seconds": s.age(now).as_secs(),
            "taken_at": s.taken_at(),
        })
    });
    let providers: Vec<Value> = app
        .gateway
        .table()
        .providers()
        .map(|p| {
            let base_url = match &p.backend {
                Backend::Mock => None,
                Backend::Http { base_url, .. } => Some(crate::base::redact::url(base_url.as_str())),
            };
            let reason = p.unavailable();
            object!({
                "name": &*p.name,
                "family": p.kind.word(),
                "base_url": base_url,
                "available": reason.is_none(),
                "reason": reason,
                "listed_at": app.listing.of(p, now).map(|listed| listed.at),
                "slots": p.slots.view(),
            })
        })
        .collect();
    object!({
        "profile": app.profile,
        "environment": app.profile,
        "config_hash": live.config_hash,
        "vault_generation": app.reloader.generation(),
        "signing_keys": app.reloader.rings.views(now),
        "instance": app.instance,
        "pid": std::process::id(),
        "started_at": app.started_at,
        "uptime_seconds": app.started.elapsed().as_secs(),
        "checked_at": view.checked_at,
        "services": view.components,
        "unready": app.health.unready(),
        "providers": providers,
        "identity": identity,
        "usage_journal": app.journal.status(),
        "mock_ledger": (app.mode == Mode::Mock).then(|| app.gateway.billed()),
        "database": {"kind": app.store.kind(), "location": app.store.location()},
        "cache": app.cache.status(),
        "overload": app.overload.status(),
        "limits": {
            "requests_per_minute": live.per_minute,
            "anonymous_per_minute": live.anonymous_per_minute,
            "body_limit": app.body_limit,
        },
    })
}

/// Whether the process lives: it answers.
pub(crate) async fn live(app: Arc<App>) -> Outcome {
    Ok(json(&object!({"status": "ok", "live": true, "mode": app.mode})))
}

/// Whether the server may have traffic.
pub(crate) async fn ready(app: Arc<App>) -> Outcome {
    let unready = app.health.unready();
    let ready = unready.is_empty();
    let status = app.health.overall();
    let body = object!({"status": status, "ready": ready, "mode": app.mode, "reasons": unready});
    let mut response: Response<_> = json(&body);
    if !ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let after = http::HeaderValue::from_static("5");
        response.headers_mut().insert(http::header::RETRY_AFTER, after);
    }
    Ok(response)
}
