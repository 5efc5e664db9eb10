//! How attempts fail: classes that decide what is tried next and what the client is told.

use super::forbidden;
use super::response_events::{self, Ending};
use super::wire::{Endpoint, Family};
use http::StatusCode;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

/// What the status of a provider's answer means for the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// An answer.
    Success,
    /// The provider does not take our key, or it has no credit.
    KeyRefused,
    /// The provider does not let our key do this (403). It may take it for anything else, and
    /// another key for this.
    Forbidden,
    /// Too many requests with this key.
    RateLimited,
    /// The provider has too much to do: 503, or Anthropic's 529.
    Overloaded,
    /// The provider broke.
    ServerError,
    /// The request is at fault; the same request fails anywhere.
    ClientError,
    /// The provider does not like what is asked or answered: nobody else is asked after that.
    Filtered,
    /// The conversation is longer than the model takes; one that takes more may answer.
    TooLong,
    /// A redirect, or a status outside HTTP's meaning: never followed.
    Unusable,
}

impl Class {
    /// The class of a status.
    pub(crate) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Success,
            401 | 402 => Self::KeyRefused,
            403 => Self::Forbidden,
            429 => Self::RateLimited,
            503 | 529 => Self::Overloaded,
            // The provider cannot do it, or the request goes round in circles: not for once.
            400..=499 | 501 | 505 | 508 => Self::ClientError,
            500..=599 => Self::ServerError,
            _ => Self::Unusable,
        }
    }
}

impl Class {
    /// The class of an error whose body says more than its status: want of credit comes as 429
    /// (OpenAI) or 400 (Anthropic), a conversation that is too long as 400, and 403 is said of much.
    pub(crate) fn of_error(family: Family, status: StatusCode, body: &[u8]) -> Self {
        let class = Self::of(status);
        if class == Self::Forbidden {
            return forbidden::class(body);
        }
        if !matches!(class, Self::RateLimited | Self::ClientError) {
            return class;
        }
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return class };
        let text = |field: &str| {
            body.pointer("/error").and_then(|error| error.get(field)).and_then(Value::as_str)
        };
        let message = text("message").unwrap_or_default();
        match family {
            Family::OpenAi
                if matches!(text("code"), Some("content_filter" | "content_policy_violation")) =>
            {
                Self::Filtered
            }
            Family::Anthropic if message.contains("content filtering policy") => Self::Filtered,
            Family::OpenAi if text("code") == Some("insufficient_quota") => Self::KeyRefused,
            Family::OpenAi if text("code") == Some("context_length_exceeded") => Self::TooLong,
            // Compatible servers give the sentence without the code.
            Family::OpenAi if message.contains("maximum context length") => Self::TooLong,
            Family::Anthropic if message.contains("credit balance is too low") => Self::KeyRefused,
            Family::Anthropic if message.starts_with("prompt is too long") => Self::TooLong,
            Family::OpenAi | Family::Anthropic => class,
        }
    }
}

/// Whether a document is an error instead of an answer or a piece of one. Within a JSON string the
/// quotes around the word would be escaped, so text that a model wrote is never mistaken for it.
pub(crate) fn is_error(endpoint: Endpoint, json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(borrow)]
        finish_reason: Option<Cow<'a, str>>,
    }
    #[derive(Deserialize)]
    struct Document<'a> {
        #[serde(borrow)]
        error: Option<&'a RawValue>,
        #[serde(borrow, rename = "type")]
        kind: Option<Cow<'a, str>>,
        #[serde(borrow)]
        choices: Option<Vec<Choice<'a>>>,
    }
    // Making one costs more than looking through a short answer.
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error\""));
    if FINDER.find(json).is_none() {
        return false;
    }
    if endpoint == Endpoint::Responses
        && let Some(ending) = response_events::ending(json)
    {
        return ending == Ending::Failed;
    }
    let Ok(document) = serde_json::from_slice::<Document<'_>>(json) else { return false };
    let named = document.error.is_some_and(|error| error.get().starts_with('{'));
    match endpoint.family() {
        Family::OpenAi => {
            let reason = |choice: &Choice<'_>| choice.finish_reason.as_deref() == Some("error");
            named || document.choices.iter().flatten().any(reason)
        }
        Family::Anthropic => named && document.kind.as_deref() == Some("error"),
    }
}

