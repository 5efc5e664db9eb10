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

use super::error::Refusal;
use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode, Uri};
use serde_json::Value;
use std::borrow::Cow;

/// The parameters of the query of an address by name, which are all it may have.
///
/// # Errors
/// 400: one is unknown or said twice.
pub(super) fn parameters<'a, const N: usize>(
    uri: &'a Uri,
    names: [&str; N],
) -> Result<[Option<Cow<'a, str>>; N], Refusal> {
    let refused =
        |message: String| Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_value", message));
    let mut found = [const { None }; N];
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let place = names.iter().zip(&mut found).find(|(known, _)| **known == name);
        match place {
            Some((_, place)) if place.is_none() => *place = Some(value),
            Some((name, _)) => return refused(format!("`{name}` is said twice")),
            None if names.is_empty() => return refused("there are no parameters here".to_owned()),
            None => return refused(format!("there are no parameters but {}", names.join(", "))),
        }
    }
    Ok(found)
}

/// A JSON answer.
pub(super) fn json(document: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(document.to_string())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
