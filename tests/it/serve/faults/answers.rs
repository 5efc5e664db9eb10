//! Answers that are none, or not those that were asked for: each is one clear error, unless another
//! target makes up for it.

use super::{CHAT, DONE, HELLO, ROLE, STOP, STREAM, TEXT, events};
use crate::serve::fallback::server;
use crate::serve::upstream::Upstream;
use crate::serve::{chat, with_key};
use crate::support::{CANARY, Server, Ultra};
use serde_json::Value;
use std::io::Write as _;

const MESSAGES: &str = "/v1/messages";
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// What a client of either family asks, for an answer of this kind.
fn asks(path: &str, model: &str, stream: bool) -> String {
    let provider = if path == MESSAGES { "anthropic" } else { "openai" };
    let model = format!("{provider}/{model}");
    serde_json::json!({
        "model": model, "max_tokens": 9, "stream": stream,
        "messages": [{"role": "user", "content": "hi"}],
    })
    .to_string()
}

/// What a provider says of this type, with more header fields.
fn answer(kind: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// A server with a provider of either family that says to the model of each name what stands there.
fn saying(answers: Vec<(&'static str, Vec<u8>)>) -> (Ultra, Server, Upstream) {
    let provider = Upstream::start(move |asked, stream| {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let said = answers.iter().find(|(model, _)| body["model"] == *model);
        let _ = stream.write_all(said.map(|(_, answer)| &**answer).unwrap_or_default());
    });
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ANTHROPIC_API_KEY", CANARY)
        .env("ANTHROPIC_BASE_URL", provider.anthropic());
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server, provider)
}

const COMPLETION: &str = r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
const MESSAGE: &str = r#"{"type":"message","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}"#;

#[test]
fn an_answer_of_another_kind_than_was_asked_for_is_none() {
    let stream = [ROLE, TEXT, STOP, DONE].concat();
    let event = "event: content_block_start\ndata: {\"type\":\"content_block_start\"}\n\n";
    let error = r#"{"error":{"message":"m","type":"server_error"}}"#;
    let (ultra, server, _provider) = saying(vec![
        ("completion", answer(JSON, "", COMPLETION.as_bytes())),
        ("message", answer(JSON, "", MESSAGE.as_bytes())),
        ("chunks", answer(EVENTS, "", stream.as_bytes())),
        ("events", answer(EVENTS, "", event.as_bytes())),
        ("object", answer(JSON, "", b"{}")),
        ("nothing", answer(JSON, "", br#"{"choices":[],"content":"x","usage":{}}"#)),
        ("done", answer(EVENTS, "", DONE.as_bytes())),
        ("error", answer(JSON, "", error.as_bytes())),
    ]);
    for (path, model, streams) in [
        (CHAT, "completion", true),
        (CHAT, "chunks", false),
        (CHAT, "object", false),
        (CHAT, "nothing", false),
        (CHAT, "message", false),
        (CHAT, "done", true),
        (MESSAGES, "message", true),
        (MESSAGES, "events", false),
        (MESSAGES, "object", false),
        (MESSAGES, "nothing", false),
        (MESSAGES, "completion", false),
        (MESSAGES, "error", false),
    ] {
        // A provider that answers like that rests soon.
        let reset = with_key(&ultra, "POST", "/api/admin/circuit-breakers/reset");
        reset.send(server.addr()).is(200);
        let answer = chat(&ultra, path, &asks(path, model, streams)).send(server.addr());
        assert_eq!(answer.status, 502, "{path} {model}: {}", answer.text());
        // In the shape of the family, and in one piece.
        assert!(answer.json()["error"]["message"].is_string(), "{}", answer.text());
    }
    for (path, model, streams) in [(CHAT, "completion", false), (CHAT, "chunks", true)] {
        chat(&ultra, path, &asks(path, model, streams)).send(server.addr()).is(200);
    }
}

#[test]
fn an_answer_that_is_no_answer_is_made_up_for_by_the_next_target() {
    let good = Upstream::saying(answer(JSON, "", COMPLETION.as_bytes()));
    for body in ["{}", r#"{"choices":[]}"#] {
        let bad = Upstream::saying(answer(JSON, "", body.as_bytes()));
        let (ultra, server) = server(&[&bad, &good]);
        let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
        assert_eq!(answer.text(), COMPLETION);
        assert_eq!(answer.header("x-ultra-attempts"), Some("2"));
    }
    let done = Upstream::start(|_, stream| events(stream, &[DONE], true));
    let stream = Upstream::start(|_, stream| events(stream, &[ROLE, TEXT, STOP, DONE], true));
    let (ultra, server) = server(&[&done, &stream]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-provider"), Some("p1"));
}

#[test]
fn an_encoded_answer_is_none_and_nobody_asked_for_it() {
    let encoded = |encoding: &str, body: &str| {
        answer(JSON, &format!("content-encoding: {encoding}\r\n"), body.as_bytes())
    };
    let (ultra, server, provider) = saying(vec![
        ("gzip", encoded("gzip", COMPLETION)),
        ("br", encoded("br", MESSAGE)),
        ("identity", encoded("identity", COMPLETION)),
    ]);
    for (path, model, status) in
        [(CHAT, "gzip", 502), (MESSAGES, "br", 502), (CHAT, "identity", 200)]
    {
        let asked = chat(&ultra, path, &asks(path, model, false)).header("accept-encoding", "gzip");
        asked.send(server.addr()).is(status);
    }
    assert!(provider.received().iter().all(|asked| asked.header("accept-encoding").is_none()));
}

#[test]
fn a_type_is_the_same_in_capitals_and_a_head_is_no_larger_than_clients_can_read() {
    let stream = [ROLE, TEXT, STOP, DONE].concat();
    let large = format!("x-large: {}\r\nx-small: kept\r\n", "v".repeat(60_000));
    let (ultra, server, _provider) = saying(vec![
        ("plain", answer("Application/JSON; charset=UTF-8", "", COMPLETION.as_bytes())),
        ("stream", answer("Text/Event-Stream", "", stream.as_bytes())),
        ("large", answer(JSON, &large, COMPLETION.as_bytes())),
    ]);
    let ask = |model, streams| {
        chat(&ultra, CHAT, &asks(CHAT, model, streams)).send(server.addr()).is(200)
    };
    assert_eq!(ask("plain", false).text(), COMPLETION);
    assert_eq!(ask("stream", true).text(), stream);
    let answer = ask("large", false);
    assert_eq!((answer.header("x-large"), answer.header("x-small")), (None, Some("kept")));
}

#[test]
fn counts_that_cannot_be_are_left_uncounted_and_the_log_says_so() {
    let absurd = COMPLETION.replace("\"prompt_tokens\":1", "\"prompt_tokens\":9223372036854775807");
    let (ultra, server, _provider) = saying(vec![("absurd", answer(JSON, "", absurd.as_bytes()))]);
    let answer = chat(&ultra, CHAT, &asks(CHAT, "absurd", false)).send(server.addr()).is(200);
    assert_eq!(answer.text(), absurd, "the client gets what the provider said");
    let ended = server.stop();
    assert_eq!(ended.stderr.matches("left uncounted").count(), 1, "{}", ended.stderr);
}
