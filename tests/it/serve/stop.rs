//! Stopping: what is under way ends, nothing new begins.

use super::chat;
use super::http::{self, Request};
use super::upstream::{self, Upstream};
use crate::support::{CANARY, Server, Ultra, eventually};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::io::{BufRead as _, BufReader, Write as _};
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

const FIRST: &[u8] = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";

/// A provider whose stream has its first event and waits with the second for a word.
fn waiting() -> (Upstream, mpsc::Sender<()>) {
    let (go, gone) = mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let provider = Upstream::start(move |_, stream| {
        stream.write_all(upstream::STREAM.as_bytes()).unwrap();
        upstream::chunk(stream, FIRST).unwrap();
        let _ = gone.lock().unwrap().recv_timeout(Duration::from_secs(20));
        let _ = upstream::chunk(stream, DONE);
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    (provider, go)
}

/// A stream whose first event has arrived and whose end waits for a word.
fn held() -> Held {
    let (provider, go) = waiting();
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

/// The writing end of a pipe that takes no more, as that of a terminal that was stopped; and its
/// reading end, which has to stay open.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    for piece in [&[b'x'; 4096][..], b"x"] {
        while writer.write(piece).is_ok() {}
    }
    fcntl_setfl(&writer, flags).unwrap();
    (reader, writer)
}

#[test]
fn a_second_signal_ends_a_server_whose_log_nobody_reads() {
    let (provider, _go) = waiting();
    let ultra =
        Ultra::empty().env("OPENAI_API_KEY", CANARY).env("OPENAI_BASE_URL", provider.openai());
    let (_reader, writer) = full_pipe();
    let args = ["serve", "--real", "--port", "auto", "-o", "json"];
    let mut child = ultra.command(args).stderr(writer).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    let addr = event["addr"].as_str().unwrap();
    // A stream that is open keeps the server from stopping.
    let mut stream = BufReader::new(chat(&ultra, "/v1/chat/completions", HELLO).open(addr));
    assert_eq!(http::head(&mut stream).0, 200);
    let pid = rustix::process::Pid::from_child(&child);
    let interrupt = || rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    interrupt();
    eventually(Duration::from_secs(10), "the listener to close", || {
        TcpStream::connect(addr).is_err().then_some(())
    });
    interrupt();
    let ended =
        eventually(Duration::from_secs(10), "the end of the server", || child.try_wait().unwrap());
    assert_eq!(ended.code(), Some(130));
}
