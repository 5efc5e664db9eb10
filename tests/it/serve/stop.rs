//! Stopping: what is under way ends, nothing new begins.

use super::chat;
use super::http::{self, Request};
use super::upstream::{self, Upstream};
use crate::support::{CANARY, Server, Ultra, eventually};
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

const HELLO: &str =
    r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const DONE: &[u8] = b"data: [DONE]\n\n";

struct Held {
    ultra: Ultra,
    server: Server,
    go: mpsc::Sender<()>,
    stream: BufReader<TcpStream>,
}

/// A stream whose first event has arrived and whose end waits for a word.
fn held() -> Held {
    let (go, gone) = mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let provider = Upstream::start(move |_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        upstream::chunk(stream, b"data: {}\n\n").unwrap();
        let _ = gone.lock().unwrap().recv_timeout(Duration::from_secs(20));
        let _ = upstream::chunk(stream, DONE);
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    let ultra =
        Ultra::empty().env("OPENAI_API_KEY", CANARY).env("OPENAI_BASE_URL", provider.openai());
    let server = Server::start(&ultra, &["--real"]);
    let mut stream =
        BufReader::new(chat(&ultra, "/v1/chat/completions", HELLO).open(server.addr()));
    http::head(&mut stream);
    http::chunk(&mut stream).unwrap();
    Held { ultra, server, go, stream }
}

#[test]
fn a_stream_ends_before_the_server_does() {
    let Held { ultra, server, go, mut stream } = held();
    server.signal("TERM");
    // No new connection is taken once the server stops.
    eventually(Duration::from_secs(10), "the listener to close", || {
        TcpStream::connect(server.addr()).is_err().then_some(())
    });
    go.send(()).unwrap();
    assert_eq!(http::chunk(&mut stream).unwrap(), DONE);
    assert_eq!(http::chunk(&mut stream).unwrap(), b"");
    let ended = server.wait(Duration::from_secs(15));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.keeps_the_canary();
    assert!(std::fs::read_dir(ultra.state().join("servers")).unwrap().next().is_none());
}

#[test]
fn a_second_signal_does_not_wait() {
    let Held { server, go, stream: _open, ultra: _root } = held();
    server.signal("INT");
    eventually(Duration::from_secs(10), "the listener to close", || {
        TcpStream::connect(server.addr()).is_err().then_some(())
    });
    server.signal("INT");
    assert_eq!(server.wait(Duration::from_secs(10)).code, 130);
    drop(go);
}

#[test]
fn usage_outlives_a_death_without_warning() {
    let (ultra, server) = super::mock();
    let body = r#"{"model":"mock-chat","messages":[{"role":"user","content":"hi"}]}"#;
    chat(&ultra, "/v1/chat/completions", body).send(server.addr()).is(200);
    server.signal("KILL");
    server.wait(Duration::from_secs(10));
    let server = Server::start(&ultra, &[]);
    let detail = || {
        let health = super::with_key(&ultra, "GET", "/api/health?detail=true").send(server.addr());
        health.json()["usage_journal"].clone()
    };
    eventually(Duration::from_secs(10), "the row to be stored", || {
        (detail()["pending_bytes"] == 0).then_some(())
    });
    Request::new("GET", "/api/health/ready").send(server.addr()).is(200);
}
