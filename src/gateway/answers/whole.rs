//! Whether an answer may stand for the next: the model has said all it wanted to, and nobody cut or
//! refused it. Judged by what the client gets, after any translation.

use crate::provider::Endpoint;
use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Whether the bytes of an answer, which came to its end without an error, may be kept.
pub(crate) fn is_whole(endpoint: Endpoint, streamed: bool, body: &[u8]) -> bool {
    if streamed {
        return ends_with_an_event(body) && is_whole_stream(endpoint, body);
    }
    if endpoint == Endpoint::Embeddings {
        // Long lists of numbers, of which none is read.
        let answer = serde_json::from_slice::<Embeddings<'_>>(body);
        return answer.is_ok_and(|answer| has_something(answer.data.get()));
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return false };
    match endpoint {
        Endpoint::ChatCompletions | Endpoint::Completions => {
            let choices = answer.get("choices").and_then(Value::as_array);
            choices.is_some_and(|all| !all.is_empty() && all.iter().all(ends_well))
        }
        Endpoint::Messages => answer.get("stop_reason").is_some_and(is_good_stop),
        Endpoint::Responses => is_whole_response(&answer),
        Endpoint::Embeddings | Endpoint::CountTokens => false,
    }
}

/// Whether a stream ends with the blank line of its last event: without it clients would never
/// hear of that.
fn ends_with_an_event(stream: &[u8]) -> bool {
    [&b"\n\n"[..], b"\n\r\n", b"\r\r"].into_iter().any(|end| stream.ends_with(end))
}

#[derive(Deserialize)]
struct Embeddings<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Whether this is a list with something in it.
fn has_something(list: &str) -> bool {
    list.strip_prefix('[').is_some_and(|rest| !rest.trim_start().starts_with(']'))
}

/// Whether a choice ends because the model was done with it.
fn ends_well(choice: &Value) -> bool {
    choice.get("finish_reason").is_some_and(is_good_finish) && !refuses(choice.get("message"))
}

fn is_good_finish(reason: &Value) -> bool {
    matches!(reason.as_str(), Some("stop" | "tool_calls" | "function_call"))
}

fn is_good_stop(reason: &Value) -> bool {
    matches!(reason.as_str(), Some("end_turn" | "tool_use" | "stop_sequence"))
}

/// Whether a message, or a piece of one, is a refusal of the model.
fn refuses(message: Option<&Value>) -> bool {
    message.and_then(|m| m.get("refusal")).is_some_and(|refusal| !refusal.is_null())
}

fn is_whole_response(response: &Value) -> bool {
    let parts = |item: &Value| item.get("content").and_then(Value::as_array).cloned();
    let refuses = |part: &Value| part.get("type").and_then(Value::as_str) == Some("refusal");
    let output = response.get("output").and_then(Value::as_array);
    response.get("status").and_then(Value::as_str) == Some("completed")
        && output
            .is_some_and(|output| !output.iter().filter_map(parts).flatten().any(|p| refuses(&p)))
}

/// The JSON of the events.
fn events(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    stream
        .split(|b| matches!(b, b'\n' | b'\r'))
        .filter_map(|line| line.strip_prefix(b"data:"))
        .map(<[u8]>::trim_ascii)
        .filter(|data| !data.is_empty() && *data != b"[DONE]")
}

fn is_whole_stream(endpoint: Endpoint, stream: &[u8]) -> bool {
    // Every good reason counts, and a single bad one is enough.
    let mut good = false;
    for data in events(stream) {
        if !may_matter(endpoint, data) {
            continue;
        }
        let Ok(event) = serde_json::from_slice::<Value>(data) else { return false };
        let verdict = match endpoint {
            Endpoint::ChatCompletions | Endpoint::Completions => chunk(&event),
            Endpoint::Messages => message_event(&event),
            Endpoint::Responses => response_event(&event),
            Endpoint::Embeddings | Endpoint::CountTokens => Some(false),
        };
        match verdict {
            Some(false) => return false,
            Some(true) => good = true,
            None => {}
        }
    }
    good
}

/// Whether an event can say how the answer ends; most are only a piece of it, and need not be read.
fn may_matter(endpoint: Endpoint, data: &[u8]) -> bool {
    let words: &[&[u8]] = match endpoint {
        Endpoint::Messages => &[b"\"stop_reason\"", b"\"error\""],
        Endpoint::Responses => &[
            b"\"response.completed\"",
            b"\"response.incomplete\"",
            b"\"response.failed\"",
            b"\"response.refusal.",
            b"\"error\"",
        ],
        _ => &[b"\"finish_reason\"", b"\"refusal\"", b"\"error\""],
    };
    // An escaped name is read to be on the safe side.
    words.iter().any(|word| memmem::find(data, word).is_some())
        || memmem::find(data, b"\\u").is_some()
}

fn chunk(event: &Value) -> Option<bool> {
    if event.get("error").is_some_and(|error| !error.is_null()) {
        return Some(false);
    }
    let choices = event.get("choices").and_then(Value::as_array)?;
    let mut good = None;
    for choice in choices {
        if refuses(choice.get("delta")) {
            return Some(false);
        }
        match choice.get("finish_reason") {
            None | Some(Value::Null) => {}
            Some(reason) if is_good_finish(reason) => good = Some(true),
            Some(_) => return Some(false),
        }
    }
    good
}

