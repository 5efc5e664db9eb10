//! Which models there are: `GET /api/available-models`, `/v1/models`, `/v1/models/{id}`.

use super::json;
use crate::gateway::Route;
use crate::provider::mock;
use crate::serve::error::Refusal;
use crate::serve::router::Outcome;
use crate::serve::seen::Seen;
use crate::serve::state::App;
use crate::serve::surface::Surface;
use crate::settings::profile::Mode;
use axum::RequestExt as _;
use axum::extract::{Path, Request};
use http::StatusCode;
use serde_json::{Value, json as object};
use std::sync::Arc;

/// All models, with the reason where one cannot be used.
pub(crate) async fn available(app: Arc<App>) -> Outcome {
    let table = app.gateway.table();
    let now = app.clock.now();
    let models: Vec<Value> = table
        .routes()
        .map(|route| {
            let reason = route.unavailable();
            let listed = app.listing.lists(route, now);
            let targets: Vec<Value> = route
                .targets
                .iter()
                .map(|t| object!({"provider": &*t.provider.name, "model": &*t.model}))
                .collect();
            let endpoints: Vec<&str> = route.endpoints().iter().map(|e| e.path()).collect();
            object!({
                "name": &*route.model,
                "available": reason.is_none(),
                "reason": reason,
                "configured": route.configured(),
                "listed": listed,
                "note": (listed == Some(false)).then(|| unlisted(route)).or_else(|| acts(app.mode, route)),
                "targets": targets,
                "endpoints": endpoints,
            })
        })
        .collect();
    let usable: Vec<&Value> =
        models.iter().filter(|m| m["available"] == true).map(|m| &m["name"]).collect();
    // What nobody has configured is no failure of what was.
    let missing = |m: &Value| m["configured"] == true && m["available"] == false;
    let whole = !usable.is_empty() && !models.iter().any(missing);
    let status = if whole { "success" } else { "partial" };
    Ok(json(&object!({
        "status": status,
        "mode": app.mode,
        "count": usable.len(),
        "available_models": usable,
        "models": models,
    })))
}

/// What a model of the mock does.
fn acts(mode: Mode, route: &Route) -> Option<String> {
    let target = route.targets.first().filter(|_| mode == Mode::Mock)?;
    (&*target.provider.name == mock::NAME).then(|| mock::about(&target.model))?
}

/// What to say of a model that no provider of it lists.
fn unlisted(route: &Route) -> String {
    let all: Vec<String> =
        route.targets.iter().map(|t| format!("`{}`: `{}`", t.provider.name, t.model)).collect();
    format!("not in the provider's own list, where aliases are often missing ({})", all.join(", "))
}

/// The models that can be used, in the shape of the caller's family.
pub(crate) async fn list(app: Arc<App>, seen: Arc<Seen>) -> Outcome {
    let table = app.gateway.table();
    let usable: Vec<&Arc<Route>> = table.routes().filter(|r| r.unavailable().is_none()).collect();
    let data: Vec<Value> = usable.iter().map(|route| shown(route, seen.surface)).collect();
    Ok(json(&match seen.surface {
        Surface::Anthropic => object!({
            "data": data,
            "first_id": usable.first().map(|r| &*r.model),
            "has_more": false,
            "last_id": usable.last().map(|r| &*r.model),
        }),
        Surface::OpenAi | Surface::Ours => object!({"object": "list", "data": data}),
    }))
}

/// One model.
pub(crate) async fn one(app: Arc<App>, seen: Arc<Seen>, mut request: Request) -> Outcome {
    let Ok(Path(id)) = request.extract_parts::<Path<String>>().await else {
        let message = "the name of the model is not UTF-8";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_value", message));
    };
    let route = app.gateway.route(&id)?;
    if let Some(reason) = route.unavailable() {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "model_unavailable",
            format!("the model `{}` cannot be used at present: {reason}", route.model),
        )
        .param(Some("model")));
    }
    Ok(json(&shown(&route, seen.surface)))
}

/// A model as the family shows it. When a model was made nobody tells us, so it is the epoch.
fn shown(route: &Route, surface: Surface) -> Value {
    let owner = route.targets.first().map(|t| &*t.provider.name);
    match surface {
        Surface::Anthropic => object!({
            "type": "model",
            "id": &*route.model,
            "display_name": &*route.model,
            "created_at": "1970-01-01T00:00:00Z",
        }),
        Surface::OpenAi | Surface::Ours => object!({
            "id": &*route.model,
            "object": "model",
            "created": 0,
            "owned_by": owner,
        }),
    }
}
