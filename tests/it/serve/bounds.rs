//! Bounds: what is too much is shed, and neither operators nor other clients are locked out by it.

use super::http::{self, Request};
use super::upstream::{self, Upstream};
use super::{chat, with_key};
use crate::support::{CANARY, Server, Ultra, eventually};
use std::io::{BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str =
    r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const DONE: &[u8] = b"data: [DONE]\n\n";

const FIRST: &[u8] = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";

/// A provider whose stream has its first event and waits with the second for a word.
fn waiting() -> (Upstream, mpsc::Sender<()>) {
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let provider = Upstream::start(move |_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        upstream::chunk(stream, FIRST).unwrap();
        let _ = gone.lock().unwrap().recv_timeout(Duration::from_secs(30));
        let _ = upstream::chunk(stream, DONE);
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    (provider, go)
}

/// A connection that never sends its whole head.
fn half_a_head(addr: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).unwrap();
    let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: test\r\nx-half");
    stream
}

/// Whether the server has ended the connection; one that is open has sent nothing.
fn is_closed(mut stream: &TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    match stream.read(&mut [0]) {
        Err(e) => !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        Ok(n) => n == 0,
    }
}

#[test]
fn operators_get_through_to_a_server_that_has_too_much_to_do() {
    let (provider, go) = waiting();
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ULTRA_MAX_CONCURRENCY", "1");
    let server = Server::start(&ultra, &["--real"]);
    let mut held = BufReader::new(chat(&ultra, CHAT, HELLO).open(server.addr()));
    assert_eq!(http::head(&mut held).0, 200);
    let refused = chat(&ultra, CHAT, HELLO).send(server.addr()).is(503);
    assert_eq!(refused.json()["error"]["code"], "overloaded");
    for (method, path) in [
        ("GET", "/metrics"),
        ("GET", "/api/health?detail=true"),
        ("GET", "/api/admin/config"),
        ("GET", "/v1/models"),
        ("POST", "/api/admin/keys/reload"),
    ] {
        with_key(&ultra, method, path).send(server.addr()).is(200);
    }
    go.send(()).unwrap();
    http::chunk(&mut held).unwrap();
    assert_eq!(http::chunk(&mut held).unwrap(), DONE);
}

#[test]
fn connections_that_ask_for_nothing_make_room_and_those_under_way_stay() {
    let (provider, go) = waiting();
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ULTRA_MAX_CONNECTIONS", "4");
    let server = Server::start(&ultra, &["--real"]);
    let mut held = BufReader::new(chat(&ultra, CHAT, HELLO).open(server.addr()));
    assert_eq!(http::head(&mut held).0, 200);
    let half: Vec<TcpStream> = (0..20).map(|_| half_a_head(server.addr())).collect();
    // Long before the time for sending a head is over.
    eventually(Duration::from_secs(5), "the oldest to go", || {
        half.iter().take(16).all(is_closed).then_some(())
    });
    for _ in 0..8 {
        with_key(&ultra, "GET", "/v1/models").send(server.addr()).is(200);
    }
    go.send(()).unwrap();
    http::chunk(&mut held).unwrap();
    assert_eq!(http::chunk(&mut held).unwrap(), DONE);
    drop(half);
}

#[test]
fn whoever_takes_up_every_descriptor_locks_nobody_out() {
    let ultra = Ultra::empty();
    let server = Server::wrapped(&ultra, "ulimit -Sn 100 && ulimit -Hn 160", &["--mock"]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("160"), "the soft limit is raised: {files}");
    let half: Vec<TcpStream> = (0..400).map(|_| half_a_head(server.addr())).collect();
    let begin = Instant::now();
    for _ in 0..5 {
        with_key(&ultra, "GET", "/v1/models").send(server.addr()).is(200);
    }
    let body = r#"{"model":"mock-chat","messages":[{"role":"user","content":"hi"}]}"#;
    chat(&ultra, CHAT, body).send(server.addr()).is(200);
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    drop(half);
}

#[test]
fn the_listener_for_scrapers_is_bounded_too() {
    let addr = format!("127.0.0.1:{}", crate::support::services::free_port());
    let ultra = Ultra::empty().env("ULTRA_METRICS_ADDR", &addr);
    let _server = Server::start(&ultra, &[]);
    let half: Vec<TcpStream> = (0..80).map(|_| half_a_head(&addr)).collect();
    eventually(Duration::from_secs(5), "the oldest to go", || {
        half.iter().take(16).all(is_closed).then_some(())
    });
    Request::new("GET", "/metrics").send(&addr).is(200);
}

#[test]
fn anybody_may_send_a_long_path_but_not_into_the_log() {
    let ultra = Ultra::empty().env("ULTRA_LOG_FORMAT", "json");
    let server = Server::start(&ultra, &[]);
    for length in [5_000, 60_000] {
        let path = format!("/{}", "x".repeat(length));
        assert!(matches!(Request::new("GET", &path).send(server.addr()).status, 401 | 414));
    }
    let log = server.stop().stderr;
    let long: Vec<&str> = log.lines().filter(|line| line.contains("/xxx")).collect();
    assert_eq!(long.len(), 2, "{log}");
    for line in long {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(json["path"].as_str().unwrap().len(), 256);
    }
}
