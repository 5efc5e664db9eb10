//! Errors of this family, read and written.

use crate::provider::failure::{self, Class};
use crate::provider::openai;
use crate::provider::translation::refused::Refused;
use crate::provider::wire::{Endpoint, Family};
use http::StatusCode;
use serde_json::Value;

/// What an error of a provider says. Compatible servers also write `{"message": …}` or
/// `{"detail": …}` without more.
pub(in super::super) fn refusal(status: StatusCode, body: &[u8]) -> Refused {
    let class = Class::of_error(Family::OpenAi, status, body);
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = ["/error/message", "/message", "/detail", "/error"]
        .iter()
        .find_map(|at| json.pointer(at).and_then(Value::as_str));
    Refused { status, class, message: message.unwrap_or_default().to_owned() }
}

/// An error in the place of an answer, or in a stream; `None` if it is none.
pub(super) fn stated(json: &[u8]) -> Option<Refused> {
    failure::is_error(Endpoint::ChatCompletions, json)
        .then(|| refusal(failure::stated(Family::OpenAi, json), json))
}

/// An error of a provider, as a client of this family knows it.
pub(in super::super) fn error(refused: &Refused) -> (StatusCode, Value) {
    let (kind, code) = match refused.class {
        Class::TooLong => ("invalid_request_error", "context_length_exceeded"),
        Class::Filtered => ("invalid_request_error", "content_filter"),
        Class::RateLimited => ("rate_limit_error", "rate_limit_exceeded"),
        Class::Overloaded => ("server_error", "overloaded"),
        Class::ClientError => match refused.status.as_u16() {
            404 => ("invalid_request_error", "not_found"),
            413 => ("invalid_request_error", "request_too_large"),
            _ => ("invalid_request_error", "upstream_rejected"),
        },
        Class::KeyRefused
        | Class::Forbidden
        | Class::ServerError
        | Class::Unusable
        | Class::Success => ("server_error", "upstream_error"),
    };
    let status = match (refused.class, refused.status.as_u16()) {
        // 529 is Anthropic's own.
        (Class::Overloaded, _) => StatusCode::SERVICE_UNAVAILABLE,
        (Class::TooLong | Class::Filtered, _) => StatusCode::BAD_REQUEST,
        (Class::ServerError, 500..=599) | (Class::RateLimited | Class::ClientError, _) => {
            refused.status
        }
        _ => StatusCode::BAD_GATEWAY,
    };
    let message = match refused.message.as_str() {
        "" => "the provider gave no reason",
        own => own,
    };
    (status, openai::error_body(kind, message, None, Some(code)))
}