fn message_event(event: &Value) -> Option<bool> {
    match event.get("type").and_then(Value::as_str) {
        Some("error") => Some(false),
        Some("message_delta") => match event.pointer("/delta/stop_reason") {
            None | Some(Value::Null) => None,
            Some(reason) => Some(is_good_stop(reason)),
        },
        _ => None,
    }
}

fn response_event(event: &Value) -> Option<bool> {
    match event.get("type").and_then(Value::as_str) {
        Some("response.completed") => Some(event.get("response").is_some_and(is_whole_response)),
        Some("response.failed" | "response.incomplete" | "response.refusal.delta" | "error") => {
            Some(false)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(endpoint: Endpoint, body: &str) -> bool {
        is_whole(endpoint, false, body.as_bytes())
    }

    #[test]
    fn plain_answers_that_the_model_ended_itself_are_whole() {
        let chat = |choice: &str| {
            plain(Endpoint::ChatCompletions, &format!(r#"{{"choices":[{choice}]}}"#))
        };
        assert!(chat(r#"{"finish_reason":"stop","message":{"refusal":null}}"#));
        assert!(chat(r#"{"finish_reason":"tool_calls"}"#));
        for no in [
            "",
            "{}",
            r#"{"finish_reason":null}"#,
            r#"{"finish_reason":"length"}"#,
            r#"{"finish_reason":"content_filter"}"#,
            r#"{"finish_reason":"stop","message":{"refusal":"no"}}"#,
            r#"{"finish_reason":"stop"},{"finish_reason":"length"}"#,
        ] {
            assert!(!chat(no), "{no}");
        }
        assert!(!plain(Endpoint::ChatCompletions, "<html>"));
        assert!(plain(Endpoint::Messages, r#"{"stop_reason":"tool_use"}"#));
        for no in ["max_tokens", "refusal", "pause_turn", "model_context_window_exceeded"] {
            assert!(!plain(Endpoint::Messages, &format!(r#"{{"stop_reason":"{no}"}}"#)), "{no}");
        }
        assert!(plain(Endpoint::Embeddings, r#"{"data":[{}]}"#));
        assert!(!plain(Endpoint::Embeddings, r#"{"data":[]}"#));
        let response = |status: &str, kind: &str| {
            let body = format!(
                r#"{{"status":"{status}","output":[{{"type":"reasoning"}},{{"content":[{{"type":"{kind}"}}]}}]}}"#
            );
            plain(Endpoint::Responses, &body)
        };
        assert!(response("completed", "output_text"));
        assert!(!response("completed", "refusal"));
        assert!(!response("incomplete", "output_text"));
        assert!(!response("failed", "output_text"));
    }

    fn stream(endpoint: Endpoint, events: &[&str]) -> bool {
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        is_whole(endpoint, true, body.as_bytes())
    }

    #[test]
    fn streams_that_end_well_are_whole() {
        let chat = Endpoint::ChatCompletions;
        let text = r#"{"choices":[{"delta":{"content":"\"finish_reason\": \"length\""}}]}"#;
        let stop = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
        let usage = r#"{"choices":[],"usage":{}}"#;
        assert!(stream(chat, &[text, stop, usage, "[DONE]"]));
        assert!(!stream(chat, &[text, "[DONE]"]));
        for bad in [
            r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
            r#"{"choices":[{"delta":{"refusal":"no"},"finish_reason":null}]}"#,
            r#"{"error":{"message":"x"}}"#,
            r#"{"choices":[{"delta":{},"finish\u005freason":"length"}]}"#,
            r#"{"choices":[{"finish_reason":"#,
        ] {
            assert!(!stream(chat, &[text, bad, stop, "[DONE]"]), "{bad}");
            assert!(!stream(chat, &[text, stop, bad, "[DONE]"]), "{bad}");
        }
        let messages = |reason: &str| {
            let delta = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":{reason}}}}}"#);
            let start = r#"{"type":"message_start","message":{"stop_reason":null}}"#;
            stream(Endpoint::Messages, &[start, &delta, r#"{"type":"message_stop"}"#])
        };
        assert!(messages("\"end_turn\""));
        assert!(!messages("\"max_tokens\"") && !messages("null"));
        let done = r#"{"type":"response.completed","response":{"status":"completed","output":[]}}"#;
        assert!(stream(Endpoint::Responses, &[r#"{"type":"response.created"}"#, done]));
        let refused = r#"{"type":"response.refusal.delta"}"#;
        assert!(!stream(Endpoint::Responses, &[refused, done]));
        assert!(!stream(Endpoint::Responses, &[r#"{"type":"response.incomplete"}"#]));
    }

    #[test]
    fn a_stream_whose_last_event_is_not_closed_is_not_whole() {
        let stop = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}";
        for (end, whole) in [("\n\n", true), ("\r\n\r\n", true), ("\n", false), ("", false)] {
            let body = format!("{stop}\n\ndata: [DONE]{end}");
            assert_eq!(
                is_whole(Endpoint::ChatCompletions, true, body.as_bytes()),
                whole,
                "{end:?}"
            );
        }
    }
}
