//! The OpenAI API and servers compatible with it
//! (<https://platform.openai.com/docs/api-reference>).

use super::wire::Endpoint;
use crate::base::Secret;
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

/// Where `endpoint` is below `base`, which ends with the version (`…/v1`).
pub(super) fn url(base: &str, endpoint: Endpoint) -> String {
    let path = endpoint.path();
    let below = path.strip_prefix("/v1").unwrap_or(path);
    format!("{base}{below}")
}

/// Services that are known to have chat completions and no responses.
const WITHOUT_RESPONSES: [&str; 3] = ["api.mistral.ai", "api.deepseek.com", "api.together.xyz"];

/// Whether a server has `/v1/responses`, as far as is known.
pub(crate) fn has_responses(base_url: &Url) -> bool {
    base_url.host_str().is_none_or(|host| !WITHOUT_RESPONSES.contains(&host))
}

/// `Authorization: Bearer KEY`.
pub(super) fn credentials(key: &Secret) -> Option<HeaderMap> {
    let text = Zeroizing::new(format!("Bearer {}", key.expose()));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(HeaderMap::from_iter([(header::AUTHORIZATION, value)]))
}

/// The body of an error.
pub(crate) fn error_body(
    kind: &str,
    message: &str,
    param: Option<&str>,
    code: Option<&str>,
) -> serde_json::Value {
    json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
}

/// An error in a stream that has begun: one event, after which the stream ends without `[DONE]`.
pub(super) fn stream_error(kind: &str, message: &str) -> String {
    format!("data: {}\n\n", error_body("server_error", message, None, Some(kind)))
}

/// An error in a stream of a response that has begun: one event, with its number, after which the
/// stream ends without `response.completed`
/// (<https://platform.openai.com/docs/api-reference/responses-streaming/error>).
pub(super) fn response_error(kind: &str, message: &str, sequence: u64) -> String {
    let event = json!({
        "type": "error",
        "code": kind,
        "message": message,
        "param": null,
        "sequence_number": sequence,
    });
    format!("event: error\ndata: {event}\n\n")
}
