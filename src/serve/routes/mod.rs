//! The handlers, one file a subject. Which path and permission each has, the table of
//! [`super::router`] says.

pub(crate) mod admin;
pub(crate) mod breakers;
pub(crate) mod check;
pub(crate) mod converse;
pub(crate) mod health;
pub(crate) mod me;
pub(crate) mod models;
pub(crate) mod prometheus;
pub(crate) mod usage;

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use serde_json::Value;

/// A JSON answer.
pub(super) fn json(document: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(document.to_string())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
