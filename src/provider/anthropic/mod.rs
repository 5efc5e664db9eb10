//! The Anthropic API (<https://docs.anthropic.com/en/api/messages>).

use super::wire::Endpoint;
use crate::base::Secret;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

/// Which version of the API a request is written for.
pub(crate) const VERSION_HEADER: HeaderName = HeaderName::from_static("anthropic-version");

/// The version that is assumed where a client names none.
pub(super) const VERSION: &str = "2023-06-01";

/// Where `endpoint` is below `base`, which ends before the version.
pub(super) fn url(base: &str, endpoint: Endpoint) -> String {
    format!("{base}{}", endpoint.path())
}

/// `x-api-key: KEY`.
pub(super) fn credentials(key: &Secret) -> Option<HeaderMap> {
    let mut value = HeaderValue::from_str(key.expose()).ok()?;
    value.set_sensitive(true);
    Some(HeaderMap::from_iter([(HeaderName::from_static("x-api-key"), value)]))
}

/// The body of an error.
pub(crate) fn error_body(kind: &str, message: &str, request_id: &str) -> serde_json::Value {
    json!({
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": request_id,
    })
}

/// An error in a stream that has begun, after which the stream ends without `message_stop`.
pub(super) fn stream_error(kind: &str, message: &str, request_id: &str) -> String {
    let kind = match kind {
        "upstream_timeout" => "timeout_error",
        _ => "api_error",
    };
    format!("event: error\ndata: {}\n\n", error_body(kind, message, request_id))
}
