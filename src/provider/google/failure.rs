//! Errors of Gemini: `google.rpc.Status` as JSON (<https://cloud.google.com/apis/design/errors>).

use crate::provider::failure::Class;
use crate::provider::native::{by_body, status_of};
use crate::provider::translation::Refused;
use http::StatusCode;
use serde_json::Value;
use std::time::Duration;

/// What an error body with this status says.
pub(super) fn refused(status: StatusCode, body: &[u8]) -> Refused {
    let mut refused = by_body(status, body);
    let Some(error) = error(body) else { return refused };
    fill(&mut refused, &error);
    refused
}

/// The error that a document is, instead of an answer or an event.
pub(super) fn in_body(body: &[u8]) -> Option<Refused> {
    let error = error(body)?;
    let status = match error.get("code").and_then(Value::as_u64) {
        number @ Some(400..=599) => status_of(number),
        _ => stated(error.get("status").and_then(Value::as_str).unwrap_or_default()),
    };
    let mut refused = by_body(status, body);
    fill(&mut refused, &error);
    Some(refused)
}

/// The error in a document, which may also stand in a list.
fn error(body: &[u8]) -> Option<Value> {
    memchr::memmem::find(body, b"\"error\"")?;
    let mut document: Value = serde_json::from_slice(body).ok()?;
    if let Value::Array(list) = &mut document {
        document = list.first_mut()?.take();
    }
    document.get_mut("error").map(Value::take).filter(Value::is_object)
}

/// The HTTP status of a word (`google/rpc/code.proto`).
fn stated(word: &str) -> StatusCode {
    status_of(Some(match word {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => 400,
        "UNAUTHENTICATED" => 401,
        "PERMISSION_DENIED" => 403,
        "NOT_FOUND" => 404,
        "RESOURCE_EXHAUSTED" => 429,
        "UNAVAILABLE" => 503,
        "DEADLINE_EXCEEDED" => 504,
        _ => 500,
    }))
}

fn fill(refused: &mut Refused, error: &Value) {
    let text = |field: &str| error.get(field).and_then(Value::as_str).unwrap_or_default();
    refused.message = text("message").to_owned();
    let details = || error.get("details").and_then(Value::as_array).into_iter().flatten();
    let reason = |word: &str| {
        details().any(|detail| detail.get("reason").and_then(Value::as_str) == Some(word))
    };
    if refused.class == Class::ClientError {
        let message = refused.message.to_ascii_lowercase();
        let key = reason("API_KEY_INVALID") || message.starts_with("api key ");
        // The account is at fault, not the request: no billing, or not from here.
        if key || text("status") == "FAILED_PRECONDITION" {
            refused.class = Class::KeyRefused;
        } else if message.contains("exceeds the maximum number of tokens") {
            refused.class = Class::TooLong;
        }
    }
}

/// How long the details of an error say to wait (`google.rpc.RetryInfo`).
pub(super) fn retry_delay(body: &[u8]) -> Option<Duration> {
    let error = error(body)?;
    error.get("details")?.as_array()?.iter().find_map(|detail| {
        let delay = detail.get("retryDelay")?.as_str()?.strip_suffix('s')?.parse::<f64>().ok()?;
        Duration::try_from_secs_f64(delay).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str) -> Class {
        refused(StatusCode::from_u16(status).unwrap(), body.as_bytes()).class
    }

    #[test]
    fn errors_have_their_classes() {
        let bad_key = r#"{"error":{"code":400,"message":"API key not valid. Use another.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#;
        let expired = r#"[{"error":{"code":400,"message":"API key expired."}}]"#;
        let place =
            r#"{"error":{"code":400,"message":"not from here","status":"FAILED_PRECONDITION"}}"#;
        let long = r#"{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8).","status":"INVALID_ARGUMENT"}}"#;
        let plain =
            r#"{"error":{"code":400,"message":"no such field","status":"INVALID_ARGUMENT"}}"#;
        assert_eq!(class(400, bad_key), Class::KeyRefused);
        assert_eq!(class(400, expired), Class::KeyRefused);
        assert_eq!(class(400, place), Class::KeyRefused);
        assert_eq!(class(400, long), Class::TooLong);
        assert_eq!(class(400, plain), Class::ClientError);
        assert_eq!(class(403, r#"{"error":{"status":"PERMISSION_DENIED"}}"#), Class::Forbidden);
        let blocked = r#"[{"error":{"status":"PERMISSION_DENIED","message":"Your API key was reported as leaked."}}]"#;
        assert_eq!(class(403, blocked), Class::KeyRefused);
        assert_eq!(class(403, "<html>"), Class::ClientError);
        assert_eq!(class(404, r#"{"error":{"status":"NOT_FOUND"}}"#), Class::ClientError);
        assert_eq!(class(503, r#"{"error":{"status":"UNAVAILABLE"}}"#), Class::Overloaded);
        for hostile in ["", "<html>", "[]", "[1]", r#"{"error":"x"}"#, r#"{"error":"#] {
            assert_eq!(class(429, hostile), Class::RateLimited, "{hostile}");
        }
    }

    #[test]
    fn a_rate_limit_says_how_long_in_its_details() {
        let body = |delay: &str| {
            format!(
                r#"{{"error":{{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[
                    {{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaId":"PerDay"}}]}},
                    {{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{delay}"}}]}}}}"#
            )
        };
        let wait = |delay: &str| retry_delay(body(delay).as_bytes());
        assert_eq!(wait("37s"), Some(Duration::from_secs(37)));
        assert_eq!(wait("1.5s"), Some(Duration::from_millis(1500)));
        for nonsense in ["", "s", "-1s", "NaNs", "1e999s", "37"] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn in_a_stream_the_word_stands_for_the_status() {
        let of = |body: &str| in_body(body.as_bytes()).map(|r| (r.status.as_u16(), r.class));
        let exhausted = r#"{"error":{"message":"m","status":"RESOURCE_EXHAUSTED"}}"#;
        assert_eq!(of(exhausted), Some((429, Class::RateLimited)));
        assert_eq!(of(r#"{"error":{"code":503}}"#), Some((503, Class::Overloaded)));
        assert_eq!(of(r#"{"error":{"code":7}}"#), Some((500, Class::ServerError)));
        assert_eq!(of(r#"{"candidates":[{"text":"\"error\""}]}"#), None);
    }
}
