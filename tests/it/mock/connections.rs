//! Faults of the connection itself, as a raw socket meets them.

use super::{BOTH, Family, Mock, conversation};
use crate::serve::http;
use crate::support::eventually;
use std::io::{BufReader, ErrorKind, Read as _};
use std::net::TcpStream;
use std::time::Duration;

/// The connections of a server's own that rows tell nothing of.
fn opened(mock: &Mock, family: Family, model: &str, stream: bool, id: &str) -> TcpStream {
    let body = conversation(model, stream);
    mock.request(family, &body).header("x-request-id", id).open(mock.server.addr())
}

#[test]
fn a_reset_is_a_reset_before_any_byte_and_nobody_else_notices() {
    let mock = Mock::start();
    for family in BOTH {
        for stream in [false, true] {
            // Another connection, with a stream under way.
            let slow = conversation("mock-tokens-100-per-s", true);
            let other = mock.request(family, &slow).open(mock.server.addr());
            let mut other = BufReader::new(other);
            assert_eq!(http::head(&mut other).0, 200);

            let id = format!("reset-{family:?}-{stream}");
            let mut reset = opened(&mock, family, "mock-reset", stream, &id);
            let mut byte = [0];
            let error = reset.read(&mut byte).expect_err("neither an answer nor an end");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
            let row = mock.row_of(&id);
            assert_eq!((row.outcome.as_str(), row.status), ("error", 502), "{row:?}");
            assert_eq!((row.input, row.output), (0, 0), "{row:?}");

            let mut last = Vec::new();
            while let Some(chunk) = http::chunk(&mut other).filter(|chunk| !chunk.is_empty()) {
                last = chunk;
            }
            assert!(family.is_finished(&String::from_utf8(last).unwrap()));
        }
    }
    let logged = mock.server.stop().stderr;
    assert!(logged.contains("status=444"), "{logged}");
    for word in ["panic", "ERROR", "WARN"] {
        assert!(!logged.contains(word), "{word}: {logged}");
    }
}

#[test]
fn a_cut_is_a_body_without_its_end() {
    let mock = Mock::start();
    for family in BOTH {
        let id = format!("cut-{family:?}");
        let mut stream = opened(&mock, family, "mock-cut", true, &id);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an end of the connection, and no reset");
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        assert!(text.contains("transfer-encoding: chunked"), "{text}");
        assert!(!text.ends_with("0\r\n\r\n"), "no last chunk: {text}");
        // What was said before the cut has arrived.
        let said = text.matches(match family {
            Family::OpenAi => "\"content\":\" ",
            Family::Anthropic => "\"text_delta\"",
        });
        let said = said.count();
        assert!(said > 1, "{text}");
        let row = mock.row_of(&id);
        assert_eq!((row.outcome.as_str(), row.status), ("truncated", 200), "{row:?}");
        assert!(row.input > 0 && row.output.abs_diff(u64::try_from(said).unwrap()) <= 1, "{row:?}");

        let id = format!("cut-plain-{family:?}");
        let mut plain = opened(&mock, family, "mock-cut", false, &id);
        let mut bytes = Vec::new();
        plain.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        assert_eq!(body.len(), length.parse::<usize>().unwrap() / 2, "{text}");
        let row = mock.row_of(&id);
        assert_eq!((row.outcome.as_str(), row.output), ("truncated", 0), "{row:?}");
    }
    let logged = mock.server.stop().stderr;
    assert!(!logged.contains("panic") && !logged.contains("ERROR"), "{logged}");
}

#[test]
fn after_a_cut_the_same_request_is_answered_once() {
    let mock = Mock::start();
    for family in BOTH {
        assert!(!mock.ask(family, "mock-cut-once", true).is(200).whole);
        let again = mock.ask(family, "mock-cut-once", true).is(200);
        assert!(again.whole && family.is_finished(&again.text()));
    }
}

#[test]
fn a_hang_and_a_stall_last_until_the_client_goes() {
    let mock = Mock::start();
    for family in BOTH {
        for (model, stream) in [("mock-hang", false), ("mock-hang", true), ("mock-stall", true)] {
            let id = format!("{model}-{family:?}-{stream}");
            let mut silent = opened(&mock, family, model, stream, &id);
            silent.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let mut bytes = Vec::new();
            let error = silent.read_to_end(&mut bytes).expect_err("it goes on for ever");
            assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
            assert_eq!(
                bytes.is_empty(),
                model == "mock-hang",
                "{}",
                String::from_utf8_lossy(&bytes)
            );
            drop(silent);
            let row = mock.row_of(&id);
            assert_eq!(row.outcome, "client_closed", "{row:?}");
            assert_eq!(row.output > 0, model == "mock-stall", "{row:?}");
        }
    }
    let in_flight = || {
        let metrics = mock.with_key("GET", "/metrics").send(mock.server.addr()).is(200).text();
        // The request for this is one itself.
        metrics.lines().any(|line| line == "ultra_http_requests_in_flight 1").then_some(())
    };
    eventually(Duration::from_secs(10), "no request left", in_flight);
}

#[test]
fn what_would_never_end_ends_with_the_time_of_the_request() {
    let ultra = crate::support::Ultra::empty().env("ULTRA_REQUEST_TIMEOUT", "1s");
    let mock = Mock { server: crate::support::Server::start(&ultra, &["--mock"]), ultra };
    for family in BOTH {
        for stream in [false, true] {
            let hung = mock.ask(family, "mock-hang", stream).is(504);
            assert!(hung.json()["error"]["message"].is_string());
            assert_eq!(mock.row(&hung).outcome, "timeout");
        }
        let late = mock.ask(family, "mock-latency-9s", false).is(504);
        assert_eq!(mock.row(&late).outcome, "timeout");
        let stalled = mock.ask(family, "mock-stall", true).is(200);
        let text = stalled.text();
        assert!(stalled.whole && !family.is_finished(&text), "{text}");
        let events = super::events(&text);
        assert!(events.last().unwrap()["error"]["message"].is_string(), "{text}");
        let row = mock.row(&stalled);
        assert_eq!((row.outcome.as_str(), row.status), ("timeout", 200), "{row:?}");
        let plain = mock.ask(family, "mock-stall", false).is(200);
        assert!(!plain.whole);
        assert_eq!(mock.row(&plain).outcome, "timeout");
    }
}
