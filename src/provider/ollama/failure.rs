//! Errors of Ollama: `{"error": …}`, in a stream too.

use crate::provider::failure::Class;
use crate::provider::native::{by_body, by_status};
use crate::provider::translation::Refused;
use http::StatusCode;
use serde_json::Value;

/// What an error body with this status says.
pub(super) fn refused(status: StatusCode, body: &[u8]) -> Refused {
    let mut refused = by_body(status, body);
    refused.message = message(body).unwrap_or_default();
    if refused.class == Class::ClientError && too_long(&refused.message) {
        refused.class = Class::TooLong;
    }
    refused
}

/// The error that a document is, instead of an answer or a piece of one.
pub(super) fn in_body(body: &[u8]) -> Option<Refused> {
    memchr::memmem::find(body, b"\"error\"")?;
    let message = message(body)?;
    let long = too_long(&message);
    let status = if long { StatusCode::BAD_REQUEST } else { StatusCode::INTERNAL_SERVER_ERROR };
    let mut refused = Refused { message, ..by_status(status) };
    if long {
        refused.class = Class::TooLong;
    }
    Some(refused)
}

fn message(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    // The vendor's own server writes it as the OpenAI API does.
    error.as_str().or_else(|| error.get("message")?.as_str()).map(str::to_owned)
}

fn too_long(message: &str) -> bool {
    message.contains("exceeds the context length") || message.contains("exceeds maximum context")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_their_classes() {
        let class = |status: u16, body: &str| {
            let refused = refused(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            (refused.class, refused.message)
        };
        let said = |class: Class, message: &str| (class, message.to_owned());
        assert_eq!(class(404, r#"{"error":"no model"}"#), said(Class::ClientError, "no model"));
        assert_eq!(
            class(400, r#"{"error":"the input length exceeds the context length"}"#).0,
            Class::TooLong
        );
        assert_eq!(
            class(503, r#"{"error":"server busy"}"#),
            said(Class::Overloaded, "server busy")
        );
        assert_eq!(
            class(401, r#"{"error":{"message":"unauthorized"}}"#),
            said(Class::KeyRefused, "unauthorized")
        );
        for hostile in ["", "<html>", "[]", r#"{"error":7}"#, r#"{"error":"#] {
            assert_eq!(class(500, hostile), said(Class::ServerError, ""), "{hostile}");
        }
    }
}
