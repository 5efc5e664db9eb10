//! Errors in the words and shapes of both families.

use super::super::wire::{Endpoint, Family};
use super::super::{anthropic, openai};
use super::names::Act;
use bytes::Bytes;
use std::time::Duration;

/// An error as the status, the body and the time to wait.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: Bytes,
    pub(super) retry_after: Option<Duration>,
}

/// What the two families say of the same.
struct Told {
    status: u16,
    /// OpenAI: type, field, code.
    openai: (&'static str, Option<&'static str>, Option<&'static str>),
    /// Anthropic: type.
    anthropic: &'static str,
    message: &'static str,
}

const WRONG: &str = "invalid_request_error";

fn told(status: u16, message: &'static str) -> Told {
    let (kind, code, anthropic) = match status {
        401 => (WRONG, Some("invalid_api_key"), "authentication_error"),
        402 => ("insufficient_quota", Some("insufficient_quota"), "billing_error"),
        403 => ("permission_error", None, "permission_error"),
        404 => (WRONG, Some("model_not_found"), "not_found_error"),
        413 => (WRONG, Some("request_too_large"), "request_too_large"),
        429 => ("requests", Some("rate_limit_exceeded"), "rate_limit_error"),
        408 | 504 => ("server_error", Some("timeout"), "timeout_error"),
        529 => ("server_error", Some("overloaded"), "overloaded_error"),
        500.. => ("server_error", None, "api_error"),
        _ => (WRONG, None, WRONG),
    };
    Told { status, openai: (kind, None, code), anthropic, message }
}

fn said(status: u16) -> &'static str {
    match status {
        401 => "the mock refuses the key, as its model says",
        402 => "the mock's account has no credit, as its model says",
        403 => "the mock forbids this, as its model says",
        404 => "the mock has no such model, as its model says",
        408 | 504 => "the mock took too long, as its model says",
        413 => "the request is too large for the mock, as its model says",
        429 => "too many requests for the mock, as its model says",
        503 | 529 => "the mock has too much to do, as its model says",
        500.. => "the mock broke, as its model says",
        _ => "the mock rejects the request, as its model says",
    }
}

fn of(act: Act, endpoint: Endpoint) -> Option<Told> {
    let anthropic = endpoint.family() == Family::Anthropic;
    let asked = match endpoint {
        Endpoint::Responses | Endpoint::Embeddings => "input",
        Endpoint::Completions => "prompt",
        _ => "messages",
    };
    let wrong = |param, code, message| Told { openai: (WRONG, param, code), ..told(400, message) };
    Some(match act {
        Act::Status(status) => told(status, said(status)),
        Act::RetryAfter(_) => told(429, said(429)),
        Act::Overloaded | Act::StreamError => {
            let status = if anthropic { 529 } else { 503 };
            told(status, said(status))
        }
        Act::NoQuota => Told { status: if anthropic { 402 } else { 429 }, ..told(402, said(402)) },
        Act::ContextLength => wrong(
            Some(asked),
            Some("context_length_exceeded"),
            "prompt is too long: the conversation exceeds the context of the mock, as its model says",
        ),
        Act::ContentFilter => wrong(
            Some(asked),
            Some("content_filter"),
            "the content filter of the mock rejects this, as its model says",
        ),
        Act::NoPrefill => wrong(
            Some(asked),
            None,
            "this model takes no assistant message as the beginning of its answer: the conversation must end with a user message",
        ),
        _ => return None,
    })
}

/// The refusal that an act is, if it is one.
pub(super) fn refusal(act: Act, endpoint: Endpoint, request_id: &str) -> Option<Refusal> {
    let told = of(act, endpoint)?;
    let body = match endpoint.family() {
        Family::OpenAi => {
            let (kind, param, code) = told.openai;
            openai::error_body(kind, told.message, param, code)
        }
        Family::Anthropic => anthropic::error_body(told.anthropic, told.message, request_id),
    };
    let retry_after = match act {
        Act::RetryAfter(time) => Some(time),
        _ => None,
    };
    Some(Refusal { status: told.status, body: Bytes::from(body.to_string()), retry_after })
}

/// The error event of a provider that has too much to do once it has begun: event number `number`,
/// where they are numbered.
pub(super) fn event(endpoint: Endpoint, request_id: &str, number: u64) -> Option<Bytes> {
    if endpoint == Endpoint::Responses {
        let message = of(Act::StreamError, endpoint)?.message;
        return Some(endpoint.stream_error("server_error", message, request_id, number).into());
    }
    let body = refusal(Act::StreamError, endpoint, request_id)?.body;
    let before: &[u8] = match endpoint.family() {
        Family::OpenAi => b"data: ",
        Family::Anthropic => b"event: error\ndata: ",
    };
    Some([before, &body, b"\n\n"].concat().into())
}
