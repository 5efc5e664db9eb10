//! What the events of a streamed response mean to whoever passes them on
//! (<https://platform.openai.com/docs/api-reference/responses-streaming>).
//!
//! Every event says its type and its number. The first ones only show what was asked; the last
//! one holds the whole response once more, with the counts, or what went wrong.

use super::openai;
use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// How an event ends the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The answer is whole, if perhaps shorter than the model would have made it.
    Whole,
    /// There is no answer, or no more of it.
    Failed,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// How an event ends the stream, if it does. Also a plain answer may be an error.
pub(super) fn ending(json: &[u8]) -> Option<Ending> {
    // The many events in the middle have neither word. Within a text its quotes would be escaped.
    if memmem::find(json, b"\"response\"").is_none() && memmem::find(json, b"\"error\"").is_none() {
        return None;
    }
    let event: Event<'_> = serde_json::from_slice(json).ok()?;
    match event.kind.as_deref() {
        Some("response.completed" | "response.incomplete") => Some(Ending::Whole),
        Some("response.failed" | "error") => Some(Ending::Failed),
        Some(_) => None,
        None => event.error.filter(|error| error.get().starts_with('{')).map(|_| Ending::Failed),
    }
}

/// Whether an event says something of the answer, rather than that one is on its way.
pub(super) fn says(event: &Value) -> bool {
    !matches!(
        event.get("type").and_then(Value::as_str),
        None | Some(
            "response.created"
                | "response.queued"
                | "response.in_progress"
                | "response.output_item.added"
                | "response.content_part.added"
                | "response.reasoning_summary_part.added"
                | "keepalive"
                | "ping"
        )
    )
}

/// The number of an event, if it has one.
pub(super) fn sequence(json: &[u8]) -> Option<u64> {
    const KEY: &[u8] = b"\"sequence_number\"";
    let at = memmem::find(json, KEY)?;
    let rest =
        json.get(at + KEY.len()..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let digits = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

/// What an event says that went wrong, as the body that an error has which comes before the
/// stream: the same words in another place.
pub(super) fn error_body(event: &[u8]) -> Bytes {
    let event: Value = serde_json::from_slice(event).unwrap_or_default();
    let error = event
        .pointer("/response/error")
        .or_else(|| event.get("error"))
        .filter(|error| error.is_object())
        .unwrap_or(&event);
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let code = text("code");
    // Of an event the type is that of the event.
    let kind = match (
        text("type").filter(|kind| *kind != "error" && !kind.starts_with("response.")),
        code,
    ) {
        (Some(kind), _) => kind,
        (None, Some("rate_limit_exceeded")) => "rate_limit_error",
        (None, Some("insufficient_quota")) => "insufficient_quota",
        (None, Some(code)) if code.starts_with("invalid_") => "invalid_request_error",
        (None, _) => "server_error",
    };
    let message = text("message").unwrap_or("the provider gave no reason");
    Bytes::from(openai::error_body(kind, message, text("param"), code).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_stream_is_told_from_what_a_model_writes_of_it() {
        for (event, wanted) in [
            (r#"{"type":"response.completed","response":{"error":null}}"#, Some(Ending::Whole)),
            (r#"{"type":"response.incomplete","response":{}}"#, Some(Ending::Whole)),
            (r#"{"type":"response.failed","response":{"error":{}}}"#, Some(Ending::Failed)),
            (r#"{"type":"error","code":"x"}"#, Some(Ending::Failed)),
            (r#"{"error":{"message":"m"}}"#, Some(Ending::Failed)),
            (r#"{"type":"response.created","response":{"error":null}}"#, None),
            (r#"{"type":"response.output_text.delta","delta":"\"response\":\"error\""}"#, None),
            (r#"{"type":"response.function_call_arguments.delta","delta":"error"}"#, None),
        ] {
            assert_eq!(ending(event.as_bytes()), wanted, "{event}");
        }
    }

    #[test]
    fn events_have_their_numbers() {
        assert_eq!(sequence(br#"{"type":"x", "sequence_number" : 17,"delta":""}"#), Some(17));
        assert_eq!(sequence(br#"{"delta":"\"sequence_number\":5"}"#), None);
        assert_eq!(sequence(br#"{"sequence_number":"5"}"#), None);
    }

    #[test]
    fn an_error_has_the_same_words_wherever_it_stands() {
        let read = |event: &str| -> Value {
            serde_json::from_slice(&error_body(event.as_bytes())).unwrap()
        };
        let flat =
            read(r#"{"type":"error","code":"rate_limit_exceeded","message":"m","param":null}"#);
        assert_eq!(flat["error"]["type"], "rate_limit_error");
        assert_eq!(flat["error"]["code"], "rate_limit_exceeded");
        let failed = read(
            r#"{"type":"response.failed","response":{"error":{"code":"server_error","message":"m"}}}"#,
        );
        assert_eq!(failed["error"]["type"], "server_error");
        let nested = read(
            r#"{"type":"error","error":{"type":"invalid_request_error","code":null,"param":"p","message":"m"}}"#,
        );
        assert_eq!(
            nested["error"],
            serde_json::json!({"message": "m", "type": "invalid_request_error", "param": "p", "code": null})
        );
    }
}
