//! Streams.

use super::CHAT;
use crate::base::Secret;
use crate::base::redact::Redactor;
use crate::provider::conversation::Conversation;
use crate::provider::translation::{
    ClientDialect, Dialect, Messages, Responses, Shown, StreamOpening, StreamTranslator,
};
use serde_json::{Value, json};

/// The key of the provider.
pub(super) const CANARY: &str = "sk-canary-7f3a";

fn translator(
    from: &'static dyn Dialect,
    to: &dyn ClientDialect,
    conversation: &Conversation,
) -> StreamTranslator {
    let shown = Shown { conversation, model: "up", request_id: "r", created: 7 };
    let secrets = Redactor::new([Secret::new(CANARY)]);
    StreamTranslator::new(from, to.writer(&shown), "r", secrets)
}

/// What the client gets of a stream that comes in pieces of `size` bytes.
pub(super) fn told(
    from: &'static dyn Dialect,
    to: &dyn ClientDialect,
    conversation: &Conversation,
    stream: &str,
    size: usize,
) -> (String, StreamTranslator) {
    told_bytes(from, to, conversation, stream.as_bytes(), size)
}

pub(super) fn told_bytes(
    from: &'static dyn Dialect,
    to: &dyn ClientDialect,
    conversation: &Conversation,
    stream: &[u8],
    size: usize,
) -> (String, StreamTranslator) {
    let mut translator = translator(from, to, conversation);
    let mut out = Vec::new();
    for piece in stream.chunks(size) {
        out.extend_from_slice(&translator.push(piece));
    }
    out.extend_from_slice(&translator.finish());
    (String::from_utf8(out).unwrap(), translator)
}

pub(super) fn data(stream: &str) -> Vec<Value> {
    let json = |data: &str| serde_json::from_str(data).unwrap_or_else(|_| Value::from(data));
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).map(json).collect()
}

pub(super) fn chunks(deltas: &[Value]) -> String {
    let chunk = |delta: &Value| {
        let chunk = json!({"id": "chatcmpl-9", "model": "gpt-x", "choices": [delta]});
        format!("data: {chunk}\n\n")
    };
    deltas.iter().map(chunk).collect()
}

pub(super) fn asking(thinking: bool, usage: bool) -> Conversation {
    let effort = if thinking { "high" } else { "none" };
    let body = json!({
        "messages": [{"role": "user", "content": "hi"}], "reasoning_effort": effort, "stream": true,
        "stream_options": {"include_usage": usage},
    });
    CHAT.read_request(body.to_string().as_bytes()).unwrap()
}

