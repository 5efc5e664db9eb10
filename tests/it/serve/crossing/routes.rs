//! Routes with targets of both families.

use super::{providers, serving};
use crate::serve::http::Answer;
use crate::serve::upstream::{self, Upstream};
use crate::serve::{chat, with_key};
use crate::support::eventually;
use serde_json::{Value, json};
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const RESPONSES: &str = "/v1/responses";

/// A request to one of the endpoints for a model.
fn hello(path: &str, model: &str, stream: bool) -> String {
    match path {
        RESPONSES => json!({"model": model, "stream": stream, "input": "hi"}),
        _ => json!({
            "model": model, "stream": stream, "max_tokens": 10,
            "messages": [{"role": "user", "content": "hi"}],
        }),
    }
    .to_string()
}

/// What a client was told, of whichever family.
fn text(path: &str, answer: &Answer) -> String {
    let json = answer.json();
    let at = match path {
        CHAT => "/choices/0/message/content",
        MESSAGES => "/content/0/text",
        _ => "/output/0/content/0/text",
    };
    json.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[test]
fn what_does_not_hold_together_reaches_no_provider() {
    let (openai, anthropic) = (providers::openai(), providers::anthropic());
    let (ultra, server) = serving(&openai, &anthropic, "openai", "");
    let result = json!([
        {"role": "user", "content": "hi"},
        {"role": "tool", "tool_call_id": "a", "content": "4"},
    ]);
    for (body, param) in [
        (json!({"messages": result}), "messages"),
        (json!({"messages": [{"role": "user", "content": null}]}), "messages[0].content"),
        (
            json!({"messages": [{"role": "user", "content": "hi"}], "tool_choice": "required"}),
            "tool_choice",
        ),
    ] {
        let mut body = body;
        body["model"] = "anthropic/plain".into();
        let refused = chat(&ultra, CHAT, &body.to_string()).send(server.addr()).is(400).json();
        let error = &refused["error"];
        assert_eq!(
            (&error["type"], &error["param"]),
            (&"invalid_request_error".into(), &param.into()),
            "{refused}"
        );
    }
    let body = json!({"model": "openai/plain", "max_tokens": 5, "messages": [
        {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "file:///etc/passwd"}}]},
    ]});
    let refused = chat(&ultra, MESSAGES, &body.to_string()).send(server.addr()).is(400).json();
    assert_eq!(
        (&refused["type"], &refused["error"]["type"]),
        (&"error".into(), &"invalid_request_error".into())
    );
    assert!(refused["error"]["message"].as_str().unwrap().contains("source.url"), "{refused}");
    assert!(openai.received().is_empty() && anthropic.received().is_empty());
}

#[test]
fn either_family_is_answered_by_the_next_target_of_the_other() {
    let (openai, anthropic) = (providers::openai(), providers::anthropic());
    for (first, second) in [("openai", "anthropic"), ("anthropic", "openai")] {
        let (ultra, server) = serving(&openai, &anthropic, first, "");
        for path in [CHAT, MESSAGES, RESPONSES] {
            if path == RESPONSES {
                // The scripted provider has no responses of its own.
                let body = hello(path, "anthropic/plain", false);
                let answer = chat(&ultra, path, &body).send(server.addr()).is(200);
                assert_eq!(text(path, &answer), "hello you");
                continue;
            }
            for model in ["limited", "overloaded"] {
                let body = hello(path, model, false);
                let answer = chat(&ultra, path, &body).send(server.addr()).is(200);
                assert_eq!(text(path, &answer), "hello you", "{first} {path} {model}");
                assert_eq!(answer.header("x-ultra-provider"), Some(second));
                assert_eq!(answer.header("x-ultra-model"), Some("plain"));
                assert_eq!(answer.header("content-type"), Some("application/json"));
            }
            // A stream that begins with an error has not begun.
            let body = hello(path, "begins-with-error", true);
            let answer = chat(&ultra, path, &body).send(server.addr()).is(200);
            assert_eq!(answer.header("x-ultra-provider"), Some(second), "{first} {path}");
            let kind = answer.header("content-type").unwrap();
            assert!(kind.starts_with("text/event-stream"), "{kind}");
            let end = if path == CHAT { "data: [DONE]\n\n" } else { "\"message_stop\"}\n\n" };
            assert!(answer.whole && answer.text().ends_with(end), "{}", answer.text());
            // One that breaks off later is told to be broken, in the words of the client.
            let answer = chat(&ultra, path, &hello(path, "cut", true)).send(server.addr()).is(200);
            let said = answer.text();
            assert!(said.contains("hello") && said.contains("error"), "{said}");
            assert!(!said.contains("[DONE]") && !said.contains("message_stop"), "{said}");
            assert!(!said.contains("end_turn") && !said.contains("\"stop\""), "{said}");
        }
    }
}

#[test]
fn a_stream_that_is_kept_back_is_made_up_for_by_the_other_family() {
    let (openai, anthropic) = (providers::openai(), providers::anthropic());
    for (first, second) in [("openai", "anthropic"), ("anthropic", "openai")] {
        let commit = "    stream_commit: complete\n";
        let (ultra, server) = serving(&openai, &anthropic, first, commit);
        for (path, end) in [(CHAT, "data: [DONE]\n\n"), (MESSAGES, "\"message_stop\"}\n\n")] {
            let answer = chat(&ultra, path, &hello(path, "cut", true)).send(server.addr()).is(200);
            assert_eq!(answer.header("x-ultra-provider"), Some(second));
            assert!(answer.text().ends_with(end), "{}", answer.text());
            assert!(!answer.text().contains("error"), "{}", answer.text());
        }
    }
}

