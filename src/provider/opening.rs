//! How a stream begins: with an event that says something, or with an error.
//!
//! Providers send their head at once, then comments or empty events for as long as the model
//! thinks, and some only then say that they are overloaded. Until the first event that says
//! something, nothing is lost if another target is asked.

use super::failure::{Class, is_error, stated};
use super::response_events;
use super::wire::{Endpoint, Family};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

/// So much is looked at; a stream that has said nothing by then has begun.
const LONGEST: usize = 1 << 20;

/// What the beginning of a stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// There is an answer.
    Answer,
    /// There is none, and nothing more comes.
    Nothing,
    /// There is none: the provider's error.
    Refusal(Refusal),
}

/// An error that a provider says in a stream, in its family's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What its status would have been before the stream.
    pub(crate) status: StatusCode,
    /// Its class.
    pub(crate) class: Class,
    /// The error body.
    pub(crate) body: Bytes,
}

impl Refusal {
    /// The error that an event of a stream is.
    pub(super) fn of(endpoint: Endpoint, data: &[u8]) -> Self {
        let family = endpoint.family();
        let body = match endpoint {
            Endpoint::Responses => response_events::error_body(data),
            _ => Bytes::copy_from_slice(data),
        };
        let status = stated(family, &body);
        Self { status, class: Class::of_error(family, status, &body), body }
    }
}

/// Reads the beginning of a stream, which comes in pieces of any size.
#[derive(Debug)]
pub(crate) struct OpeningScanner {
    endpoint: Endpoint,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    seen: usize,
}

impl OpeningScanner {
    /// A scanner for a stream of this endpoint.
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, partial: Vec::new(), seen: 0 }
    }

    /// Takes the next piece; `None` if it says nothing yet.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Option<Opening> {
        self.seen = self.seen.saturating_add(piece.len());
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            self.partial.extend_from_slice(line);
            let line = std::mem::take(&mut self.partial);
            if let Some(opening) = self.line(&line) {
                return Some(opening);
            }
            rest = after.get(1..).unwrap_or_default();
        }
        self.partial.extend_from_slice(rest);
        (self.seen > LONGEST).then_some(Opening::Answer)
    }

    fn line(&self, line: &[u8]) -> Option<Opening> {
        let data = line.strip_prefix(b"data:")?.trim_ascii();
        if data == b"[DONE]" {
            return Some(Opening::Nothing);
        }
        // What cannot be read says nothing.
        let event: Value = serde_json::from_slice(data).ok()?;
        let family = self.endpoint.family();
        if is_error(self.endpoint, data) {
            return Some(Opening::Refusal(Refusal::of(self.endpoint, data)));
        }
        let says = match family {
            Family::OpenAi if self.endpoint == Endpoint::Responses => response_events::says(&event),
            Family::OpenAi => openai_says(&event),
            Family::Anthropic => !matches!(
                event.get("type").and_then(Value::as_str),
                Some("message_start" | "ping") | None
            ),
        };
        says.then_some(Opening::Answer)
    }
}