/// The status that an error would have had, if it had come before the stream. The words are those of
/// the error references of the two APIs; compatible servers also write the number as the code.
pub(crate) fn stated(family: Family, json: &[u8]) -> StatusCode {
    let event = serde_json::from_slice::<Value>(json).unwrap_or_default();
    let text = |field: &str| event.pointer("/error").and_then(|e| e.get(field));
    let word = |field: &str| text(field).and_then(Value::as_str).unwrap_or_default();
    let number = text("code").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
    let status = match (family, number) {
        (Family::OpenAi, Some(number @ 400..=599)) => number,
        (Family::OpenAi, _) => match (word("code"), word("type")) {
            ("rate_limit_exceeded" | "insufficient_quota", _) => 429,
            ("invalid_api_key", _) => 401,
            ("model_not_found", _) => 404,
            ("invalid_prompt" | "context_length_exceeded", _) => 400,
            // Some say so without a type.
            ("content_filter" | "content_policy_violation", _) => 400,
            (_, "rate_limit_error" | "insufficient_quota" | "tokens" | "requests") => 429,
            (_, "invalid_request_error") => 400,
            (_, "overloaded_error" | "service_unavailable") => 503,
            _ => 500,
        },
        (Family::Anthropic, _) => match word("type") {
            "invalid_request_error" => 400,
            _ if word("message").contains("content filtering policy") => 400,
            "authentication_error" => 401,
            "billing_error" => 402,
            "permission_error" => 403,
            "not_found_error" => 404,
            "request_too_large" => 413,
            "rate_limit_error" => 429,
            "timeout_error" => 504,
            "overloaded_error" => 529,
            _ => 500,
        },
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What was waited for when the time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A connection.
    Connect,
    /// The head of the answer.
    Headers,
    /// The first event of a stream that says something.
    FirstEvent,
    /// The next piece of the answer.
    Stall,
    /// The whole answer.
    Total,
}

/// Why there is no answer of a provider to pass on. Texts name no secret and quote no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection was had; no byte of the request has left.
    Connect(String),
    /// The connection broke.
    Transport(String),
    /// The time ran out.
    Timeout(Phase, Duration),
    /// An answer that is none: a redirect, something else than promised, too large.
    Malformed(String),
}

/// How it is told that a provider answered with what is no answer.
pub(crate) const UNUSABLE: &str = "unusable answer";

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(why) => write!(f, "cannot connect: {why}"),
            Self::Transport(why) => write!(f, "the connection broke: {why}"),
            Self::Timeout(phase, after) => {
                let what = match phase {
                    Phase::Connect => "no connection",
                    Phase::Headers => "no answer",
                    Phase::FirstEvent => "no first event",
                    Phase::Stall => "the answer stalled",
                    Phase::Total => "no complete answer",
                };
                write!(f, "{what} within {} ms", after.as_millis())
            }
            Self::Malformed(why) => write!(f, "{UNUSABLE}: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_their_classes() {
        let class = |status: u16| Class::of(StatusCode::from_u16(status).unwrap());
        assert_eq!(class(200), Class::Success);
        assert_eq!(class(401), Class::KeyRefused);
        assert_eq!(class(402), Class::KeyRefused);
        assert_eq!(class(403), Class::Forbidden);
        assert_eq!(class(404), Class::ClientError);
        assert_eq!(class(429), Class::RateLimited);
        assert_eq!(class(529), Class::Overloaded);
        assert_eq!(class(502), Class::ServerError);
        assert_eq!(class(302), Class::Unusable);
    }

    #[test]
    fn a_body_says_more_than_its_status() {
        let class = |family, status: u16, body: &str| {
            Class::of_error(family, StatusCode::from_u16(status).unwrap(), body.as_bytes())
        };
        let code = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        let openai = |status, name| class(Family::OpenAi, status, &code(name));
        assert_eq!(openai(429, "insufficient_quota"), Class::KeyRefused);
        assert_eq!(openai(429, "rate_limit_exceeded"), Class::RateLimited);
        assert_eq!(openai(400, "context_length_exceeded"), Class::TooLong);
        assert_eq!(openai(400, "content_filter"), Class::Filtered);
        assert_eq!(openai(403, "unsupported_country_region_territory"), Class::KeyRefused);
        assert_eq!(openai(403, "model_not_found"), Class::Forbidden);
        assert_eq!(openai(400, "unsupported"), Class::ClientError);
        assert_eq!(openai(500, "insufficient_quota"), Class::ServerError);
        let anthropic = |status, message: &str| {
            class(Family::Anthropic, status, &format!(r#"{{"error":{{"message":"{message}"}}}}"#))
        };
        assert_eq!(anthropic(400, "prompt is too long: 2 > 1"), Class::TooLong);
        assert_eq!(anthropic(400, "Your credit balance is too low"), Class::KeyRefused);
        assert_eq!(anthropic(400, "x"), Class::ClientError);
        assert_eq!(class(Family::OpenAi, 429, "<html>"), Class::RateLimited);
    }

    #[test]
    fn an_error_is_told_from_what_a_model_writes_of_one() {
        for error in [
            r#"{"error":{"message":"m"}}"#,
            r#"{"id":"x", "error" : {"code":500},"choices":[{"finish_reason":"error"}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"error"}]}"#,
        ] {
            assert!(is_error(Endpoint::ChatCompletions, error.as_bytes()), "{error}");
        }
        for answer in [
            r#"{"choices":[{"delta":{"content":"{\"error\":{}}"}}]}"#,
            r#"{"error":null,"choices":[]}"#,
            r#"{"choices":[{"message":{"content":"a","error":{}},"finish_reason":"stop"}]}"#,
            r#"{"error":"#,
        ] {
            assert!(!is_error(Endpoint::ChatCompletions, answer.as_bytes()), "{answer}");
        }
        let error = r#"{"error":{"type":"api_error"},"type":"error"}"#;
        assert!(is_error(Endpoint::Messages, error.as_bytes()));
        let failed = r#"{"object":"response","status":"failed","error":{"code":"server_error"}}"#;
        assert!(is_error(Endpoint::Responses, failed.as_bytes()));
        let whole = r#"{"object":"response","status":"completed","error":null}"#;
        assert!(!is_error(Endpoint::Responses, whole.as_bytes()));
        let block = r#"{"type":"content_block_delta","error":{}}"#;
        assert!(!is_error(Endpoint::Messages, block.as_bytes()));
    }
}
