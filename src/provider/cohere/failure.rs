//! Errors of Cohere: `{"message": …}` (<https://docs.cohere.com/reference/errors>).

use crate::provider::failure::Class;
use crate::provider::native::by_body;
use crate::provider::translation::Refused;
use http::StatusCode;
use serde_json::Value;

/// What an error body with this status says.
pub(super) fn refused(status: StatusCode, body: &[u8]) -> Refused {
    let mut refused = by_body(status, body);
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let message = body.as_ref().and_then(|body| body.get("message")?.as_str());
    refused.message = message.unwrap_or_default().to_owned();
    if refused.class == Class::ClientError {
        // A status of its own for words that are on a list.
        if status.as_u16() == 498 {
            refused.class = Class::Filtered;
        } else if refused.message.starts_with("too many tokens") {
            refused.class = Class::TooLong;
        } else if refused.message.contains("invalid api token") {
            refused.class = Class::KeyRefused;
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_their_classes() {
        let class = |status: u16, body: &str| {
            refused(StatusCode::from_u16(status).unwrap(), body.as_bytes()).class
        };
        for (status, body, expected) in [
            (400, r#"{"message":"invalid request: no such field"}"#, Class::ClientError),
            (400, r#"{"id":"x","message":"too many tokens: size limit exceeded"}"#, Class::TooLong),
            (401, r#"{"message":"invalid api token"}"#, Class::KeyRefused),
            (402, r#"{"message":"billing limit reached"}"#, Class::KeyRefused),
            (404, r#"{"message":"model 'x' not found"}"#, Class::ClientError),
            (422, r#"{"message":"x"}"#, Class::ClientError),
            (429, r#"{"message":"a trial key has few calls"}"#, Class::RateLimited),
            (498, r#"{"message":"blocked"}"#, Class::Filtered),
            (500, "<html>", Class::ServerError),
            (503, "", Class::Overloaded),
            (429, r#"{"message":7}"#, Class::RateLimited),
        ] {
            assert_eq!(class(status, body), expected, "{status} {body}");
        }
    }
}
