//! Whole answers, and errors.

use super::CHAT;
use crate::provider::conversation::Conversation;
use crate::provider::failure::Class;
use crate::provider::translation::{ClientDialect, Dialect, Messages, Refused, Shown, Unread};
use http::StatusCode;
use serde_json::{Value, json};

fn told(
    from: &'static dyn Dialect,
    to: &dyn ClientDialect,
    thinking: bool,
    answer: &Value,
) -> Value {
    let reply = from.reply(answer.to_string().as_bytes()).unwrap();
    let asked = if thinking {
        json!({"model": "m", "max_tokens": 9000, "messages": [{"role": "user", "content": "hi"}], "thinking": {"type": "enabled", "budget_tokens": 2000}})
    } else {
        json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]})
    };
    let conversation: Conversation = Messages.read_request(asked.to_string().as_bytes()).unwrap();
    let shown = Shown { conversation: &conversation, model: "up", request_id: "r", created: 7 };
    serde_json::from_slice(&to.write_reply(&reply, &shown)).unwrap()
}

#[test]
fn a_message_becomes_a_completion() {
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "xx"},
            {"type": "text", "text": "a"}, {"type": "text", "text": "b"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3, "output_tokens": 4},
    });
    assert_eq!(
        told(&Messages, &CHAT, false, &message),
        json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "claude-x",
            "choices": [{"index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "ab", "refusal": null, "reasoning_content": "hm",
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "hm", "signature": "sig"},
                    {"type": "redacted_thinking", "data": "xx"},
                ],
                "tool_calls": [{"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}],
                "annotations": [],
            }}],
            "usage": {
                "prompt_tokens": 18, "completion_tokens": 4, "total_tokens": 22,
                "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3, "audio_tokens": 0},
                "completion_tokens_details": {
                    "reasoning_tokens": 0, "audio_tokens": 0,
                    "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
                },
            },
        })
    );
}

#[test]
fn a_completion_becomes_a_message() {
    let completion = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-x",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": "a", "reasoning_content": "hm",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                {"id": "", "type": "function", "function": {"name": "g", "arguments": ""}},
            ],
        }}],
        "usage": {"prompt_tokens": 18, "completion_tokens": 4, "total_tokens": 22, "prompt_tokens_details": {"cached_tokens": 5}},
    });
    let message = told(&CHAT, &Messages, true, &completion);
    let made = message["content"][3]["id"].clone();
    assert!(made.as_str().unwrap().starts_with("call_"));
    assert_eq!(
        message,
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "gpt-x",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "a"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": made, "name": "g", "input": {}},
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {
                "input_tokens": 13, "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 5, "output_tokens": 4,
            },
        })
    );
    let unasked = told(&CHAT, &Messages, false, &completion);
    assert_eq!(
        unasked["content"][0],
        json!({"type": "text", "text": "a"}),
        "nobody asked for thoughts"
    );
}

#[test]
fn ends_have_their_counterparts() {
    let message = |reason: &str, text: Value| json!({"content": [{"type": "text", "text": "x"}], "stop_reason": reason, "stop_sequence": text});
    for (reason, text, finish) in [
        ("end_turn", Value::Null, "stop"),
        ("stop_sequence", json!("END"), "stop"),
        ("max_tokens", Value::Null, "length"),
        ("model_context_window_exceeded", Value::Null, "length"),
        ("refusal", Value::Null, "content_filter"),
        ("pause_turn", Value::Null, "length"),
    ] {
        let completion = told(&Messages, &CHAT, false, &message(reason, text.clone()));
        assert_eq!(completion["choices"][0]["finish_reason"], finish, "{reason}");
        assert_eq!(completion.get("usage"), None, "nothing was counted");
    }
    let completion = |reason: &str, said: Value| json!({"choices": [{"finish_reason": reason, "message": said}]});
    for (reason, said, stop) in [
        ("stop", json!({"content": "x"}), "end_turn"),
        ("eos", json!({"content": "x"}), "end_turn"),
        ("length", json!({"content": "x"}), "max_tokens"),
        ("model_length", json!({"content": "x"}), "max_tokens"),
        ("content_filter", json!({"content": ""}), "refusal"),
        ("stop", json!({"content": null, "refusal": "no"}), "refusal"),
        (
            "stop",
            json!({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}),
            "tool_use",
        ),
        (
            "length",
            json!({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{\"a"}}]}),
            "max_tokens",
        ),
    ] {
        let message = told(&CHAT, &Messages, false, &completion(reason, said));
        assert_eq!(message["stop_reason"], stop, "{message}");
    }
}

