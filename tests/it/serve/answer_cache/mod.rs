//! The cache of answers: who gets what another request was answered, and who never does.

mod flights;
mod kept;
mod redis;
mod streams;
mod wanted;

use super::http::Answer;
use super::upstream::{self, Upstream};
use super::{chat, fallback, with_key};
use crate::support::{Server, Ultra};
use std::io::Write as _;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

/// A question that asks for determinism.
const ZERO: &str = r#"{"model":"m","temperature":0,"messages":[{"role":"user","content":"hi"}]}"#;

/// What a route says that keeps answers.
const KEPT: &str = "    cache: {ttl: 10m}\n";

/// A whole answer that says `text`.
fn answer(text: &str) -> String {
    format!(
        r#"{{"id":"x","object":"chat.completion","created":1,"model":"m0","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}}}"#
    )
}

/// A provider that numbers its answers, from 0.
fn counting() -> Upstream {
    numbered(|n| upstream::json("200 OK", &answer(&format!("answer {n}"))))
}

/// A provider that gives the `n`th request, from 0, what `respond` says.
fn numbered(respond: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static) -> Upstream {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Upstream::start(move |_, stream| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let _ = stream.write_all(&respond(n));
    })
}

/// A server whose model `m` is this provider's; `route` is more of the route.
fn serving(provider: &Upstream, route: &str) -> (Ultra, Server) {
    fallback::serving(&[provider], route, &[])
}

/// Asks, with what the request says of the cache, if anything.
#[track_caller]
fn ask(ultra: &Ultra, server: &Server, body: &str, wish: &str) -> Answer {
    ask_at(CHAT, ultra, server, body, wish).is(200)
}

fn ask_at(path: &str, ultra: &Ultra, server: &Server, body: &str, wish: &str) -> Answer {
    let request = chat(ultra, path, body);
    let request = if wish.is_empty() { request } else { request.header("x-ultra-cache", wish) };
    request.send(server.addr())
}

fn came_of(answer: &Answer) -> Option<&str> {
    answer.header("x-ultra-cache")
}

/// How many requests have come to this, as the server counts them.
fn counted(ultra: &Ultra, server: &Server, result: &str) -> u64 {
    let metrics = with_key(ultra, "GET", "/metrics").send(server.addr()).is(200).text();
    let name = format!("ultra_answer_cache_total{{result=\"{result}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |count| count.parse().unwrap())
}
