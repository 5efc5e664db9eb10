//! Providers with an API of their own, asked by clients of both families: plain answers, streams
//! however they are cut, tool calls, and Azure's addresses.

use super::chat;
use super::upstream::{self, Upstream, chunk};
use crate::support::fake::Received;
use crate::support::{Server, Ultra};
use serde_json::{Value, json};
use std::io::Write as _;

pub(super) const CHAT: &str = "/v1/chat/completions";
pub(super) const MESSAGES: &str = "/v1/messages";
pub(super) const KEY: &str = "key-of-native-4f7a9c2e1b8d";

/// A server whose model `m` is that of a provider of this kind; `more` are more of its fields.
pub(super) fn server(kind: &str, provider: &Upstream, more: &str) -> (Ultra, Server) {
    let ultra = Ultra::empty().env("NATIVE_KEY", KEY);
    let url = provider.anthropic();
    let keys = if kind == "ollama" { "" } else { "keys: [NATIVE_KEY], " };
    ultra.write(
        "profiles/dev.yaml",
        format!(
            "mode: real\nsecrets:\n  NATIVE_KEY: env:NATIVE_KEY\nproviders:\n  native: {{kind: {kind}, {keys}{more}base_url: \"{url}\"}}\nroutes:\n  m:\n    targets: [{{provider: native, model: big-1}}]\n"
        ),
    );
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

/// A provider that streams this body byte by byte, each in a chunk of its own.
pub(super) fn bytewise(content_type: &'static str, body: String) -> Upstream {
    Upstream::start(move |_, stream| {
        let head = upstream::STREAM.replace("text/event-stream", content_type);
        let _ = stream.write_all(head.as_bytes());
        for byte in body.as_bytes() {
            let _ = chunk(stream, &[*byte]);
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    })
}

fn events(list: &[Value]) -> String {
    list.iter().map(|event| format!("data: {event}\r\n\r\n")).collect()
}

/// What the provider was asked, without questions for its models.
fn asked(provider: &Upstream) -> Vec<Received> {
    provider.received().into_iter().filter(|r| r.method() == "POST").collect()
}

fn body(received: &Received) -> Value {
    serde_json::from_slice(&received.body).unwrap()
}

/// A question in either family, with a tool.
fn question(path: &str, stream: bool) -> String {
    let mut body = json!({
        "model": "m", "stream": stream, "max_tokens": 50,
        "messages": [{"role": "user", "content": "hi"}],
    });
    let takes = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    body["tools"] = match path {
        CHAT => json!([{"type": "function", "function": {"name": "look", "parameters": takes}}]),
        _ => json!([{"name": "look", "input_schema": takes}]),
    };
    body.to_string()
}

/// The data of all events of a stream.
fn data(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// The text, the arguments of calls and the reason why it ends, as a client of either family puts
/// them together.
fn told(path: &str, text: &str) -> (String, String, String) {
    let (mut said, mut arguments, mut end) = (String::new(), String::new(), String::new());
    for event in data(text) {
        let at = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        match path {
            CHAT => {
                said += at("/choices/0/delta/content");
                arguments += at("/choices/0/delta/tool_calls/0/function/arguments");
                end += at("/choices/0/finish_reason");
            }
            _ => {
                if at("/delta/type") == "text_delta" {
                    said += at("/delta/text");
                }
                arguments += at("/delta/partial_json");
                end += at("/delta/stop_reason");
            }
        }
    }
    (said, arguments, end)
}

fn gemini(parts: &Value) -> Value {
    json!({
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 2},
        "modelVersion": "big-1", "responseId": "r1",
    })
}

#[test]
fn gemini_answers_clients_of_both_families() {
    let call = json!([{"text": "so"}, {"functionCall": {"name": "look", "args": {"n": 1}}}]);
    let provider = Upstream::saying(upstream::json("200 OK", &gemini(&call).to_string()));
    let (ultra, server) = server("google", &provider, "");

    let answer = chat(&ultra, CHAT, &question(CHAT, false)).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-provider"), Some("native"));
    let answer = answer.json();
    let message = &answer["choices"][0]["message"];
    assert_eq!(
        (&message["content"], &answer["choices"][0]["finish_reason"]),
        (&json!("so"), &json!("tool_calls"))
    );
    assert_eq!(
        message["tool_calls"][0]["function"],
        json!({"name": "look", "arguments": "{\"n\":1}"})
    );
    assert_eq!(answer["usage"]["prompt_tokens"], 9);
    assert_eq!(answer["usage"]["completion_tokens"], 6);
    assert_eq!(answer["usage"]["completion_tokens_details"]["reasoning_tokens"], 2);

    let answer =
        chat(&ultra, MESSAGES, &question(MESSAGES, false)).send(server.addr()).is(200).json();
    assert_eq!(answer["content"][1]["input"], json!({"n": 1}), "{answer}");
    assert_eq!(
        (&answer["stop_reason"], &answer["usage"]["output_tokens"]),
        (&json!("tool_use"), &json!(6))
    );

    let asked = asked(&provider);
    assert_eq!(asked.len(), 2);
    for received in &asked {
        assert_eq!(received.line, "POST /v1beta/models/big-1:generateContent HTTP/1.1");
        assert_eq!(received.header("x-goog-api-key"), Some(KEY));
        assert_eq!(received.header("authorization"), None);
        assert_eq!(received.header("anthropic-version"), None);
        let body = body(received);
        assert_eq!(body["contents"], json!([{"role": "user", "parts": [{"text": "hi"}]}]));
        assert_eq!(body["tools"][0]["functionDeclarations"][0]["name"], "look");
        assert_eq!(body["generationConfig"]["maxOutputTokens"], 50);
    }
}

#[test]
fn a_conversation_with_gemini_goes_on_after_a_call() {
    let call = json!([{"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "c2ln"}]);
    let provider = Upstream::saying(upstream::json("200 OK", &gemini(&call).to_string()));
    let (ultra, server) = server("google", &provider, "");
    let mut first: Value = serde_json::from_str(&question(MESSAGES, false)).unwrap();
    first["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
    first["max_tokens"] = json!(5000);
    let answer = chat(&ultra, MESSAGES, &first.to_string()).send(server.addr()).is(200).json();
    let id = answer["content"]
        .as_array()
        .unwrap()
        .iter()
        .find(|b| b["type"] == "tool_use")
        .unwrap()["id"]
        .clone();
    let mut second = first;
    second["messages"] = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": answer["content"]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "42"}]},
    ]);
    chat(&ultra, MESSAGES, &second.to_string()).send(server.addr()).is(200);
    let body = body(asked(&provider).last().unwrap());
    assert_eq!(
        body.pointer("/contents/1/parts/0/thoughtSignature"),
        Some(&json!("c2ln")),
        "{body}"
    );
    assert_eq!(
        body.pointer("/contents/2/parts/0/functionResponse"),
        Some(&json!({"id": id, "name": "look", "response": {"output": "42"}}))
    );
}

#[test]
fn streams_of_all_three_are_told_however_they_are_cut() {
    let gemini = events(&[
        json!({"candidates": [{"content": {"parts": [{"text": "hm", "thought": true}]}}], "responseId": "r1"}),
        json!({"candidates": [{"content": {"parts": [{"text": "Hel"}]}}]}),
        json!({"candidates": [{"content": {"parts": [{"text": "lö"}]}}]}),
        gemini(&json!([{"functionCall": {"name": "look", "args": {"n": 1}}}])),
    ]);
    let text = |text: &str| json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}});
    let tool = |kind: &str, call: Value| json!({"type": kind, "index": 0, "delta": {"message": {"tool_calls": call}}});
    let cohere = events(&[
        json!({"type": "message-start", "id": "r1", "delta": {"message": {"role": "assistant"}}}),
        json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
        text("Hel"),
        text("lö"),
        json!({"type": "content-end", "index": 0}),
        tool(
            "tool-call-start",
            json!({"id": "c1", "type": "function", "function": {"name": "look", "arguments": ""}}),
        ),
        tool("tool-call-delta", json!({"function": {"arguments": "{\"n\""}})),
        tool("tool-call-delta", json!({"function": {"arguments": ":1}"}})),
        json!({"type": "tool-call-end", "index": 0}),
        json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {"billed_units": {"input_tokens": 9, "output_tokens": 6}}}}),
    ]);
    let ollama: String = [
        json!({"model": "big-1", "done": false, "message": {"role": "assistant", "content": "Hel"}}),
        json!({"model": "big-1", "done": false, "message": {"content": "lö"}}),
        json!({"model": "big-1", "done": false, "message": {"content": "", "tool_calls": [{"function": {"name": "look", "arguments": {"n": 1}}}]}}),
        json!({"model": "big-1", "done": true, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 6}),
    ]
    .iter()
    .map(|line| format!("{line}\n"))
    .collect();
    for (kind, content_type, stream, at) in [
        ("google", "text/event-stream", gemini, "/v1beta/models/big-1:streamGenerateContent"),
        ("cohere", "text/event-stream", cohere, "/v2/chat"),
        ("ollama", "application/x-ndjson", ollama, "/api/chat"),
    ] {
        let provider = bytewise(content_type, stream);
        let (ultra, server) = server(kind, &provider, "");
        for (path, end) in [(CHAT, "tool_calls"), (MESSAGES, "tool_use")] {
            let answer = chat(&ultra, path, &question(path, true)).send(server.addr()).is(200);
            assert!(answer.whole, "{kind} {path}");
            assert!(answer.header("content-type").unwrap().starts_with("text/event-stream"));
            let text = answer.text();
            let expected = ("Hellö".to_owned(), "{\"n\":1}".to_owned(), end.to_owned());
            assert_eq!(told(path, &text), expected, "{kind} {text}");
            match path {
                CHAT => assert!(text.ends_with("data: [DONE]\n\n"), "{kind} {text}"),
                _ => assert!(text.contains("event: message_stop"), "{kind} {text}"),
            }
        }
        for received in asked(&provider) {
            assert_eq!(received.path(), at);
            let bearer = format!("Bearer {KEY}");
            let key = received.header("authorization");
            assert_eq!(key, (kind == "cohere").then_some(bearer.as_str()), "{kind}");
        }
    }
}

