//! Streams: every byte in its order, honest ends, no work for a client that has gone.

use super::http::{self, Answer};
use super::upstream::{self, Upstream};
use super::{chat, with_key};
use crate::support::{CANARY, Server, Ultra, eventually};
use std::io::{BufReader, Read as _, Write as _};
use std::sync::mpsc;
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str =
    r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const FIRST: &[u8] =
    b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n";
const LAST: &[u8] = b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &[u8] = b"data: [DONE]\n\n";

fn real(provider: &Upstream) -> (Ultra, Server) {
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ANTHROPIC_API_KEY", CANARY)
        .env("ANTHROPIC_BASE_URL", provider.anthropic());
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

/// The count of attempts with this outcome, from the server's own metrics.
fn attempts(ultra: &Ultra, server: &Server, outcome: &str) -> Option<()> {
    let metrics = with_key(ultra, "GET", "/metrics").send(server.addr()).text();
    let wanted = format!("outcome=\"{outcome}\"}} 1");
    metrics
        .lines()
        .any(|l| l.starts_with("ultra_upstream_attempts_total") && l.ends_with(&wanted))
        .then_some(())
}

#[test]
fn events_arrive_one_by_one_and_byte_for_byte() {
    // The next event is only sent once the one before has reached the client.
    let (go, gone) = mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let provider = Upstream::start(move |_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        for event in [FIRST, LAST, DONE] {
            upstream::chunk(stream, event).unwrap();
            gone.lock().unwrap().recv_timeout(Duration::from_secs(10)).unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    let (ultra, server) = real(&provider);
    let mut stream = BufReader::new(chat(&ultra, CHAT, HELLO).open(server.addr()));
    let (status, headers) = http::head(&mut stream);
    assert_eq!(status, 200);
    assert!(headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned())));
    for event in [FIRST, LAST, DONE] {
        assert_eq!(http::chunk(&mut stream).unwrap(), event);
        go.send(()).unwrap();
    }
    assert_eq!(http::chunk(&mut stream).unwrap(), b"");
    eventually(Duration::from_secs(5), "the row", || attempts(&ultra, &server, "ok"));
}

#[test]
fn lines_that_are_cut_by_the_network_arrive_whole() {
    let all: Vec<u8> = [FIRST, LAST, DONE].concat();
    let sent = all.clone();
    let provider = Upstream::start(move |_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        for piece in sent.chunks(7) {
            upstream::chunk(stream, piece).unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    let (ultra, server) = real(&provider);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.body(), all);
    assert!(answer.whole);
    assert!(answer.chunks.iter().all(|c| c.ends_with(b"\n")));
}

#[test]
fn a_stream_without_done_ends_as_the_provider_ended_it() {
    let provider = Upstream::start(|_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        upstream::chunk(stream, &[FIRST, LAST].concat()).unwrap();
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    let (ultra, server) = real(&provider);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.body(), [FIRST, LAST].concat());
    assert!(answer.whole);
}

#[test]
fn a_whole_stream_whose_connection_stays_open_ends_without_an_error() {
    let provider = Upstream::start(|_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        upstream::chunk(stream, &[FIRST, LAST, DONE].concat()).unwrap();
        // Held open until the gateway gives up.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ULTRA_REQUEST_TIMEOUT", "700ms");
    let server = Server::start(&ultra, &["--real"]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.body(), [FIRST, LAST, DONE].concat());
    assert!(answer.whole);
    eventually(Duration::from_secs(5), "the row", || attempts(&ultra, &server, "ok"));
}

#[test]
fn a_cut_stream_ends_with_an_error_and_no_done() {
    let provider = Upstream::start(|_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        upstream::chunk(stream, FIRST).unwrap();
        upstream::chunk(stream, b"data: {\"half\":").unwrap();
    });
    let (ultra, server) = real(&provider);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    let text = answer.text();
    assert!(text.starts_with(std::str::from_utf8(FIRST).unwrap()));
    assert!(text.contains("upstream_stream_broken") && !text.contains("[DONE]"), "{text}");
    assert!(!text.contains("half"), "half a line leaked: {text}");
    let last = text.trim_end().lines().last().unwrap();
    let error: serde_json::Value =
        serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
    assert!(error["error"]["message"].is_string());
    eventually(Duration::from_secs(5), "the row", || attempts(&ultra, &server, "truncated"));
}

#[test]
fn of_several_choices_one_that_has_not_ended_makes_a_cut_stream_broken() {
    let choice = |index: u8, reason: &str| {
        let choice = format!(r#"{{"index":{index},"delta":{{}},"finish_reason":{reason}}}"#);
        format!("data: {{\"choices\":[{choice}]}}\n\n")
    };
    let begun = [choice(0, "null"), choice(1, "null"), choice(0, "\"stop\"")].concat();
    for (last, outcome) in [(String::new(), "truncated"), (choice(1, "\"length\""), "ok")] {
        let said = begun.clone() + &last;
        let provider = Upstream::start(move |_, stream| {
            stream.write_all(upstream::STREAM.as_bytes()).unwrap();
            upstream::chunk(stream, FIRST).unwrap();
            upstream::chunk(stream, said.as_bytes()).unwrap();
        });
        let (ultra, server) = real(&provider);
        let two = HELLO.replace(r#""stream""#, r#""n":2,"stream""#);
        let text = chat(&ultra, CHAT, &two).send(server.addr()).is(200).text();
        assert_eq!(text.contains("upstream_stream_broken"), outcome == "truncated", "{text}");
        eventually(Duration::from_secs(5), "the row", || attempts(&ultra, &server, outcome));
    }
}

#[test]
fn an_anthropic_stream_that_breaks_ends_with_its_error_event() {
    let provider = Upstream::start(|_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        upstream::chunk(stream, b"event: message_start\ndata: {\"type\":\"message_start\"}\n\n")
            .unwrap();
        let block = b"event: content_block_start\ndata: {\"type\":\"content_block_start\"}\n\n";
        upstream::chunk(stream, block).unwrap();
    });
    let (ultra, server) = real(&provider);
    let body = r#"{"model":"claude-sonnet-4-5","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let text = chat(&ultra, "/v1/messages", body).send(server.addr()).is(200).text();
    assert!(text.contains("\nevent: error\ndata: {\"type\":\"error\""), "{text}");
    assert!(!text.contains("message_stop"), "{text}");
}

#[test]
fn a_client_that_goes_away_ends_the_request_upstream() {
    let (tell, told) = mpsc::channel::<()>();
    let tell = std::sync::Mutex::new(tell);
    let provider = Upstream::start(move |_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        upstream::chunk(stream, FIRST).unwrap();
        // Reading comes to an end when the gateway closes the connection.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        tell.lock().unwrap().send(()).unwrap();
    });
    let (ultra, server) = real(&provider);
    let mut stream = BufReader::new(chat(&ultra, CHAT, HELLO).open(server.addr()));
    http::head(&mut stream);
    http::chunk(&mut stream).unwrap();
    drop(stream);
    told.recv_timeout(Duration::from_secs(10)).expect("the provider's connection was closed");
    eventually(Duration::from_secs(5), "the row", || attempts(&ultra, &server, "client_closed"));
}

#[test]
fn a_client_that_goes_away_before_the_answer_ends_the_request_upstream() {
    let (tell, told) = mpsc::channel::<()>();
    let tell = std::sync::Mutex::new(tell);
    let provider = Upstream::start(move |_, stream| {
        let _ = stream.read_to_end(&mut Vec::new());
        tell.lock().unwrap().send(()).unwrap();
    });
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ULTRA_LOG_FORMAT", "json");
    let server = Server::start(&ultra, &["--real"]);
    let request = chat(&ultra, CHAT, &HELLO.replace("true", "false"));
    let stream = request.header("x-request-id", "gone-1").open(server.addr());
    eventually(Duration::from_secs(5), "the request", || provider.received().pop());
    let metrics = || with_key(&ultra, "GET", "/metrics").send(server.addr()).is(200).text();
    let has = |line: &str| metrics().lines().any(|l| l == line).then_some(());
    // It is worked on while it waits, as is the request for this.
    let in_flight = |count: u32| has(&format!("ultra_http_requests_in_flight {count}"));
    eventually(Duration::from_secs(5), "one that waits for a provider", || in_flight(2));
    drop(stream);
    told.recv_timeout(Duration::from_secs(10)).expect("the provider's connection was closed");
    eventually(Duration::from_secs(5), "the row", || attempts(&ultra, &server, "client_closed"));
    // Nor is it forgotten because it has no answer.
    let counted = "ultra_http_requests_total{route=\"/v1/chat/completions\",status=\"499\"} 1";
    eventually(Duration::from_secs(5), "the count", || has(counted));
    eventually(Duration::from_secs(5), "nothing to be left", || in_flight(1));
    let log = server.stop().stderr;
    let line = log.lines().find(|line| line.contains("\"gone-1\"") && line.contains("::access"));
    let line: serde_json::Value = serde_json::from_str(line.expect("its line")).unwrap();
    assert_eq!((&line["status"], &line["complete"]), (&499.into(), &false.into()), "{line}");
    assert_eq!(line["key"], key_id(&ultra), "{line}");
}

/// The id of the developer's key, which is public.
fn key_id(ultra: &Ultra) -> String {
    let key = super::dev_key(ultra);
    key.strip_prefix("uk_").and_then(|key| key.split_once('.')).unwrap().0.to_owned()
}

#[test]
fn the_mock_streams_in_the_shape_of_both_families() {
    let (ultra, server) = super::mock();
    let answer: Answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert!(answer.header("content-type").unwrap().starts_with("text/event-stream"));
    assert!(answer.chunks.len() > 3);
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    let body = r#"{"model":"claude-sonnet-4-5","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let text = chat(&ultra, "/v1/messages", body).send(server.addr()).is(200).text();
    assert!(text.starts_with("event: message_start\n"));
    assert!(text.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
}
