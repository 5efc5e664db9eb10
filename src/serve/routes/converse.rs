//! `POST /v1/chat/completions` and `/v1/messages`: read, resolve, hand to the gateway.

use crate::gateway::limits::Limited;
use crate::gateway::{Asked, Call};
use crate::provider::{Endpoint, Envelope};
use crate::serve::middleware::{body, rate};
use crate::serve::router::Outcome;
use crate::serve::seen::Seen;
use crate::serve::state::App;
use axum::body::Body;
use axum::extract::Request;
use std::sync::Arc;

/// `POST /v1/chat/completions`.
pub(crate) async fn chat_completions(app: Arc<App>, seen: Arc<Seen>, request: Request) -> Outcome {
    converse(&app, &seen, request, Endpoint::ChatCompletions).await
}

/// `POST /v1/messages`.
pub(crate) async fn messages(app: Arc<App>, seen: Arc<Seen>, request: Request) -> Outcome {
    converse(&app, &seen, request, Endpoint::Messages).await
}

async fn converse(app: &App, seen: &Seen, request: Request, endpoint: Endpoint) -> Outcome {
    let (parts, incoming) = request.into_parts();
    let caller = seen.caller()?;
    body::json_only(&parts.headers)?;
    let body = body::read(incoming, app.body_limit, app.body_timeout).await?;
    let family = endpoint.family();
    let envelope = Envelope::read(&body, family)?;
    let route = app.gateway.route(&envelope.model)?;
    if let Some(per_minute) = route.requests_per_minute {
        let who = Limited::Route(Arc::clone(&route.model));
        let per_minute = u32::try_from(per_minute).unwrap_or(u32::MAX);
        rate::check(&*app.limiter, &who, per_minute).await?;
    }
    let asked = Arc::new(Asked {
        request_id: Arc::clone(&seen.request_id),
        key_id: Arc::clone(&caller.key_id),
        user_id: caller.user_id(),
        family,
        model: Arc::clone(&route.model),
        stream: envelope.stream,
        mode: app.mode,
        started: seen.started,
    });
    let call = Call { endpoint, envelope, body, headers: parts.headers, asked };
    let answer = app.gateway.answer(&route, call).await?;
    Ok(answer.map(Body::new))
}
