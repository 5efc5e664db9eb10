//! A second listener that answers `/metrics` without a key and nothing else, for scrapers on a
//! private network.

use super::connections;
use super::error::Refusal;
use super::middleware::compress;
use super::routes::prometheus;
use super::seats::Seats;
use super::state::App;
use super::surface::Surface;
use crate::report::{Fault, Problem};
use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The time a scraper has to send its request's head.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections at a time; a private network has few scrapers.
const MOST: u32 = 64;

/// Listens, if the settings ask for it.
///
/// # Errors
/// The address is malformed (3) or cannot be had (5).
pub(super) async fn bind(addr: Option<&str>) -> Result<Option<TcpListener>, Fault> {
    let Some(text) = addr.filter(|text| !text.is_empty()) else { return Ok(None) };
    let Ok(addr) = text.parse::<SocketAddr>() else {
        return Err(Fault::does_not_hold(vec![
            Problem::error("malformed-value", "`ULTRA_METRICS_ADDR` is no address with a port")
                .hint("ULTRA_METRICS_ADDR=127.0.0.1:9464"),
        ]));
    };
    TcpListener::bind(addr).await.map(Some).map_err(|e| {
        Fault::unreachable(
            Problem::error("cannot-listen", format!("cannot listen on `{addr}` for metrics"))
                .why(e)
                .hint("set another `ULTRA_METRICS_ADDR`"),
        )
    })
}

/// Answers scrapers until `stop`.
pub(super) async fn serve(listener: TcpListener, app: Arc<App>, stop: CancellationToken) {
    let seats = Seats::new(MOST);
    connections::accept_each(listener, &seats, &stop, |stream, _, seated| {
        let app = Arc::clone(&app);
        connections::converse(stream, seated, PATIENCE, move |request, busy| {
            let app = Arc::clone(&app);
            async move {
                // The answer is on its way out once it is made: a seat that is wanted waits for it.
                let _busy = busy;
                answer(app, &request).await
            }
        })
    })
    .await;
    seats.end();
}

async fn answer(app: Arc<App>, request: &Request<Incoming>) -> Response<Body> {
    let mode = app.mode.word();
    let live = app.live.load_full();
    let compression = app.compression;
    let taken = compress::is_taken(request.headers());
    let outcome = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => prometheus::metrics(app).await,
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "not_found", "only `/metrics` is here")),
    };
    let mut response = outcome.unwrap_or_else(|r| r.response(Surface::Ours, "", mode));
    if compression {
        response = compress::compress(response, taken, compress::CONTROL).await;
    }
    live.security.write(response.headers_mut());
    response
}
