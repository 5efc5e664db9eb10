//! Which models there are: `GET /api/available-models`, `/api/llms`, `/api/llms/{name}`,
//! `/api/llms/{name}/status`, `/v1/models`, `/v1/models/{id}`, and
//! `POST /api/admin/models/refresh`.

use super::{json, parameters};
use crate::base::{Timestamp, near};
use crate::gateway::Route;
use crate::gateway::registry::{self, Capabilities, Key, Model, Sight};
use crate::gateway::routes::{Backend, Provider};
use crate::serve::error::Refusal;
use crate::serve::router::Outcome;
use crate::serve::seen::Seen;
use crate::serve::state::App;
use crate::serve::surface::Surface;
use crate::settings::groups::KNOWN_PROVIDERS;
use axum::RequestExt as _;
use axum::extract::{Path, Request};
use http::{StatusCode, Uri};
use serde_json::{Value, json as object};
use std::sync::Arc;

/// What a running server sees of keys, lists and breakers.
struct Running<'a>(&'a App);

impl Sight for Running<'_> {
    fn keys(&self, provider: &Provider) -> (Vec<Key>, Option<String>) {
        if matches!(provider.backend, Backend::Mock) {
            return (Vec::new(), None);
        }
        let slots = provider.slots.view();
        let state = |variable: &String| {
            // The one in use goes before those that drain.
            let of = slots.iter().filter(|slot| slot.variable == *variable);
            of.map(|slot| slot.state.word()).min_by_key(|word| *word != "active")
        };
        let key = |variable: &String| Key {
            variable: variable.clone(),
            state: state(variable).unwrap_or("missing").to_owned(),
        };
        (provider.keys.iter().map(key).collect(), provider.unavailable())
    }

    fn listed(&self, provider: &Provider, model: &str) -> Option<(bool, Timestamp)> {
        let listed = self.0.listing.of(provider, self.now())?;
        Some((listed.has(model), listed.at))
    }

    fn has_breakers(&self) -> bool {
        true
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

fn all(app: &App) -> Vec<Model> {
    registry::models(&app.gateway.table(), &app.reloader.prices(), &Running(app))
}

/// All models, with the reason where one cannot be used.
pub(crate) async fn available(app: Arc<App>) -> Outcome {
    let models = all(&app);
    let usable: Vec<&str> =
        models.iter().filter(|m| m.available).map(|m| m.name.as_str()).collect();
    // What nobody has configured is no failure of what was.
    let missing = models.iter().any(|m| m.configured && !m.available);
    let status = if usable.is_empty() || missing { "partial" } else { "success" };
    Ok(json(&object!({
        "status": status,
        "mode": app.mode,
        "count": usable.len(),
        "available_models": usable,
        "models": models,
    })))
}

/// The models that the query asks for.
pub(crate) async fn llms(app: Arc<App>, request: Request) -> Outcome {
    let mut models = all(&app);
    let query = request.uri().query().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let refused =
            |message: String| Refusal::new(StatusCode::BAD_REQUEST, "invalid_value", message);
        match &*name {
            "capability" => {
                if Capabilities::default().has(&value).is_none() {
                    let words = Capabilities::WORDS.join(", ");
                    return Err(refused(format!("`capability` is one of {words}")));
                }
                models.retain(|m| m.known.capabilities.has(&value) == Some(true));
            }
            "provider" => {
                is_provider(&app, &value)?;
                models.retain(|m| m.targets.iter().any(|t| t.provider == *value));
            }
            _ => {
                let message = "there are no parameters but capability, provider".to_owned();
                return Err(refused(message));
            }
        }
    }
    let version = app.reloader.prices().version().to_string();
    Ok(json(&object!({
        "status": "success",
        "mode": app.mode,
        "count": models.len(),
        "prices": version,
        "models": models,
    })))
}

/// Whether there is a provider of this name, configured or not.
///
/// # Errors
/// 404: there is none.
fn is_provider(app: &App, name: &str) -> Result<(), Refusal> {
    let table = app.gateway.table();
    let known = || {
        let declared = table.providers().map(|provider| &*provider.name);
        declared.chain(KNOWN_PROVIDERS.iter().map(|known| known.name))
    };
    if known().any(|known| known == name) {
        return Ok(());
    }
    let hint = near::nearest(name, known())
        .map(|near| format!(", did you mean `{near}`?"))
        .unwrap_or_default();
    let what = format!("no provider has this name{hint}");
    Err(Refusal::new(StatusCode::NOT_FOUND, "provider_not_found", what).param(Some("provider")))
}

/// One model, or, with `/status` behind its name, whether it can be used.
pub(crate) async fn llm(app: Arc<App>, mut request: Request) -> Outcome {
    let name = named(&mut request).await?;
    let table = app.gateway.table();
    let known = |route: &Route| registry::model(route, &app.reloader.prices(), &Running(&app));
    // Names of models have slashes: a route that is called so is meant before the status of another.
    let exact = table.routes().any(|route| *route.model == *name);
    let asked = name.strip_suffix("/status").filter(|_| !exact);
    if let Some(name) = asked {
        let model = known(&*app.gateway.route(name)?);
        return Ok(json(&object!({
            "status": "success",
            "mode": app.mode,
            "model_status": status(&model),
        })));
    }
    let model = known(&*app.gateway.route(&name)?);
    Ok(json(&object!({"status": "success", "mode": app.mode, "model": model})))
}

