//! Errors as the OpenAI API writes them.

use super::Refusal;
use crate::provider::openai;
use serde_json::Value;

/// The type that goes with a status.
fn kind(status: u16) -> &'static str {
    match status {
        403 => "permission_error",
        429 => "rate_limit_error",
        500..=599 => "server_error",
        _ => "invalid_request_error",
    }
}

/// The body.
pub(super) fn body(refusal: &Refusal) -> Value {
    let kind = kind(refusal.status.as_u16());
    openai::error_body(kind, &refusal.message, refusal.param.as_deref(), Some(refusal.code))
}
