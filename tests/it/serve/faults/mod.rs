//! What providers do when they fail, one by one: what is tried again, where, and what the client is
//! told. The table of all faults and their tests is in [`super::conduct`].

mod answers;
mod breakers;
mod elsewhere;
mod keys;
mod limits;
mod odd;
mod streams;
mod turns;
mod unconnected;

use super::upstream::{self, Upstream, chunk};
use super::with_key;
use crate::support::Ultra;
use serde_json::Value;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str =
    r#"{"id":"x","choices":[{}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
const BUSY: &str = r#"{"error":{"message":"busy","type":"server_error","code":"busy"}}"#;
const ROLE: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
const TEXT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
const STOP: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// A provider that answers the `n`th request, from 0, as `respond` says.
fn numbered(respond: impl Fn(usize, &mut TcpStream) + Send + Sync + 'static) -> Upstream {
    let count = AtomicUsize::new(0);
    Upstream::start(move |_, stream| respond(count.fetch_add(1, Ordering::SeqCst), stream))
}

fn write(stream: &mut TcpStream, answer: &[u8]) {
    let _ = stream.write_all(answer);
}

fn ok(stream: &mut TcpStream) {
    write(stream, &upstream::json("200 OK", ANSWER));
}

/// A stream of these events; it ends as one should if `whole`.
fn events(stream: &mut TcpStream, events: &[&str], whole: bool) {
    write(stream, upstream::STREAM.as_bytes());
    for event in events {
        let _ = chunk(stream, event.as_bytes());
    }
    if whole {
        write(stream, b"0\r\n\r\n");
    }
}

fn good_stream() -> Upstream {
    Upstream::start(|_, stream| events(stream, &[ROLE, TEXT, STOP, DONE], true))
}

/// The breaker of a target.
pub(super) fn breaker(ultra: &Ultra, addr: &str, target: &str) -> Value {
    let path = "/api/health/circuit-breakers";
    let all = with_key(ultra, "GET", path).send(addr).is(200).json();
    let breakers = all["circuit_breakers"].as_array().unwrap();
    breakers.iter().find(|b| b["target"] == target).cloned().unwrap()
}
