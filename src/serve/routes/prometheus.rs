//! `GET /metrics` in the OpenMetrics text format.

use crate::serve::error;
use crate::serve::router::Outcome;
use crate::serve::state::App;
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use std::sync::Arc;

/// The type of the text.
const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All counters.
pub(crate) async fn metrics(app: Arc<App>) -> Outcome {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &app.registry)
        .map_err(|_| error::internal())?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(KIND));
    Ok(response)
}
