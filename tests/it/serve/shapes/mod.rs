//! Answers of any shape: whatever a provider says, its client gets one clear error in the words of
//! its family, nothing of the provider's key, and a server that goes on.
//!
//! Each shape is met by clients of both families at providers of every kind, for a plain answer and
//! for a stream. Every one has a route of its own, so that no breaker hears of another.

mod said;

use super::http::{Answer, Request};
use super::upstream::Upstream;
use super::{dev_key, with_key};
use crate::support::fake::Received;
use crate::support::{CANARY, Server, Ultra};
use said::{MARK, Shape, WHOLE, head, sized, sized_with, useless};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const KINDS: [&str; 5] = ["openai", "anthropic", "google", "cohere", "ollama"];
const PATHS: [&str; 2] = ["/v1/chat/completions", "/v1/messages"];

/// A provider that says what the model's name says: `x-SHAPE-x` is the shape of this name.
fn saying(shapes: Vec<Shape>) -> Upstream {
    Upstream::start(move |asked, stream| {
        if let Some((_, answer)) = shapes.iter().find(|(name, _)| is_asked(asked, name)) {
            let _ = stream.write_all(answer);
        }
    })
}

fn is_asked(asked: &Received, name: &str) -> bool {
    let name = format!("x-{name}-x");
    asked.line.contains(&name) || String::from_utf8_lossy(&asked.body).contains(&name)
}

