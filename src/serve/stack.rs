//! Around every request, in this order: its id, loops, the bounds of its head, preflights, who
//! calls and how often, on the data plane a place to be worked on, the handler within a net for panics; then
//! whole answers are made smaller, and get the headers that every answer has, and one line in the log when the
//! last byte is out.

use super::error::{self, Refusal};
use super::middleware::access_log::{Line, Tracked};
use super::middleware::{
    admit, compress, cors, head, hop, panic, prefix, rate, request_id, security::SecurityHeaders,
};
use super::router;
use super::seats::Busy;
use super::seen::Seen;
use super::state::App;
use super::surface::Surface;
use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use tower::ServiceExt as _;

/// What becomes known on the way, for the answer's headers and the log.
struct Found {
    line: Line,
    shown: Option<rate::Shown>,
    place: Option<OwnedSemaphorePermit>,
}

/// Answers one request; `others` has the routes that are not found directly.
pub(crate) async fn handle(
    app: Arc<App>,
    others: &Router,
    peer: SocketAddr,
    busy: Busy,
    mut request: Request<Incoming>,
) -> Response<Tracked> {
    let started = Instant::now();
    prefix::strip(request.uri_mut());
    let headers = request.headers();
    let surface = Surface::of(request.uri().path(), headers);
    let request_id = request_id::of(headers);
    let live = app.live.load_full();
    let origin = live.origins.grant(headers);
    let line = Line::begin(&app, &request, &request_id, peer, started);
    let mut found = Found { line, shown: None, place: None };

    let taken = app.compression && compress::is_taken(headers);
    let seen = Seen { request_id, surface, caller: None, peer, started };
    let mode = app.mode.word();
    let outcome = answer(&app, others, &live.origins, seen, &mut found, request).await;
    let mut response = match outcome {
        Ok(response) => response,
        Err(refusal) => refusal.response(surface, &found.line.request_id, mode),
    };

    found.line.status = response.status().as_u16();
    found.line.cache = response.extensions().get().copied();
    finish(&mut response, &live.security, surface, &found.line.request_id);
    if let Some(shown) = found.shown {
        shown.tell(&mut response);
    }
    if let Some(origin) = origin {
        cors::write(origin, response.headers_mut());
    }
    if app.compression {
        let least = if surface == Surface::Ours { compress::CONTROL } else { compress::DATA };
        response = Box::pin(compress::compress(response, taken, least)).await;
    }
    response.map(|body| Tracked::new(body, found.line, found.place, busy))
}

async fn answer(
    app: &Arc<App>,
    others: &Router,
    origins: &cors::Origins,
    mut seen: Seen,
    found: &mut Found,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let headers = request.headers();
    hop::check(headers, &app.instance)?;
    head::check(request.uri(), headers)?;
    if let Some(response) = cors::preflight(origins, request.method(), headers) {
        return Ok(response);
    }
    let key_id = &mut found.line.key_id;
    let admitted = admit::admit(app, request.uri(), headers, seen.peer, key_id).await?;
    found.shown = admitted.shown;
    let direct = router::direct(request.method(), request.uri().path());
    if direct.is_some_and(|spec| spec.bounded) && admitted.caller.is_some() {
        found.place = Some(app.overload.enter()?);
    }
    seen.caller = admitted.caller;

    let seen = Arc::new(seen);
    let mut request = request.map(Body::new);
    let answered = if let Some(spec) = direct {
        panic::contain(router::run(Arc::clone(app), spec, seen, request)).await
    } else {
        request.extensions_mut().insert(seen);
        let routed = Box::pin(panic::contain(others.clone().oneshot(request)));
        routed.await.map(|routed| routed.unwrap_or_else(|never| match never {}))
    };
    answered.ok_or_else(error::internal)
}

/// Puts on an answer what every answer has.
fn finish(
    response: &mut Response<Body>,
    security: &SecurityHeaders,
    surface: Surface,
    request_id: &str,
) {
    let headers = response.headers_mut();
    security.write(headers);
    if let Ok(id) = HeaderValue::from_str(request_id) {
        if surface == Surface::Anthropic {
            headers.insert(request_id::ANTHROPIC_HEADER, id.clone());
        }
        headers.insert(request_id::HEADER, id);
    }
}