/// Whether a model can be used, in the words of the seeds.
fn status(model: &Model) -> Value {
    let rests = |t: &registry::Target| t.breaker.as_deref() == Some("open");
    let usable: Vec<&registry::Target> = model.targets.iter().filter(|t| t.available).collect();
    let resting = !usable.is_empty() && usable.iter().all(|t| rests(t));
    let recovery = usable.iter().filter_map(|t| t.retry_in_ms).min().filter(|_| resting);
    let (word, message) = match (&model.reason, resting) {
        (Some(reason), _) => ("unavailable", reason.clone()),
        (None, true) => ("resting", "every target has failed too often just now".to_owned()),
        (None, false) => ("available", model.note.clone().unwrap_or_default()),
    };
    object!({
        "name": model.name,
        "available": model.available && !resting,
        "status": word,
        "message": message,
        "recovery_time": recovery.map(|ms| ms.div_ceil(1000)),
    })
}

/// Has the lists of all providers asked for again, and says of when those are that are known.
pub(crate) async fn refresh(app: Arc<App>, request: Request) -> Outcome {
    let [] = parameters(request.uri(), [])?;
    app.listing.ask_now();
    let now = app.clock.now();
    let table = app.gateway.table();
    let known: Vec<Value> = table
        .providers()
        .filter_map(|provider| Some((provider, app.listing.of(provider, now)?)))
        .map(|(provider, listed)| object!({"provider": &*provider.name, "listed_at": listed.at}))
        .collect();
    let mut response =
        json(&object!({"status": "success", "mode": app.mode, "asked": true, "lists": known}));
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// The models that can be used, in the shape of the caller's family. That of Anthropic has pages.
pub(crate) async fn list(app: Arc<App>, seen: Arc<Seen>, request: Request) -> Outcome {
    let table = app.gateway.table();
    let usable: Vec<&Arc<Route>> = table.routes().filter(|r| r.unavailable().is_none()).collect();
    let told = |routes: &[&Arc<Route>]| -> Vec<Value> {
        routes.iter().map(|route| shown(route, seen.surface)).collect()
    };
    Ok(json(&match seen.surface {
        Surface::Anthropic => {
            let (page, more) = page(&usable, request.uri())?;
            object!({
                "data": told(page),
                "first_id": page.first().map(|r| &*r.model),
                "has_more": more,
                "last_id": page.last().map(|r| &*r.model),
            })
        }
        Surface::OpenAi | Surface::Ours => object!({"object": "list", "data": told(&usable)}),
    }))
}

/// The most models on a page, as Anthropic has it.
const LARGEST_PAGE: usize = 1_000;

/// The part of a list that `limit`, `after_id` and `before_id` ask for, and whether there is more in
/// that direction (<https://docs.anthropic.com/en/api/models-list>). Without `limit` it is all: who
/// does not know of pages is to see every model.
fn page<'a>(all: &'a [&'a Arc<Route>], uri: &Uri) -> Result<(&'a [&'a Arc<Route>], bool), Refusal> {
    let refused = |name: &'static str, what: &str| {
        let message = format!("`{name}` {what}");
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_value", message).param(Some(name))
    };
    let (mut limit, mut after, mut before) = (all.len(), None, None);
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let at = |name| {
            let found = all.iter().position(|route| *route.model == *value);
            found.ok_or_else(|| refused(name, "names no model of this list"))
        };
        match &*name {
            "limit" => {
                let number = value.parse().ok().filter(|n| (1..=LARGEST_PAGE).contains(n));
                limit = number.ok_or_else(|| {
                    refused("limit", &format!("must be a whole number from 1 to {LARGEST_PAGE}"))
                })?;
            }
            "after_id" => after = Some(at("after_id")?),
            "before_id" => before = Some(at("before_id")?),
            _ => {}
        }
    }
    let rest = match (after, before) {
        (Some(_), Some(_)) => return Err(refused("before_id", "goes not with `after_id`")),
        (Some(after), None) => all.get(after.saturating_add(1)..),
        (None, Some(before)) => all.get(..before),
        (None, None) => Some(all),
    };
    let rest = rest.unwrap_or_default();
    let page = match before {
        Some(_) => rest.get(rest.len().saturating_sub(limit)..),
        None => rest.get(..limit.min(rest.len())),
    };
    let page = page.unwrap_or_default();
    Ok((page, page.len() < rest.len()))
}

/// The name in the path.
async fn named(request: &mut Request) -> Result<String, Refusal> {
    let Ok(Path(id)) = request.extract_parts::<Path<String>>().await else {
        let message = "the name of the model is not UTF-8";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_value", message));
    };
    Ok(id)
}

/// One model.
pub(crate) async fn one(app: Arc<App>, seen: Arc<Seen>, mut request: Request) -> Outcome {
    let id = named(&mut request).await?;
    let route = app.gateway.route(&id)?;
    if route.unavailable().is_some() {
        let refusal = Refusal::keyless(&route.model).param(Some("model"));
        return Err(Refusal { status: StatusCode::NOT_FOUND, hopeless: false, ..refusal });
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