/// A gateway whose providers of all kinds are this one; a route of its own for every name, kind,
/// path and mode.
fn gateway(provider: &Upstream, names: &[&str], kinds: &[&str], timeouts: &str) -> (Ultra, Server) {
    let mut profile = "mode: real\nsecrets:\n  KEY: env:KEY\nproviders:\n".to_owned();
    for kind in kinds {
        let url = if *kind == "openai" { provider.openai() } else { provider.anthropic() };
        writeln!(profile, "  {kind}: {{kind: {kind}, base_url: \"{url}\", keys: [KEY]}}").unwrap();
    }
    profile += "routes:\n";
    for name in names {
        for kind in kinds {
            for n in 0..PATHS.len() * 2 {
                write!(profile, "  {name}-{kind}-{n}:\n{timeouts}    targets: [{{provider: {kind}, model: x-{name}-x{n}}}]\n").unwrap();
            }
        }
    }
    let ultra = Ultra::empty().env("KEY", CANARY);
    ultra.write("profiles/dev.yaml", profile);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

fn ask(key: &str, server: &Server, name: &str, kind: &str, n: usize) -> Answer {
    let (path, stream) = (PATHS[n % 2], n >= 2);
    let body = json!({"model": format!("{name}-{kind}-{n}"), "max_tokens": 9, "stream": stream,
        "messages": [{"role": "user", "content": "hi"}]});
    Request::new("POST", path)
        .header("authorization", &format!("Bearer {key}"))
        .json(&body.to_string())
        .send(server.addr())
}

/// Whether it is one error of the family, and nothing of what the provider said.
fn is_clear(answer: &Answer, n: usize) -> bool {
    let text = String::from_utf8_lossy(&answer.body()).into_owned();
    let shown = format!("{answer:?}");
    let Ok(error) = serde_json::from_str::<serde_json::Value>(&text) else { return false };
    let family =
        if n % 2 == 1 { error["type"] == "error" } else { error["error"]["code"].is_string() };
    matches!(answer.status, 502 | 504)
        && family
        && error["error"]["message"].is_string()
        && !text.contains(CANARY)
        && !shown.contains(CANARY)
        && !text.contains(MARK)
}

#[test]
fn whatever_a_provider_says_is_one_clear_error() {
    let shapes = useless();
    let names: Vec<&str> = shapes.iter().map(|(name, _)| *name).collect();
    let provider = saying(shapes);
    let (ultra, server) = gateway(&provider, &names, &KINDS, "");
    let key = dev_key(&ultra);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let clients: Vec<_> = KINDS
            .iter()
            .map(|kind| {
                let (names, key, server) = (&names, &key, &server);
                scope.spawn(move || {
                    let mut wrong = Vec::new();
                    for name in names {
                        for n in 0..PATHS.len() * 2 {
                            let answer = ask(key, server, name, kind, n);
                            if !is_clear(&answer, n) {
                                let text = String::from_utf8_lossy(&answer.body()).into_owned();
                                let text: String = text.chars().take(300).collect();
                                wrong.push(format!("{name} {kind} {n}: {} {text}", answer.status));
                            }
                        }
                    }
                    wrong
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    goes_on(&ultra, server);
}

/// The server is well, and has said nothing of the provider's key.
fn goes_on(ultra: &Ultra, server: Server) {
    Request::new("GET", "/api/health/live").send(server.addr()).is(200);
    with_key(ultra, "GET", "/v1/models").send(server.addr()).is(200);
    server.stop().keeps_the_canary();
}

#[test]
fn http_that_is_odd_but_whole_is_an_answer() {
    let json = "application/json";
    let length = format!("content-length: {}\r\n", WHOLE.len());
    let after =
        |before: &str| format!("{before}{}{WHOLE}", head("200 OK", json, &length)).into_bytes();
    let chunked = "transfer-encoding: chunked\r\ntrailer: x-after\r\n";
    let pieces = |end: &str| {
        let (one, other) = WHOLE.split_at(20);
        let head = head("200 OK", json, chunked);
        format!(
            "{head}{:x};ext=1\r\n{one}\r\n{:x}\r\n{other}\r\n0\r\n{end}\r\n",
            one.len(),
            other.len()
        )
        .into_bytes()
    };
    let shapes = vec![
        ("continue", after("HTTP/1.1 100 Continue\r\n\r\n")),
        (
            "hints",
            after("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"),
        ),
        ("old", format!("HTTP/1.0 200 OK\r\ncontent-type: {json}\r\n\r\n{WHOLE}").into_bytes()),
        ("trailers", pieces("x-after: 1\r\nset-cookie: gone=1\r\n")),
        ("charset", sized("200 OK", "application/json; charset=utf-16", WHOLE.as_bytes())),
        (
            "type",
            sized("200 OK", "application/problem+JSON".to_lowercase().as_str(), WHOLE.as_bytes()),
        ),
        ("blanks", sized("200 OK", json, format!("\n  {WHOLE}\r\n\n").as_bytes())),
        (
            "identity",
            sized_with("200 OK", json, "content-encoding: identity\r\n", WHOLE.as_bytes()),
        ),
        ("201", sized("201 Created", json, WHOLE.as_bytes())),
    ];
    let names: Vec<&str> = shapes.iter().map(|(name, _)| *name).collect();
    let provider = saying(shapes);
    let (ultra, server) = gateway(&provider, &names, &KINDS[..1], "");
    let key = dev_key(&ultra);
    for name in &names {
        for n in 0..2 {
            let answer = ask(&key, &server, name, "openai", n);
            assert!(matches!(answer.status, 200 | 201), "{name} {n}: {answer:?}");
            assert!(answer.text().contains("Hello") && answer.whole, "{name} {n}: {answer:?}");
            assert_eq!(answer.header("set-cookie"), None);
        }
    }
    goes_on(&ultra, server);
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    let other = Upstream::start(move |_, stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        let _ = stream.write_all(&sized("200 OK", "application/json", WHOLE.as_bytes()));
    });
    let statuses = ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"];
    let names = ["301", "302", "303", "307", "308"];
    let to = format!("location: {}/chat/completions\r\ncontent-length: 0\r\n", other.openai());
    let shapes = names
        .into_iter()
        .zip(statuses)
        .map(|(name, status)| (name, head(status, "application/json", &to).into_bytes()))
        .collect();
    let provider = saying(shapes);
    let (ultra, server) = gateway(&provider, &names, &KINDS, "");
    let key = dev_key(&ultra);
    for name in names {
        for kind in KINDS {
            for n in 0..4 {
                let answer = ask(&key, &server, name, kind, n);
                assert!(is_clear(&answer, n), "{name} {kind} {n}: {answer:?}");
                assert_eq!(answer.header("location"), None);
            }
        }
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    goes_on(&ultra, server);
}

/// The most memory that a process has had, in bytes.
fn peak(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// Sends up to a gigabyte: `first`, then `again` and again.
fn endless(stream: &mut TcpStream, head: &str, first: &str, again: &str) {
    let piece = again.repeat((1 << 20) / again.len());
    let chunk = |stream: &mut TcpStream, data: &str| {
        write!(stream, "{:x}\r\n{data}\r\n", data.len()).and_then(|()| stream.flush())
    };
    if stream.write_all(head.as_bytes()).is_err() || chunk(stream, first).is_err() {
        return;
    }
    for _ in 0..1024 {
        if chunk(stream, &piece).is_err() {
            return;
        }
    }
}

#[test]
fn a_gigabyte_is_given_up_in_bounded_memory() {
    const NAMES: [&str; 6] = ["object", "line", "comments", "empties", "error", "page"];
    let provider = Upstream::start(move |asked, stream| {
        let name = NAMES.iter().find(|name| is_asked(asked, name)).copied().unwrap_or_default();
        let head = |status: &str, kind: &str| head(status, kind, "transfer-encoding: chunked\r\n");
        let events = head("200 OK", "text/event-stream");
        match name {
            "object" => endless(stream, &head("200 OK", "application/json"), "{\"id\":\"", "a"),
            "line" => endless(stream, &events, "data: {\"choices\":\"", "a"),
            "comments" => endless(stream, &events, ": hello\n\n", ": keep-alive\n\n"),
            "empties" => endless(stream, &events, "\n", "data: {\"choices\":[]}\n\n"),
            "error" => endless(stream, &head("500 Oops", "application/json"), "{\"error\":\"", "a"),
            _ => endless(stream, &head("200 OK", "text/html"), "<html>", "a"),
        }
    });
    let kinds = ["openai", "anthropic", "google", "ollama"];
    let (ultra, server) = gateway(&provider, &NAMES, &kinds, "    timeouts: {total: 15s}\n");
    let key = dev_key(&ultra);
    let before = peak(&server);
    // Kind and client by turns: every kind is passed on or told in its own way.
    let asked = [
        ("object", "openai", 0),
        ("object", "google", 1),
        ("line", "openai", 2),
        ("line", "ollama", 3),
        ("comments", "anthropic", 2),
        ("empties", "openai", 2),
        ("error", "anthropic", 3),
        ("page", "openai", 2),
    ];
    for (name, kind, n) in asked {
        let body = json!({"model": format!("{name}-{kind}-{n}"), "max_tokens": 9, "stream": n >= 2,
            "messages": [{"role": "user", "content": "hi"}]});
        let answer = Request::new("POST", PATHS[n % 2])
            .header("authorization", &format!("Bearer {key}"))
            .header("x-ultra-stream-commit", "complete")
            .json(&body.to_string())
            .send(server.addr());
        let text: String = String::from_utf8_lossy(&answer.body()).chars().take(300).collect();
        assert!(is_clear(&answer, n), "{name} {kind} {n}: {} {text}", answer.status);
    }
    let grown = peak(&server) - before;
    // One answer of 64 MiB at a time, joined once.
    assert!(grown < 320 << 20, "{} MiB", grown >> 20);
    goes_on(&ultra, server);
}

#[test]
fn a_stream_of_one_endless_line_passes_in_bounded_memory() {
    // What flows is the provider's, byte for byte; it never piles up here, however slow its reader.
    let provider = Upstream::start(|_, stream| {
        let head = head("200 OK", "text/event-stream", "transfer-encoding: chunked\r\n");
        let first =
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"x\":\"";
        endless(stream, &head, first, "a");
    });
    let (ultra, server) =
        gateway(&provider, &["line"], &["openai"], "    timeouts: {total: 20s}\n");
    let before = peak(&server);
    let body = json!({"model": "line-openai-2", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    let stream = Request::new("POST", PATHS[0])
        .header("authorization", &format!("Bearer {}", dev_key(&ultra)))
        .json(&body.to_string())
        .open(server.addr());
    let mut stream = std::io::BufReader::new(stream);
    assert_eq!(super::http::head(&mut stream).0, 200);
    // Nobody reads for a while, then somebody does.
    std::thread::sleep(Duration::from_secs(1));
    let mut read = 0;
    while let Some(piece) = super::http::chunk(&mut stream) {
        read += piece.len();
        if piece.is_empty() || read > 64 << 20 {
            break;
        }
    }
    drop(stream);
    let grown = peak(&server) - before;
    assert!(grown < 48 << 20, "{} MiB after {read} bytes", grown >> 20);
    goes_on(&ultra, server);
}

#[test]
fn an_answer_that_drips_runs_into_the_time_of_the_request() {
    let provider = Upstream::start(|asked, stream| {
        let kind = if is_asked(asked, "events") { "text/event-stream" } else { "application/json" };
        let head = head("200 OK", kind, "transfer-encoding: chunked\r\n");
        let _ = stream.write_all(head.as_bytes());
        for byte in WHOLE.as_bytes().iter().cycle() {
            if write!(stream, "1\r\n{}\r\n", char::from(*byte)).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(40));
        }
    });
    let timeouts = "    timeouts: {total: 1500ms}\n";
    let names = ["json", "events"];
    let (ultra, server) = gateway(&provider, &names, &KINDS, timeouts);
    let key = dev_key(&ultra);
    std::thread::scope(|scope| {
        for (name, kind) in names.into_iter().flat_map(|name| KINDS.map(|kind| (name, kind))) {
            for n in 0..4 {
                let (key, server) = (&key, &server);
                scope.spawn(move || {
                    let answer = ask(key, server, name, kind, n);
                    assert!(is_clear(&answer, n), "{name} {kind} {n}: {answer:?}");
                });
            }
        }
    });
    goes_on(&ultra, server);
}

#[test]
fn headers_of_a_provider_that_quote_its_key_stay_here() {
    let quoting = format!("x-echo: Bearer {CANARY}\r\nx-kept: yes\r\n");
    let shapes = vec![
        ("ok", sized_with("200 OK", "application/json", &quoting, WHOLE.as_bytes())),
        (
            "bad",
            sized_with(
                "400 Bad Request",
                "application/json",
                &quoting,
                br#"{"error":{"message":"no","type":"invalid_request_error"}}"#,
            ),
        ),
    ];
    let provider = saying(shapes);
    let (ultra, server) = gateway(&provider, &["ok", "bad"], &KINDS[..1], "");
    let key = dev_key(&ultra);
    for name in ["ok", "bad"] {
        for n in 0..2 {
            let answer = ask(&key, &server, name, "openai", n);
            assert_eq!(answer.header("x-kept"), Some("yes"), "{name} {n}: {answer:?}");
            assert!(!format!("{answer:?}").contains(CANARY), "{name} {n}: {answer:?}");
        }
    }
    goes_on(&ultra, server);
}
