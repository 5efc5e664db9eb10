//! Errors of this family, read and written.

use crate::provider::anthropic;
use crate::provider::failure::{self, Class};
use crate::provider::translation::refused::Refused;
use crate::provider::wire::{Endpoint, Family};
use http::StatusCode;
use serde_json::Value;

/// Anthropic's own status for too much to do.
const OVERLOADED: u16 = 529;

/// What an error of a provider says.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Refused {
    let class = Class::of_error(Family::Anthropic, status, body);
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = json.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
    Refused { status, class, message: message.to_owned() }
}

/// An error in the place of an answer, or in a stream; `None` if it is none.
pub(super) fn stated(json: &[u8]) -> Option<Refused> {
    failure::is_error(Endpoint::Messages, json)
        .then(|| refusal(failure::stated(Family::Anthropic, json), json))
}

/// An error of a provider, as a client of this family knows it.
pub(super) fn error(refused: &Refused, request_id: &str) -> (StatusCode, Value) {
    let own = StatusCode::from_u16(OVERLOADED).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let (status, kind) = match (refused.class, refused.status.as_u16()) {
        (Class::TooLong | Class::Filtered, _) => (StatusCode::BAD_REQUEST, "invalid_request_error"),
        (Class::Overloaded, _) => (own, "overloaded_error"),
        (Class::RateLimited, _) => (refused.status, "rate_limit_error"),
        (Class::ClientError, 404) => (refused.status, "not_found_error"),
        (Class::ClientError, 413) => (refused.status, "request_too_large"),
        (Class::ClientError, _) => (refused.status, "invalid_request_error"),
        (Class::ServerError, 504) => (refused.status, "timeout_error"),
        (Class::ServerError, 500..=599) => (refused.status, "api_error"),
        _ => (StatusCode::BAD_GATEWAY, "api_error"),
    };
    let message = match (refused.class, refused.message.as_str()) {
        // Clients know these by their sentences.
        (Class::TooLong, own) if !own.starts_with("prompt is too long") => {
            format!("prompt is too long: {own}")
        }
        (Class::Filtered, own) if !own.contains("content filtering policy") => {
            format!("blocked by content filtering policy: {own}")
        }
        (_, "") => "the provider gave no reason".to_owned(),
        (_, own) => own.to_owned(),
    };
    (status, anthropic::error_body(kind, &message, request_id))
}
