//! What providers say when they say nothing that anybody can use.

use crate::support::CANARY;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A shape: its name, and the bytes on the wire.
pub(super) type Shape = (&'static str, Vec<u8>);

/// A whole answer of a provider of the OpenAI family.
pub(super) const WHOLE: &str = r#"{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;

/// Something that must not be told: it is in what providers say.
pub(super) const MARK: &str = "marrow-7d1f";

pub(super) fn head(status: &str, kind: &str, more: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\n{more}\r\n")
}

pub(super) fn sized(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let mut all = head(status, kind, &format!("content-length: {}\r\n", body.len())).into_bytes();
    all.extend_from_slice(body);
    all
}

fn wide(text: &str, little: bool) -> Vec<u8> {
    let unit = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    text.encode_utf16().flat_map(unit).collect()
}

/// What no client can do anything with.
pub(super) fn useless() -> Vec<Shape> {
    cut_or_empty().into_iter().chain(strange()).chain(no_answers()).collect()
}

/// Pages, nothing at all, and answers whose end is missing or elsewhere.
fn cut_or_empty() -> Vec<Shape> {
    let json = "application/json";
    let page = format!("<html><body>{MARK} {CANARY}</body></html>");
    let chunked = |kind: &str, body: &str, end: &str| {
        let head = head("200 OK", kind, "transfer-encoding: chunked\r\n");
        format!("{head}{:x}\r\n{body}\r\n{end}", body.len()).into_bytes()
    };
    let half = &WHOLE[..WHOLE.len() / 2];
    let events = "text/event-stream";
    vec![
        ("page", sized("200 OK", "text/html", page.as_bytes())),
        ("page-as-json", sized("200 OK", json, page.as_bytes())),
        ("page-as-events", chunked(events, &page, "0\r\n\r\n")),
        ("page-502", sized("502 Bad Gateway", "text/html", page.as_bytes())),
        ("page-500", sized("500 Oops", json, page.as_bytes())),
        ("nothing", sized("200 OK", json, b"")),
        ("no-events", sized("200 OK", events, b"")),
        (
            "no-events-chunked",
            head("200 OK", events, "transfer-encoding: chunked\r\n")
                .into_bytes()
                .into_iter()
                .chain(*b"0\r\n\r\n")
                .collect(),
        ),
        ("half", sized("200 OK", json, half.as_bytes())),
        ("ends-like-a-whole", sized("200 OK", json, &WHOLE.as_bytes()[..WHOLE.len() - 1])),
        ("half-chunked", chunked(json, half, "0\r\n\r\n")),
        ("broken-chunk", chunked(json, half, "zz\r\n")),
        ("no-last-chunk", chunked(json, half, "")),
        ("no-length", [head("200 OK", json, "").as_bytes(), half.as_bytes()].concat()),
        (
            "too-short",
            [head("200 OK", json, "content-length: 40\r\n").as_bytes(), WHOLE.as_bytes()].concat(),
        ),
        (
            "too-long",
            [head("200 OK", json, "content-length: 4000\r\n").as_bytes(), WHOLE.as_bytes()]
                .concat(),
        ),
        (
            "two-lengths",
            [
                head("200 OK", json, "content-length: 4\r\ncontent-length: 5\r\n").as_bytes(),
                WHOLE.as_bytes(),
            ]
            .concat(),
        ),
    ]
}

/// Bodies in another form than the one that was asked for.
fn strange() -> Vec<Shape> {
    let (json, events) = ("application/json", "text/event-stream");
    let mut marked_16 = vec![0xff, 0xfe];
    marked_16.extend(wide(WHOLE, true));
    vec![
        ("text", sized("200 OK", "text/plain", WHOLE.as_bytes())),
        (
            "no-type",
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{WHOLE}",
                WHOLE.len()
            )
            .into_bytes(),
        ),
        ("array", sized("200 OK", json, b"[1]")),
        ("null", sized("200 OK", json, b"null")),
        ("nul-bytes", sized("200 OK", json, &[0; 64])),
        ("utf-16", sized("200 OK", "application/json; charset=utf-16", &marked_16)),
        ("utf-16-bare", sized("200 OK", json, &wide(WHOLE, false))),
        ("gzip", sized_with("200 OK", json, "content-encoding: gzip\r\n", &gzip(WHOLE.as_bytes()))),
        ("bomb", sized_with("200 OK", json, "content-encoding: gzip\r\n", &bomb())),
        ("bomb-of-events", sized_with("200 OK", events, "content-encoding: gzip\r\n", &bomb())),
    ]
}

/// Heads that are none of an answer.
fn no_answers() -> Vec<Shape> {
    let json = "application/json";
    vec![
        ("204", head("204 No Content", json, "").into_bytes()),
        ("304", head("304 Not Modified", json, "").into_bytes()),
        (
            "moved",
            head(
                "307 Temporary Redirect",
                json,
                "location: http://127.0.0.1:1/\r\ncontent-length: 0\r\n",
            )
            .into_bytes(),
        ),
        ("switched", head("101 Switching Protocols", json, "upgrade: h2c\r\n").into_bytes()),
        ("garbage", b"nonsense\r\n\r\n".to_vec()),
        ("http-2", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00".to_vec()),
        ("silence", Vec::new()),
        (
            "headers",
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {json}\r\nx-long: {}\r\n\r\n{WHOLE}",
                "h".repeat(1 << 20)
            )
            .into_bytes(),
        ),
        (
            "many-headers",
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {json}\r\n{}\r\n{WHOLE}",
                "x-one: more\r\n".repeat(10_000)
            )
            .into_bytes(),
        ),
    ]
}

pub(super) fn sized_with(status: &str, kind: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let length = format!("{more}content-length: {}\r\n", body.len());
    [head(status, kind, &length).as_bytes(), body].concat()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut program = Command::new("gzip");
    program.arg("-9").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut gzip = program.spawn().unwrap();
    let mut input = gzip.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(data).unwrap());
        gzip.wait_with_output().unwrap().stdout
    })
}

/// A few kilobytes that become sixteen megabytes, which is the same as a gigabyte to whoever does
/// not unpack them.
fn bomb() -> Vec<u8> {
    gzip(&vec![b' '; 16 << 20])
}
