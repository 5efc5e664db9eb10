//! Errors as the Anthropic API writes them (<https://docs.anthropic.com/en/api/errors>).

use super::Refusal;
use crate::provider::anthropic;
use http::StatusCode;
use serde_json::Value;

/// The status: this API has one of its own for too much to do.
pub(super) fn status(refusal: &Refusal) -> StatusCode {
    match refusal.code {
        Refusal::OVERLOADED => StatusCode::from_u16(529).unwrap_or(refusal.status),
        _ => refusal.status,
    }
}

/// The type that goes with a status.
fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        500..=599 => "api_error",
        _ => "invalid_request_error",
    }
}

/// The body.
pub(super) fn body(refusal: &Refusal, request_id: &str) -> Value {
    anthropic::error_body(kind(refusal.status.as_u16()), &refusal.message, request_id)
}
