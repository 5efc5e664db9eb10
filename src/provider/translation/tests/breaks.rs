//! Streams whose events do not go together: what cannot be told truly is broken off.

use super::CHAT;
use super::streams::{CANARY, asking, chunks, data, told};
use crate::provider::translation::{
    ClientDialect, Dialect, Messages, Responses, StreamOpening, StreamTranslator,
};
use serde_json::{Value, json};

fn events(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

/// What clients of every family get.
fn everywhere(from: &'static dyn Dialect, stream: &str) -> Vec<(String, StreamTranslator)> {
    let clients: [&dyn ClientDialect; 3] = [&CHAT, &Messages, &Responses];
    clients.iter().map(|to| told(from, *to, &asking(false, true), stream, 4096)).collect()
}

fn is_broken_off(from: &'static dyn Dialect, stream: &str) {
    for (told, translator) in everywhere(from, stream) {
        assert!(translator.broken().is_some() && !translator.finished(), "{stream}\n{told}");
        for end in ["[DONE]", "message_stop", "response.completed"] {
            assert!(!told.contains(end), "{stream}\n{told}");
        }
    }
}

fn call(index: u64, function: &Value) -> Value {
    json!({"delta": {"tool_calls": [{"index": index, "id": "c", "function": function}]}})
}

#[test]
fn an_end_that_is_said_twice_is_told_once() {
    let usage = json!({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13});
    let end = json!({"delta": {"role": "assistant", "content": ""}, "finish_reason": "stop"});
    let counted = json!({"id": "chatcmpl-9", "choices": [end], "usage": usage});
    let stream = chunks(&[
        json!({"delta": {"content": "a"}, "finish_reason": ""}),
        json!({"delta": {"content": "b"}, "finish_reason": "stop"}),
    ]) + &events(&[counted])
        + "data: [DONE]\n\n";
    for (told, translator) in everywhere(&CHAT, &stream) {
        assert_eq!(translator.broken(), None, "{told}");
        assert!(translator.finished(), "{told}");
        assert_eq!(translator.tokens().output, Some(4));
        assert!(told.matches("\"finish_reason\":\"stop\"").count() <= 1, "{told}");
    }
    let more = chunks(&[
        json!({"delta": {"content": "a"}, "finish_reason": "stop"}),
        json!({"delta": {"content": "b"}, "finish_reason": "stop"}),
    ]);
    for (told, translator) in everywhere(&CHAT, &more) {
        assert!(translator.broken().is_some(), "text is never lost in silence: {told}");
    }
}

#[test]
fn a_reason_that_is_no_good_end_breaks_the_stream_off() {
    for reason in ["abort", "insufficient_system_resource", "whatever"] {
        let end = json!({"delta": {"content": "a"}, "finish_reason": reason});
        is_broken_off(&CHAT, &(chunks(&[end]) + "data: [DONE]\n\n"));
        let end = json!({"type": "message_delta", "delta": {"stop_reason": reason}});
        is_broken_off(&Messages, &events(&[end, json!({"type": "message_stop"})]));
    }
}

#[test]
fn an_event_that_does_not_go_with_the_others_breaks_the_stream_off() {
    let end = chunks(&[json!({"delta": {}, "finish_reason": "tool_calls"})]) + "data: [DONE]\n\n";
    for odd in [
        call(0, &json!({"arguments": "{}"})),
        call(9999, &json!({"name": "f", "arguments": "{}"})),
        call(0, &json!("f")),
    ] {
        is_broken_off(&CHAT, &(chunks(&[odd]) + &end));
    }
    let start =
        |block: &Value| json!({"type": "content_block_start", "index": 0, "content_block": block});
    let more = |text: &str| {
        let delta = json!({"type": "input_json_delta", "partial_json": text});
        json!({"type": "content_block_delta", "index": 0, "delta": delta})
    };
    let tool = |input: Value| json!({"type": "tool_use", "id": "c", "name": "f", "input": input});
    let end = [
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
        json!({"type": "message_stop"}),
    ];
    let stream = |first: &[Value]| events(&[first, &end].concat());
    is_broken_off(&Messages, &stream(&[more("{}")]));
    is_broken_off(&Messages, &stream(&[start(&tool(json!(7)))]));
    is_broken_off(&Messages, &stream(&[start(&tool(json!({}))), start(&tool(json!({})))]));

    // What is not told at all goes together with its fragments.
    let foreign = json!({"type": "server_tool_use", "id": "s", "name": "f", "input": {}});
    for first in [[start(&foreign), more("{}")], [start(&tool(Value::Null)), more("{}")]] {
        for (told, translator) in everywhere(&Messages, &stream(&first)) {
            assert!(translator.finished() && translator.malformed() == 0, "{told}");
        }
    }
}

#[test]
fn an_event_too_long_to_be_read_breaks_the_stream_off() {
    let long = "x".repeat(5 << 20);
    let stream = chunks(&[
        call(0, &json!({"name": "f", "arguments": long})),
        json!({"delta": {}, "finish_reason": "tool_calls"}),
    ]);
    is_broken_off(&CHAT, &(stream + "data: [DONE]\n\n"));
}

#[test]
fn a_stream_that_is_broken_from_its_beginning_is_no_answer() {
    let mut opening = StreamOpening::of(&CHAT);
    let stream = chunks(&[call(0, &json!({"arguments": "{}"}))]);
    let refused = opening.push(stream.as_bytes()).unwrap().unwrap_err();
    assert!(refused.status.is_server_error());
}

#[test]
fn a_call_without_arguments_is_told_with_none() {
    let start = |index: u64, block: &Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let tool = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let text = json!({"type": "text_delta", "text": "a"});
    let args = json!({"type": "input_json_delta", "partial_json": "{\"a\":1}"});
    let delta = |index: u64, delta: &Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let stream = events(&[
        start(0, &tool("a")),
        start(1, &tool("b")),
        delta(1, &args),
        start(2, &tool("c")),
        delta(3, &text),
        start(4, &tool("d")),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
        json!({"type": "message_stop"}),
    ]);
    let (stream, translator) = told(&Messages, &CHAT, &asking(false, false), &stream, 99);
    assert!(translator.finished());
    let said: Vec<Value> = data(&stream)
        .iter()
        .filter_map(|chunk| chunk.pointer("/choices/0/delta"))
        .filter_map(|delta| {
            let call = delta.pointer("/tool_calls/0");
            let call = call.map(|call| json!([call["index"], call["function"]["arguments"]]));
            call.or_else(|| delta.get("content").cloned())
        })
        .collect();
    assert_eq!(
        json!(said),
        json!([
            "",
            [0, ""],
            [0, "{}"],
            [1, ""],
            [1, "{\"a\":1}"],
            [2, ""],
            [2, "{}"],
            "a",
            [3, ""],
            [3, "{}"]
        ])
    );
}

#[test]
fn what_the_provider_says_of_its_failure_is_told_without_the_key() {
    let first = chunks(&[json!({"delta": {"content": "a"}})]);
    let failed = |error: Value| first.clone() + &events(&[json!({"error": error})]);
    let quoting = format!("slow down, {CANARY}");
    for (told, translator) in
        everywhere(&CHAT, &failed(json!({"message": quoting, "code": "rate_limit_exceeded"})))
    {
        assert!(translator.refusal().is_some() && told.contains("slow down, [secret]"), "{told}");
        assert!(!told.contains(CANARY), "{told}");
    }
    let masked = json!({"message": "Incorrect key: sk-ca****7f3a", "code": "invalid_api_key"});
    for (told, translator) in everywhere(&CHAT, &failed(masked)) {
        assert!(translator.refusal().is_some() && told.contains("refused the key"), "{told}");
        assert!(!told.contains("7f3a"), "{told}");
    }
}