#[test]
fn a_stream_that_stalls_is_broken_off() {
    let (openai, anthropic) = (providers::openai(), providers::anthropic());
    let (ultra, server) = serving(&openai, &anthropic, "openai", "");
    let profile = ultra.read("profiles/dev.yaml");
    let stalls = "  stall:\n    timeouts: {stall: 1s}\n    targets:\n      - {provider: openai, model: stall}\n";
    ultra.write("profiles/dev.yaml", profile + stalls);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    drop(server);
    let server = crate::support::Server::start(&ultra, &["--real"]);
    let body = hello(MESSAGES, "stall", true);
    let said = chat(&ultra, MESSAGES, &body).send(server.addr()).is(200).text();
    assert!(said.contains("event: error\n") && said.contains("timeout_error"), "{said}");
    assert!(!said.contains("message_stop"), "{said}");
}

#[test]
fn what_only_one_target_can_do_is_done_by_that_one() {
    let (openai, anthropic) = (providers::openai(), providers::anthropic());
    let (ultra, server) = serving(&openai, &anthropic, "anthropic", "");
    let body = r#"{"model":"plain","n":2,"messages":[{"role":"user","content":"hi"}]}"#;
    let answer = chat(&ultra, CHAT, body).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-provider"), Some("openai"));
    assert!(anthropic.received().is_empty());
    let sent = openai.received();
    assert_eq!(sent.first().unwrap().body, body.as_bytes(), "its own family's bytes pass");

    let only = body.replace("plain", "anthropic/plain");
    let error = chat(&ultra, CHAT, &only).send(server.addr()).is(400).json();
    assert_eq!(error["error"]["code"], "unsupported_parameter");
    assert_eq!(error["error"]["param"], "n");
    for body in [
        r#"{"model":"anthropic/plain","messages":[{"role":"user","content":7}]}"#,
        r#"{"model":"anthropic/plain","messages":[{"role":"user","content":"x"}],"stop":7}"#,
    ] {
        let error = chat(&ultra, CHAT, body).send(server.addr()).is(400).json();
        assert_eq!(error["error"]["code"], "invalid_value", "{error}");
    }
    assert!(anthropic.received().is_empty(), "nothing of it reached the provider");
    let body = r#"{"model":"anthropic/plain","input":"hi"}"#;
    let error = chat(&ultra, "/v1/embeddings", body).send(server.addr()).is(400).json();
    assert_eq!(error["error"]["code"], "wrong_endpoint");
}

#[test]
fn what_is_no_answer_is_one_clear_error() {
    let body = hello(MESSAGES, "openai/plain", false);
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n";
    let with = |kind: &str, body: &str| {
        format!("{head}content-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    for answer in [
        with("text/html", "<html>no</html>"),
        with("application/json", ""),
        with("application/json", "{\"choices\":[]}"),
        with("application/json", "{\"choices\":[{\"mess"),
        with("application/json\r\ncontent-encoding: gzip", "{}"),
        with("text/event-stream", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"),
    ] {
        let openai = Upstream::saying(answer.clone());
        let (ultra, server) = serving(&openai, &openai, "openai", "");
        let error = chat(&ultra, MESSAGES, &body).send(server.addr()).is(502).json();
        assert_eq!(error["error"]["type"], "api_error", "{answer}");
    }
    // An error that cannot be read keeps its status, in the shape of the client.
    let openai = Upstream::saying(upstream::json("400 Bad Request", "<html>"));
    let (ultra, server) = serving(&openai, &openai, "openai", "");
    let error = chat(&ultra, MESSAGES, &body).send(server.addr()).is(400).json();
    assert_eq!(error["error"]["type"], "invalid_request_error");
}

#[test]
fn the_providers_counts_are_kept() {
    let (openai, anthropic) = (providers::openai(), providers::anthropic());
    let (ultra, server) = serving(&openai, &anthropic, "openai", "");
    for stream in [false, true] {
        chat(&ultra, CHAT, &hello(CHAT, "anthropic/plain", stream)).send(server.addr()).is(200);
        let body = hello(MESSAGES, "openai/plain", stream);
        chat(&ultra, MESSAGES, &body).send(server.addr()).is(200);
    }
    let counted = |model: &str| {
        let usage = with_key(&ultra, "GET", "/api/usage?by=model").send(server.addr()).is(200);
        let json = usage.json();
        let rows = json["rows"].as_array()?;
        let row = rows.iter().find(|row| row["group"] == model)?.clone();
        (row["requests"] == 2 || row["attempts"] == 2).then_some(row)
    };
    let patience = Duration::from_secs(20);
    for (model, input, cached) in [("anthropic/plain", 14, 10), ("openai/plain", 19, 5)] {
        let row = eventually(patience, "the rows", || counted(model));
        assert_eq!(row["input_tokens"], input, "{row}");
        assert_eq!(row["cached_tokens"], cached, "{row}");
        assert_eq!(row["output_tokens"], 6, "{row}");
    }
}