#[test]
fn cohere_and_ollama_answer_plainly() {
    let cohere = json!({"id": "r1", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]},
        "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 2}}});
    let ollama = json!({"model": "big-1", "done": true, "done_reason": "stop", "message": {"role": "assistant", "content": "Hello"},
        "prompt_eval_count": 3, "eval_count": 2});
    for (kind, answer) in [("cohere", cohere), ("ollama", ollama)] {
        let provider = Upstream::saying(upstream::json("200 OK", &answer.to_string()));
        let (ultra, server) = server(kind, &provider, "");
        let answer = chat(&ultra, CHAT, &question(CHAT, false)).send(server.addr()).is(200).json();
        assert_eq!(answer["choices"][0]["message"]["content"], "Hello", "{kind}");
        assert_eq!(answer["choices"][0]["finish_reason"], "stop");
        assert_eq!(answer["usage"]["total_tokens"], 5, "{kind} {answer}");
        let body = body(asked(&provider).first().unwrap());
        assert_eq!((&body["model"], &body["stream"]), (&json!("big-1"), &json!(false)));
    }
}

#[test]
fn azure_gets_the_clients_bytes_at_its_own_addresses() {
    const ANSWER: &str =
        r#"{"id":"x","choices":[{}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    let asks = r#"{"model":"m", "messages":[{"role":"user","content":"hi"}],"x_unknown":1}"#;
    for (more, line) in [
        ("", "POST /openai/v1/chat/completions HTTP/1.1"),
        (
            "api_version: \"2024-10-21\", ",
            "POST /openai/deployments/big-1/chat/completions?api-version=2024-10-21 HTTP/1.1",
        ),
    ] {
        let provider = Upstream::saying(upstream::json("200 OK", ANSWER));
        let (ultra, server) = server("azure", &provider, more);
        let answer = chat(&ultra, CHAT, asks).send(server.addr()).is(200);
        assert_eq!(answer.text(), ANSWER);
        let asked = asked(&provider);
        assert_eq!(asked[0].line, line);
        assert_eq!(asked[0].header("api-key"), Some(KEY));
        assert_eq!(asked[0].header("authorization"), None);
        assert_eq!(asked[0].body, asks.replace("\"m\"", "\"big-1\"").as_bytes());
    }
}
