//! What is passed on to providers (`POST /v1/chat/completions`, `/v1/responses`, `/v1/messages` and
//! the others of [`Endpoint`]): read, resolve, hand to the gateway.

use crate::base::apart;
use crate::gateway::limits::Limited;
use crate::gateway::{Asked, Call, GatewayError};
use crate::provider::{Endpoint, Envelope};
use crate::serve::error::Refusal;
use crate::serve::middleware::compress::AsItIs;
use crate::serve::middleware::{body, rate};
use crate::serve::overload::Shed;
use crate::serve::router::Outcome;
use crate::serve::seen::Seen;
use crate::serve::state::App;
use axum::body::Body;
use axum::extract::Request;
use http::StatusCode;
use std::sync::Arc;

/// Responses that are stored: they are at the provider that made them, and which one that was is
/// not kept here.
pub(crate) async fn stored() -> Outcome {
    let message = "this server keeps no responses: ask the provider that stores them";
    Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "not_implemented", message).hopeless())
}

/// Has a provider answer a request to `endpoint`.
pub(crate) async fn converse(
    app: Arc<App>,
    seen: Arc<Seen>,
    request: Request,
    endpoint: Endpoint,
) -> Outcome {
    let (parts, incoming) = request.into_parts();
    let caller = seen.caller()?;
    body::json_only(&parts.headers)?;
    let (body, _room) = body::read(incoming, &app).await?;
    let text = body.clone();
    let envelope = apart(body.len(), move || Envelope::read(&text, endpoint)).await?;
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
        endpoint,
        model: Arc::clone(&route.model),
        stream: envelope.stream,
        mode: app.mode,
        started: seen.started,
    });
    let call = Call { endpoint, envelope, body, headers: parts.headers, asked };
    let answered = app.gateway.answer(&route, call).await.inspect_err(|error| match &error.error {
        GatewayError::Unavailable { model, reason } => {
            tracing::warn!(request_id = %seen.request_id, model, reason, "no key for the model");
        }
        GatewayError::Overloaded { .. } => app.overload.count(Shed::Targets),
        _ => {}
    });
    let mut answer = answered?;
    if !answer.body().is_whole() {
        answer.extensions_mut().insert(AsItIs);
    }
    Ok(answer.map(Body::new))
}