#[test]
fn a_call_whose_input_is_null_takes_nothing() {
    let call = json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": null});
    let message = json!({"content": [call], "stop_reason": "tool_use"});
    let completion = told(&Messages, &CHAT, false, &message);
    assert_eq!(
        completion["choices"][0]["message"]["tool_calls"][0]["function"],
        json!({"name": "f", "arguments": "{}"})
    );
}

#[test]
fn what_is_no_answer_is_told() {
    for body in [
        "",
        "[]",
        "{}",
        r#"{"choices":[]}"#,
        r#"{"choices":[{"message":7}]}"#,
        r#"{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{"}}]},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":"x"}}]}"#,
        r#"{"choices":[{"message":{"content":"x"},"finish_reason":null}]}"#,
        r#"{"choices":[{"message":{"content":"x"},"finish_reason":"abort"}]}"#,
        r#"{"choices":[{"message":{"content":"x"},"finish_reason":"insufficient_system_resource"}]}"#,
    ] {
        assert!(matches!(CHAT.reply(body.as_bytes()), Err(Unread::Malformed(_))), "{body}");
    }
    for body in [
        "",
        "{}",
        r#"{"content":"x"}"#,
        r#"{"content":[{"type":"tool_use"}],"stop_reason":"tool_use"}"#,
        r#"{"content":[{"type":"text","text":"x"}]}"#,
        r#"{"content":[{"type":"text","text":"x"}],"stop_reason":null}"#,
        r#"{"content":[{"type":"text","text":"x"}],"stop_reason":"broke"}"#,
    ] {
        assert!(matches!(Messages.reply(body.as_bytes()), Err(Unread::Malformed(_))), "{body}");
    }
    let error = br#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#;
    let Err(Unread::Refused(refused)) = CHAT.reply(error) else { panic!("it is an error") };
    assert_eq!((refused.class, refused.message.as_str()), (Class::RateLimited, "slow down"));
}

#[test]
fn errors_are_native_to_the_client() {
    let status = |n| StatusCode::from_u16(n).unwrap();
    let to_openai = |code, kind: &str, message: &str| {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}});
        let refused = Messages.refusal(status(code), body.to_string().as_bytes());
        let (status, body) = CHAT.write_refusal(&refused, "r");
        let body: Value = serde_json::from_slice(&body).unwrap();
        (status.as_u16(), body["error"]["code"].clone(), body["error"]["message"].clone())
    };
    assert_eq!(
        to_openai(400, "invalid_request_error", "prompt is too long: 2 > 1"),
        (400, json!("context_length_exceeded"), json!("prompt is too long: 2 > 1"))
    );
    assert_eq!(
        to_openai(429, "rate_limit_error", "m"),
        (429, json!("rate_limit_exceeded"), json!("m"))
    );
    assert_eq!(to_openai(529, "overloaded_error", "m"), (503, json!("overloaded"), json!("m")));
    assert_eq!(to_openai(500, "api_error", "m"), (500, json!("upstream_error"), json!("m")));
    assert_eq!(to_openai(404, "not_found_error", "m"), (404, json!("not_found"), json!("m")));
    let filtered = "Output blocked by content filtering policy";
    assert_eq!(to_openai(400, "invalid_request_error", filtered).1, "content_filter");

    let to_anthropic = |code, error: Value| {
        let refused = CHAT.refusal(status(code), json!({"error": error}).to_string().as_bytes());
        let (status, body) = Messages.write_refusal(&refused, "r");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["type"], &body["request_id"]), (&json!("error"), &json!("r")));
        (status.as_u16(), body["error"]["type"].clone(), body["error"]["message"].clone())
    };
    assert_eq!(
        to_anthropic(400, json!({"code": "context_length_exceeded", "message": "m"})),
        (400, json!("invalid_request_error"), json!("prompt is too long: m"))
    );
    assert_eq!(
        to_anthropic(503, json!({"message": "m"})),
        (529, json!("overloaded_error"), json!("m"))
    );
    assert_eq!(to_anthropic(429, json!({"message": "m"})).1, "rate_limit_error");
    assert_eq!(
        to_anthropic(422, json!("odd")),
        (422, json!("invalid_request_error"), json!("odd"))
    );
    let refused =
        Refused { status: status(500), class: Class::ServerError, message: String::new() };
    let (_, body) = Messages.write_refusal(&refused, "r");
    assert!(std::str::from_utf8(&body).unwrap().contains("no reason"));
}
