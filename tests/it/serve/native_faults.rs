//! Providers with an API of their own that fail, refuse, or cannot do what is asked.

use super::endpoints::total;
use super::native::{CHAT, KEY, MESSAGES, bytewise, server};
use super::upstream::{self, Upstream};
use super::{chat, with_key};
use crate::support::{Server, Ultra};
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

const KINDS: [&str; 3] = ["google", "cohere", "ollama"];

fn question(more: &Value) -> String {
    let mut body = json!({
        "model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}],
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

fn exhausted(delay: &str) -> String {
    json!({"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]}})
    .to_string()
}

#[test]
fn a_rate_limit_of_gemini_is_waited_for_as_its_body_says() {
    let count = AtomicUsize::new(0);
    let provider = Upstream::start(move |_, stream| {
        let answer = match count.fetch_add(1, Ordering::SeqCst) {
            0 => upstream::json("429 Too Many Requests", &exhausted("0.2s")),
            _ => upstream::json(
                "200 OK",
                r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#,
            ),
        };
        let _ = stream.write_all(&answer);
    });
    let (ultra, server_of_one) = server("google", &provider, "");
    let answer = chat(&ultra, CHAT, &question(&json!({}))).send(server_of_one.addr()).is(200);
    assert_eq!(answer.header("x-ultra-attempts"), Some("2"));

    let limit = upstream::json("429 Too Many Requests", &exhausted("3600s"));
    let (ultra, limited) = server("google", &Upstream::saying(limit), "");
    for path in [CHAT, MESSAGES] {
        let answer = chat(&ultra, path, &question(&json!({}))).send(limited.addr()).is(429);
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        assert!(answer.json()["error"]["message"].is_string());
    }
}

#[test]
fn errors_are_told_in_the_clients_family_and_keys_are_never_blamed_on_it() {
    let gemini_key = json!({"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}});
    let gemini_long = json!({"error": {"code": 400, "message": "The input token count (9) exceeds the maximum number of tokens allowed (8).", "status": "INVALID_ARGUMENT"}});
    let cohere_key = json!({"message": "invalid api token"});
    let cohere_odd = json!({"message": format!("odd request, {KEY}")});
    let ollama_none = json!({"error": "model 'big-1' not found"});
    for (kind, status, body, expected, code) in [
        ("google", "400 Bad Request", gemini_key, 502, "upstream_credentials_exhausted"),
        ("google", "400 Bad Request", gemini_long, 400, "context_length_exceeded"),
        ("cohere", "401 Unauthorized", cohere_key, 502, "upstream_credentials_exhausted"),
        ("cohere", "422 Unprocessable Entity", cohere_odd, 422, "upstream_rejected"),
        ("ollama", "404 Not Found", ollama_none, 404, "not_found"),
    ] {
        let provider = Upstream::saying(upstream::json(status, &body.to_string()));
        let (ultra, server) = server(kind, &provider, "");
        let answer = chat(&ultra, CHAT, &question(&json!({}))).send(server.addr()).is(expected);
        assert_eq!(answer.json()["error"]["code"], code, "{kind} {}", answer.text());
        assert!(!answer.text().contains(KEY), "{}", answer.text());
        let answer = chat(&ultra, MESSAGES, &question(&json!({}))).send(server.addr()).is(expected);
        assert_eq!(answer.json()["type"], "error", "{kind}");
        assert!(!answer.text().contains(KEY), "{}", answer.text());
    }
}

#[test]
fn what_is_held_back_is_filtered_and_what_is_no_answer_is_502() {
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}});
    let provider = Upstream::saying(upstream::json("200 OK", &blocked.to_string()));
    let (ultra, filtering) = server("google", &provider, "");
    let answer = chat(&ultra, CHAT, &question(&json!({}))).send(filtering.addr()).is(200).json();
    assert_eq!(answer["choices"][0]["finish_reason"], "content_filter");

    for kind in KINDS {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "<html>no</html>",
            "{\"candidates\":[{\"content\"",
            "{\"done\":",
        ] {
            let provider = Upstream::saying(upstream::json("200 OK", body));
            let (ultra, server) = server(kind, &provider, "");
            for stream in [false, true] {
                let asks = question(&json!({"stream": stream}));
                chat(&ultra, CHAT, &asks).send(server.addr()).is(502);
            }
        }
    }
}

#[test]
fn what_was_counted_is_billed_though_the_answer_is_no_good() {
    let gemini = json!({
        "candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 4},
    });
    let cohere = json!({
        "finish_reason": "ERROR", "message": {}, "type": "message-end",
        "usage": {"tokens": {"input_tokens": 9, "output_tokens": 7}},
        "delta": {"finish_reason": "ERROR", "usage": {"tokens": {"input_tokens": 9, "output_tokens": 7}}},
    });
    let ollama =
        json!({"done": true, "done_reason": "load", "prompt_eval_count": 9, "eval_count": 7});
    for (kind, said) in KINDS.into_iter().zip([gemini, cohere, ollama]) {
        let provider = Upstream::start(move |asked, stream| {
            let streams = asked.line.contains("alt=sse")
                || String::from_utf8_lossy(&asked.body).contains("\"stream\":true");
            if !streams || kind == "ollama" {
                let _ = stream.write_all(&upstream::json("200 OK", &format!("{said}\n")));
                return;
            }
            let _ = stream.write_all(upstream::STREAM.as_bytes());
            let _ = upstream::chunk(stream, format!("data: {said}\n\n").as_bytes());
            let _ = stream.write_all(b"0\r\n\r\n");
        });
        let (ultra, server) = server(kind, &provider, "");
        for stream in [false, true] {
            let asks = question(&json!({"stream": stream}));
            chat(&ultra, CHAT, &asks).send(server.addr()).is(502);
        }
        let total = total(&ultra, 2);
        assert_eq!(
            (&total["input_tokens"], &total["output_tokens"]),
            (&json!(18), &json!(14)),
            "{kind}"
        );
        assert_eq!(total["uncounted"], 0, "{kind} {total}");
    }
}

#[test]
fn a_stream_that_is_cut_or_fails_never_ends_as_one_that_is_whole() {
    let gemini = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n";
    let cohere = "data: {\"type\":\"content-delta\",\"delta\":{\"message\":{\"content\":{\"text\":\"a\"}}}}\n\n";
    let ollama = "{\"done\":false,\"message\":{\"content\":\"a\"}}\n";
    let failures = [
        "data: {\"error\":{\"code\":503,\"message\":\"overloaded\",\"status\":\"UNAVAILABLE\"}}\n\n",
        "data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"broke\"}}\n\n",
        "{\"error\":\"the model broke\"}\n",
    ];
    for ((kind, text), failure) in KINDS.into_iter().zip([gemini, cohere, ollama]).zip(failures) {
        let content_type =
            if kind == "ollama" { "application/x-ndjson" } else { "text/event-stream" };
        for rest in ["", failure] {
            let provider = bytewise(content_type, format!("{text}{rest}"));
            let (ultra, server) = server(kind, &provider, "");
            let asks = question(&json!({"stream": true}));
            let text = chat(&ultra, CHAT, &asks).send(server.addr()).is(200).text();
            assert!(text.contains("\"error\"") && !text.contains("[DONE]"), "{kind} {text}");
            let text = chat(&ultra, MESSAGES, &asks).send(server.addr()).is(200).text();
            assert!(
                text.contains("event: error") && !text.contains("message_stop"),
                "{kind} {text}"
            );
        }
    }
}

#[test]
fn what_a_provider_cannot_do_is_named_and_not_asked() {
    let tool = json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]);
    for (kind, more, param) in [
        ("google", json!({"seed": 1_u64 << 40}), "seed"),
        ("google", json!({"tools": tool, "parallel_tool_calls": false}), "parallel_tool_calls"),
        ("cohere", json!({"presence_penalty": -1.0}), "presence_penalty"),
        ("ollama", json!({"tools": tool, "tool_choice": "required"}), "tool_choice"),
    ] {
        let provider = Upstream::saying(upstream::json("500 Oops", "{}"));
        let (ultra, server) = server(kind, &provider, "");
        let answer = chat(&ultra, CHAT, &question(&more)).send(server.addr()).is(400);
        assert_eq!(answer.json()["error"]["param"], param, "{kind} {}", answer.text());
        assert!(provider.received().iter().all(|r| r.method() != "POST"), "{kind}");
    }
}

#[test]
fn an_address_alone_makes_ollama_usable_and_its_slot_is_no_key() {
    let answer = r#"{"model":"llama3.2","done":true,"message":{"content":"Hello"}}"#;
    let provider = Upstream::saying(upstream::json("200 OK", answer));
    let ultra =
        Ultra::empty().env("ULTRA_MODE", "real").env("OLLAMA_BASE_URL", provider.anthropic());
    let server = Server::start(&ultra, &["--real"]);
    let asks = question(&json!({"model": "ollama/llama3.2"}));
    let answer = chat(&ultra, CHAT, &asks).send(server.addr()).is(200).json();
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello");
    let health = with_key(&ultra, "GET", "/api/health?detail=true").send(server.addr()).json();
    let text = health.to_string();
    assert!(text.contains("provider:ollama"), "{text}");
    assert!(!text.contains("\"ollama/\""), "{text}");
}

#[test]
fn a_keyless_address_of_a_clone_is_asked_nothing_until_it_is_agreed_to() {
    let answer = r#"{"model":"x","done":true,"message":{"content":"Hello"}}"#;
    let provider = Upstream::saying(upstream::json("200 OK", answer));
    let ultra = Ultra::empty();
    let url = provider.anthropic();
    ultra.write(
        "profiles/dev.yaml",
        format!("mode: real\nproviders:\n  own: {{kind: ollama, base_url: \"{url}\"}}\n"),
    );
    ultra.run(&["env", "validate"]).exits(0).says("not trusted");
    let asks = question(&json!({"model": "own/x"}));
    let server = Server::start(&ultra, &["--real"]);
    let answer = chat(&ultra, CHAT, &asks).send(server.addr()).is(503);
    assert!(!answer.text().contains("agreed"), "{}", answer.text());
    assert!(provider.received().is_empty());
    let log = server.stop().stderr;
    assert!(log.contains("nobody has agreed"), "{log}");
    ultra.run(&["env", "trust", "--yes"]).exits(0).says("prompts, without a key");
    let server = Server::start(&ultra, &["--real"]);
    chat(&ultra, CHAT, &asks).send(server.addr()).is(200);
}