fn chat() -> String {
    let usage = json!({
        "id": "chatcmpl-9", "choices": [],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "prompt_tokens_details": {"cached_tokens": 2}},
    });
    chunks(&[
        json!({"index": 0, "delta": {"role": "assistant", "content": ""}}),
        json!({"index": 0, "delta": {"reasoning_content": "hm"}}),
        json!({"index": 0, "delta": {"content": "Hel"}}),
        json!({"index": 0, "delta": {"content": "lo é"}}),
        json!({"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]}}),
        json!({"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\":"}}]}}),
        json!({"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}}),
        json!({"index": 0, "delta": {"tool_calls": [{"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}]}}),
        json!({"index": 0, "delta": {}, "finish_reason": "tool_calls"}),
    ]) + &format!("data: {usage}\n\ndata: [DONE]\n\n")
}

#[test]
fn chunks_become_events_in_their_exact_order() {
    let (stream, translator) = told(&CHAT, &Messages, &asking(true, false), &chat(), 10_000);
    assert!(
        translator.finished() && translator.refusal().is_none() && translator.broken().is_none()
    );
    let kinds: Vec<&str> = stream.lines().filter_map(|l| l.strip_prefix("event: ")).collect();
    let delta = "content_block_delta";
    assert_eq!(
        kinds,
        [
            "message_start",
            "content_block_start",
            delta,
            "content_block_stop",
            "content_block_start",
            delta,
            delta,
            "content_block_stop",
            "content_block_start",
            delta,
            delta,
            "content_block_stop",
            "content_block_start",
            delta,
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let data = data(&stream);
    assert!(data.iter().zip(&kinds).all(|(data, kind)| data["type"] == *kind));
    assert_eq!(data[0]["message"]["id"], "msg_9");
    assert_eq!(data[0]["message"]["model"], "gpt-x");
    assert_eq!(data[2]["delta"], json!({"type": "thinking_delta", "thinking": "hm"}));
    assert_eq!(data[6]["delta"], json!({"type": "text_delta", "text": "lo é"}));
    assert_eq!(
        data[8]["content_block"],
        json!({"type": "tool_use", "id": "c1", "name": "f", "input": {}})
    );
    assert_eq!(data[9]["delta"], json!({"type": "input_json_delta", "partial_json": "{\"a\":"}));
    assert_eq!(data[12]["index"], 3);
    assert_eq!(
        data[15],
        json!({
            "type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
            "usage": {"input_tokens": 7, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2, "output_tokens": 4},
        })
    );
    assert_eq!(translator.tokens().output, Some(4));
}

fn messages() -> String {
    [
        ("message_start", json!({"message": {"id": "msg_9", "model": "claude-x", "usage": {"input_tokens": 7, "cache_read_input_tokens": 2, "output_tokens": 1}}})),
        ("content_block_start", json!({"index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}})),
        ("ping", json!({})),
        ("content_block_delta", json!({"index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}})),
        ("content_block_delta", json!({"index": 0, "delta": {"type": "signature_delta", "signature": "sig"}})),
        ("content_block_stop", json!({"index": 0})),
        ("content_block_start", json!({"index": 1, "content_block": {"type": "text", "text": ""}})),
        ("content_block_delta", json!({"index": 1, "delta": {"type": "text_delta", "text": "Hello é"}})),
        ("content_block_stop", json!({"index": 1})),
        ("content_block_start", json!({"index": 2, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}})),
        ("content_block_delta", json!({"index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":1}"}})),
        ("content_block_stop", json!({"index": 2})),
        ("message_delta", json!({"delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 40}})),
        ("message_stop", json!({})),
    ]
    .into_iter()
    .map(|(kind, mut data)| {
        data["type"] = kind.into();
        format!("event: {kind}\ndata: {data}\n\n")
    })
    .collect()
}

#[test]
fn events_become_chunks() {
    let (stream, translator) = told(&Messages, &CHAT, &asking(false, true), &messages(), 10_000);
    assert!(translator.finished());
    let mut data = data(&stream);
    assert_eq!(data.pop().unwrap(), "[DONE]");
    let usage = data.pop().unwrap();
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["prompt_tokens"], 9);
    assert_eq!(usage["usage"]["completion_tokens"], 40);
    assert!(data.iter().all(|chunk| {
        chunk["usage"].is_null() && chunk["id"] == "chatcmpl-9" && chunk["model"] == "claude-x"
    }));
    let deltas: Vec<&Value> = data.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(
        deltas,
        [
            &json!({"role": "assistant", "content": "", "refusal": null}),
            &json!({"reasoning_content": "hm"}),
            &json!({"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "sig"}]}),
            &json!({"content": "Hello é"}),
            &json!({"tool_calls": [{"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
            &json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\":1}"}}]}),
            &json!({}),
        ]
    );
    assert_eq!(data.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
    let (unasked, _) = told(&Messages, &CHAT, &asking(false, false), &messages(), 10_000);
    assert!(!unasked.contains("usage") && unasked.ends_with("data: [DONE]\n\n"));
}

#[test]
fn the_same_is_told_however_the_stream_is_cut() {
    let conversation = asking(true, true);
    for (from, to, stream) in [
        (&CHAT as &'static dyn Dialect, &Messages as &dyn ClientDialect, chat()),
        (&Messages, &CHAT, messages()),
        (&Messages, &Messages, messages().replace('\n', "\r\n")),
        (&CHAT, &CHAT, chat()),
    ] {
        let (whole, _) = told(from, to, &conversation, &stream, stream.len());
        for size in 1..60 {
            assert_eq!(told(from, to, &conversation, &stream, size).0, whole, "{size}");
        }
    }
}

#[test]
fn a_stream_without_its_end_mark_is_whole_once_the_model_has_stopped() {
    let stream = chat().replace("data: [DONE]\n\n", "");
    let (told_, translator) = told(&CHAT, &Messages, &asking(false, false), &stream, 100);
    assert!(translator.finished() && told_.ends_with("{\"type\":\"message_stop\"}\n\n"));
    let cut = messages();
    let cut = cut.split("event: message_delta").next().unwrap();
    let (told_, translator) = told(&Messages, &CHAT, &asking(false, true), cut, 100);
    assert!(!translator.finished());
    assert!(!told_.contains("[DONE]") && !told_.contains("\"finish_reason\":\"stop\""));
    let early = "data: [DONE]\n\n";
    let (_, translator) = told(&CHAT, &Messages, &asking(false, true), early, 100);
    assert!(!translator.finished() && translator.broken().is_some());
}

#[test]
fn events_that_cannot_be_read_are_left_out() {
    let stream = chat().replacen("data: ", "data: {broken\n\ndata: 7\n\ndata: ", 3);
    let (with, translator) = told(&CHAT, &Messages, &asking(true, false), &stream, 7);
    assert_eq!(translator.malformed(), 6);
    assert_eq!(with, told(&CHAT, &Messages, &asking(true, false), &chat(), 7).0);
}

#[test]
fn an_error_in_the_stream_is_told_in_the_clients_words() {
    let error = "data: {\"error\":{\"message\":\"oh\",\"code\":\"rate_limit_exceeded\"}}\n\ndata: [DONE]\n\n";
    let stream = chunks(&[json!({"delta": {"content": "a"}})]) + error;
    let (told_, translator) = told(&CHAT, &Messages, &asking(false, false), &stream, 9);
    assert!(translator.refusal().is_some() && !translator.finished());
    let last = data(&told_).pop().unwrap();
    assert_eq!(last["error"], json!({"type": "rate_limit_error", "message": "oh"}));
    assert!(told_.contains("event: error\n") && !told_.contains("message_stop"));

    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"oh\"}}\n\n";
    let (told_, _) = told(&Messages, &CHAT, &asking(false, false), error, 9);
    assert_eq!(data(&told_)[0]["error"]["code"], "overloaded");
    assert!(!told_.contains("[DONE]"));
}

#[test]
fn calls_that_come_one_between_the_other_cannot_be_told_to_a_client_of_messages() {
    let call = |index: u64, id: &str| json!({"delta": {"tool_calls": [{"index": index, "id": id, "function": {"name": "f", "arguments": "{"}}]}});
    let stream = chunks(&[call(0, "a"), call(1, "b"), call(0, "")]);
    let (_, translator) = told(&CHAT, &Messages, &asking(false, false), &stream, 99);
    assert!(translator.broken().is_some());
    let (told_, translator) = told(&CHAT, &CHAT, &asking(false, false), &stream, 99);
    assert!(translator.broken().is_none() && told_.contains("\"index\":1"));
}

#[test]
fn calls_under_one_number_are_told_apart_by_their_ids() {
    let call = |id: Value, name: Value, arguments: &str| json!({"delta": {"tool_calls": [{"index": 0, "id": id, "function": {"name": name, "arguments": arguments}}]}});
    let end = json!({"delta": {}, "finish_reason": "tool_calls"});
    let whole = [
        call(json!("c1"), json!("f"), "{\"a\":1}"),
        call(json!("c2"), json!("g"), "{}"),
        end.clone(),
    ];
    let (told_, translator) = told(&CHAT, &Messages, &asking(false, false), &chunks(&whole), 99);
    assert!(translator.is_whole(), "{:?}", translator.broken());
    let data = data(&told_);
    let of = |field: &str| {
        let found = data.iter().filter_map(|d| d.pointer(field)?.as_str().map(str::to_owned));
        found.collect::<Vec<_>>()
    };
    assert_eq!(of("/content_block/name"), ["f", "g"]);
    assert_eq!(of("/content_block/id"), ["c1", "c2"]);
    assert_eq!(of("/delta/partial_json"), ["{\"a\":1}", "{}"]);

    // Who says name and id with every piece, or another id alone, goes on with the same call.
    for (id, name) in
        [(json!("c1"), json!("f")), (json!("c3"), json!(null)), (json!(""), json!("f"))]
    {
        let pieces = [call(json!("c1"), json!("f"), "{\"a\":"), call(id, name, "1}"), end.clone()];
        let (told_, translator) =
            told(&CHAT, &Messages, &asking(false, false), &chunks(&pieces), 99);
        assert!(translator.is_whole());
        assert_eq!(told_.matches("\"tool_use\",\"id\"").count(), 1, "{told_}");
    }
}

#[test]
fn what_was_counted_is_known_though_the_event_is_no_good() {
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 3});
    let text = chunks(&[json!({"delta": {"content": "a"}})]);
    for bad in [
        json!({"choices": [{"delta": {}, "finish_reason": "abort"}], "usage": usage}),
        json!({"choices": [{"delta": 7}], "usage": usage}),
        json!({"error": {"message": "oh"}, "usage": usage}),
    ] {
        let stream = format!("{text}data: {bad}\n\n");
        let (_, translator) = told(&CHAT, &Messages, &asking(false, false), &stream, 99);
        assert!(!translator.is_whole());
        let tokens = translator.tokens();
        assert_eq!((tokens.input, tokens.output), (Some(7), Some(3)), "{bad}");
        let mut beginning = StreamOpening::of(&CHAT);
        assert!(beginning.push(format!("data: {bad}\n\n").as_bytes()).unwrap().is_err());
        assert_eq!(beginning.tokens(), tokens, "{bad}");
    }
}

#[test]
fn the_beginning_of_a_stream_is_what_says_something() {
    let begins = |from: &'static dyn Dialect, stream: &str| {
        let mut beginning = StreamOpening::of(from);
        stream.as_bytes().chunks(3).find_map(|piece| beginning.push(piece))
    };
    let role = chunks(&[json!({"delta": {"role": "assistant", "content": ""}})]);
    assert_eq!(begins(&CHAT, &role), None);
    assert_eq!(begins(&CHAT, &chat()), Some(Ok(())));
    let start: String = messages().split_inclusive("\n\n").take(3).collect();
    assert_eq!(begins(&Messages, &start), None);
    assert_eq!(begins(&Messages, &messages()), Some(Ok(())));
    let error = "data: {\"error\":{\"message\":\"oh\",\"code\":500}}\n\n";
    assert_eq!(begins(&CHAT, error).unwrap().unwrap_err().status.as_u16(), 500);
    assert_eq!(begins(&CHAT, "data: {x\n\n: c\n\n"), None);
    let comments = ": keep-alive\n".repeat(100_000);
    let mut beginning = StreamOpening::of(&CHAT);
    assert_eq!(beginning.push(comments.as_bytes()), Some(Ok(())));
}

#[test]
fn a_response_is_told_item_by_item() {
    let asking = json!({
        "model": "m", "input": "hi", "stream": true, "reasoning": {"effort": "high"},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
    });
    let conversation = Responses.read_request(asking.to_string().as_bytes()).unwrap();
    let (stream, translator) = told(&Messages, &Responses, &conversation, &messages(), 77);
    assert!(translator.finished() && translator.broken().is_none());
    let data = data(&stream);
    let kinds: Vec<&str> = data.iter().map(|d| d["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    assert!((0_u64..).zip(&data).all(|(n, d)| d["sequence_number"] == n));
    assert_eq!(translator.sequence(), 19);
    let response = &data[18]["response"];
    assert_eq!(response["id"], "resp_9");
    assert_eq!(response["status"], "completed");
    assert_eq!(response["usage"]["input_tokens"], 9);
    assert_eq!(response["usage"]["output_tokens"], 40);
    assert_eq!(response["output"][1]["content"][0]["text"], "Hello é");
    assert_eq!(response["output"][2]["call_id"], "toolu_1");
    assert_eq!(response["output"][2]["arguments"], "{\"a\":1}");
    for item in [0, 1, 2] {
        let done = data.iter().filter(|d| d["type"] == "response.output_item.done").nth(item);
        assert_eq!(done.unwrap()["item"], response["output"][item]);
    }

    // What was thought comes back to its provider as it was.
    let again = json!({"model": "m", "input": [
        {"role": "user", "content": "hi"},
        response["output"][0], response["output"][1], response["output"][2],
        {"type": "function_call_output", "call_id": "toolu_1", "output": "done"},
    ]});
    let conversation = Responses.read_request(again.to_string().as_bytes()).unwrap();
    let sent = Messages.request(&conversation, "claude-sonnet-4-5").unwrap();
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(
        sent["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "text", "text": "Hello é"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        ])
    );
    assert_eq!(sent["messages"][2]["content"][0]["type"], "tool_result");
}