/// Whether a chunk has more than a role: text, a call, a reason to end, or the counts at the end.
fn openai_says(chunk: &Value) -> bool {
    let something = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    };
    let choices = chunk.get("choices").and_then(Value::as_array);
    chunk.get("usage").is_some_and(something)
        || choices.into_iter().flatten().any(|choice| {
            let delta = choice.get("delta").and_then(Value::as_object);
            let said = |(name, value): (&String, &Value)| name != "role" && something(value);
            choice.get("finish_reason").is_some_and(something)
                || choice.get("text").is_some_and(something)
                || delta.is_some_and(|delta| delta.iter().any(said))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(endpoint: Endpoint, events: &str) -> Option<Opening> {
        // In one piece and byte by byte it says the same.
        let whole = OpeningScanner::new(endpoint).push(events.as_bytes());
        let mut scanner = OpeningScanner::new(endpoint);
        let bytewise = events.as_bytes().iter().find_map(|&byte| scanner.push(&[byte]));
        assert_eq!(whole, bytewise, "{events}");
        whole
    }

    #[test]
    fn comments_roles_and_pings_say_nothing_yet() {
        for events in [
            ": keep-alive\n\n",
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":null}\n\n",
            "data: {broken\n\n",
            "event: x\n",
        ] {
            assert_eq!(pushed(Endpoint::ChatCompletions, events), None, "{events}");
        }
        let started = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n";
        assert_eq!(pushed(Endpoint::Messages, started), None);
    }

    #[test]
    fn text_calls_and_ends_are_an_answer() {
        for data in [
            r#"{"choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{}]}}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":1}}"#,
            r#"{"choices":[{"text":"legacy"}]}"#,
        ] {
            let event = format!(": hello\r\n\r\ndata: {data}\r\n\r\n");
            assert_eq!(pushed(Endpoint::ChatCompletions, &event), Some(Opening::Answer), "{data}");
        }
        let role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\ndata: [DONE]\n\n";
        for empty in ["data: [DONE]\n\n", role] {
            assert_eq!(pushed(Endpoint::ChatCompletions, empty), Some(Opening::Nothing));
        }
        let block = "data: {\"type\":\"content_block_start\",\"index\":0}\n\n";
        assert_eq!(pushed(Endpoint::Messages, block), Some(Opening::Answer));
    }

    #[test]
    fn an_error_in_the_place_of_an_answer_has_its_class_and_status() {
        let error = r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#;
        assert_eq!(
            pushed(Endpoint::ChatCompletions, &format!("data: {error}\n\n")),
            Some(Opening::Refusal(Refusal {
                status: StatusCode::TOO_MANY_REQUESTS,
                class: Class::RateLimited,
                body: Bytes::from(error),
            }))
        );
        let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#;
        let Some(Opening::Refusal(Refusal { status, class, .. })) =
            pushed(Endpoint::Messages, &format!("event: error\ndata: {error}\n\n"))
        else {
            panic!("it is a refusal")
        };
        assert_eq!((status.as_u16(), class), (529, Class::Overloaded));
    }

    #[test]
    fn a_response_begins_with_its_first_piece_and_may_fail_before() {
        let event = |data: &str| format!("event: x\ndata: {data}\n\n");
        let begun: String = [
            r#"{"type":"response.created","response":{"error":null},"sequence_number":0}"#,
            r#"{"type":"response.in_progress","response":{"error":null},"sequence_number":1}"#,
            r#"{"type":"response.output_item.added","item":{},"sequence_number":2}"#,
        ]
        .map(event)
        .concat();
        assert_eq!(pushed(Endpoint::Responses, &begun), None);
        for data in [
            r#"{"type":"response.output_text.delta","delta":"a"}"#,
            r#"{"type":"response.function_call_arguments.delta","delta":"{"}"#,
            r#"{"type":"response.web_search_call.in_progress"}"#,
            r#"{"type":"response.completed","response":{"error":null}}"#,
        ] {
            let events = begun.clone() + &event(data);
            assert_eq!(pushed(Endpoint::Responses, &events), Some(Opening::Answer), "{data}");
        }
        let failed = r#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"slow down"}}}"#;
        let Some(Opening::Refusal(Refusal { status, class, body })) =
            pushed(Endpoint::Responses, &(begun + &event(failed)))
        else {
            panic!("it is a refusal")
        };
        assert_eq!((status.as_u16(), class), (429, Class::RateLimited));
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["message"], "slow down");
    }

    #[test]
    fn a_stream_that_says_nothing_for_long_has_begun() {
        let mut scanner = OpeningScanner::new(Endpoint::ChatCompletions);
        let comment = format!(": {}\n", "x".repeat(100_000));
        let taken = (0..100).position(|_| scanner.push(comment.as_bytes()).is_some());
        assert_eq!(taken, Some(10));
    }
}
