//! The measuring rig: what stands on either side of `ultra serve` in a benchmark.
//!
//! `rig upstream PORT` answers like an OpenAI-compatible provider, always the same: a fixed
//! completion, or twenty chunks when a stream is asked for. `rig pass PORT http://HOST:PORT` passes
//! requests on as they are: what a gateway written in Rust cannot be faster than.
//!
//! `rig keyed PORT` answers for keys that it is told on standard input (`accept KEY`, `refuse KEY`)
//! and says how each was used (`log`). `rig load RATE SECONDS HOST:PORT..` sends chat completions at
//! a constant rate, half of them streams, with the credentials that it is told on standard input
//! (`key KEY`, `token TOKEN`, more tokens at any time), and prints what became of them.
//!
//! `rig families PORT` answers like providers of both families, and fails where it is asked to;
//! `log` on standard input has it say how often it was asked. `rig mixed RATE SECONDS HOST:PORT` is
//! told a service key, sends what meets all of that, and prints what became of it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a tool for one machine"
)]
#![allow(clippy::allow_attributes, reason = "expectations differ between the two roles")]

#[path = "rig/answers.rs"]
mod answers;
#[path = "rig/families.rs"]
mod families;
#[path = "rig/keyed.rs"]
mod keyed;
#[path = "rig/listen.rs"]
mod listen;
#[path = "rig/load.rs"]
mod load;
#[path = "rig/mixed.rs"]
mod mixed;

use answers::{ANSWER, Body, MODELS, json};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::io::BufRead as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;

fn chunks() -> Response<Body> {
    let events =
        answers::events().into_iter().map(|e| Ok::<_, hyper::Error>(Frame::data(Bytes::from(e))));
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(StreamBody::new(stream::iter(events)).boxed())
        .unwrap()
}

async fn upstream(request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    let models = request.uri().path().ends_with("/models");
    let body = request.into_body().collect().await?.to_bytes();
    if models {
        return Ok(json(200, MODELS));
    }
    Ok(if answers::streamed(&body) { chunks() } else { json(200, ANSWER) })
}

async fn pass(
    client: Client<HttpConnector, Incoming>,
    target: String,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, hyper::Error> {
    *request.uri_mut() = format!("{target}{}", request.uri().path()).parse().unwrap();
    request.headers_mut().remove("host");
    Ok(client
        .request(request)
        .await
        .expect("the upstream answers")
        .map(http_body_util::BodyExt::boxed))
}

/// The words of every line of standard input, until it ends.
fn told(mut line: impl FnMut(&str, &str)) {
    for text in std::io::stdin().lock().lines().map_while(Result::ok) {
        let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
        line(verb, rest);
    }
}

/// The provider that is told its keys.
async fn keyed(listener: TcpListener) {
    let provider = keyed::Keyed::new(Duration::from_millis(15));
    tokio::spawn(Arc::clone(&provider).serve(listener));
    let reader = std::thread::spawn(move || {
        told(|verb, key| match verb {
            "accept" => provider.accept(key),
            "refuse" => provider.refuse(key),
            _ => {
                let one = |(key, seen): (String, keyed::Seen)| {
                    let seen = serde_json::json!({
                        "answered": seen.answered, "refused": seen.refused, "last": seen.last,
                    });
                    (key, seen)
                };
                let seen: serde_json::Map<_, _> = provider.seen().into_iter().map(one).collect();
                println!("{}", serde_json::Value::from(seen));
            }
        });
    });
    finished(reader).await;
}

async fn finished(reader: std::thread::JoinHandle<()>) {
    while !reader.is_finished() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The provider of both families.
async fn both(listener: TcpListener) {
    let provider = Arc::<families::Families>::default();
    tokio::spawn(Arc::clone(&provider).serve(listener));
    let log = move || {
        told(|_, _| println!("{}", serde_json::json!({ "asked": provider.asked() })));
    };
    finished(std::thread::spawn(log)).await;
}

/// The load that meets everything.
async fn mixture(rate: &str, seconds: &str, target: &str) {
    let mut key = String::new();
    std::io::stdin().read_line(&mut key).unwrap();
    let seconds = Duration::from_secs(seconds.parse().expect("seconds"));
    let target = target.parse().expect("HOST:PORT");
    let rate = rate.parse().expect("a rate");
    let tally = mixed::run(target, rate, seconds, key.trim().to_owned()).await;
    let ended: serde_json::Map<_, _> =
        tally.ended.iter().map(|(fate, n)| (format!("{fate:?}"), (*n).into())).collect();
    let failed = tally.sent - tally.ended.values().sum::<u64>();
    let shown = serde_json::json!({
        "sent": tally.sent, "ended": ended, "failed": failed, "failures": tally.failures,
        "plain": quantiles(tally.plain), "first": quantiles(tally.first),
    });
    println!("{shown}");
}

/// 50 and 99 per cent of them are at most this, in milliseconds, and the greatest.
fn quantiles(mut micros: Vec<u32>) -> serde_json::Value {
    micros.sort_unstable();
    let at = |share: usize| {
        let n = (micros.len() * share / 100).min(micros.len().saturating_sub(1));
        micros.get(n).map(|us| f64::from(*us) / 1000.0)
    };
    serde_json::json!({ "p50": at(50), "p99": at(99), "max": at(100) })
}

async fn load(rate: &str, seconds: &str, targets: &[String]) {
    let mut key = String::new();
    let mut first = String::new();
    let stdin = std::io::stdin();
    while key.is_empty() || first.is_empty() {
        let mut line = String::new();
        assert!(stdin.read_line(&mut line).unwrap() > 0, "a key and a token are told first");
        match line.trim().split_once(' ') {
            Some(("key", told)) => key = told.to_owned(),
            Some(("token", told)) => first = told.to_owned(),
            _ => panic!("neither a key nor a token: {line}"),
        }
    }
    let load = Arc::new(load::Load {
        targets: targets.iter().map(|t| t.parse().expect("HOST:PORT")).collect(),
        rate: rate.parse().expect("a rate"),
        key,
        tokens: RwLock::new(vec![first]),
        over: AtomicBool::new(false),
    });
    let (more, ends) = (Arc::clone(&load), Arc::clone(&load));
    std::thread::spawn(move || {
        told(|_, token| more.tokens.write().unwrap().push(token.to_owned()));
    });
    let seconds = Duration::from_secs(seconds.parse().expect("seconds"));
    std::thread::spawn(move || {
        std::thread::sleep(seconds);
        ends.over.store(true, Ordering::Relaxed);
    });
    let tally = load::run(load).await;
    let shown = serde_json::json!({
        "sent": tally.sent, "answered": tally.answered, "tokens": tally.tokens, "failed": tally.failed(),
        "failures": &tally.failures, "plain": quantiles(tally.plain), "first": quantiles(tally.first),
        "behind": quantiles(tally.behind),
    });
    println!("{shown}");
}

async fn serve(listener: TcpListener, target: Option<String>) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    listen::serve(listener, move |request| {
        let (client, target) = (client.clone(), target.clone());
        async move {
            match target {
                None => upstream(request).await,
                Some(target) => pass(client, target, request).await,
            }
        }
    })
    .await;
}

async fn bound(port: &str) -> TcpListener {
    let port: u16 = port.parse().expect("a port");
    TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free")
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["upstream", port] => serve(bound(port).await, None).await,
        ["pass", port, target] => serve(bound(port).await, Some((*target).to_owned())).await,
        ["keyed", port] => keyed(bound(port).await).await,
        ["families", port] => both(bound(port).await).await,
        ["mixed", rate, seconds, target] => mixture(rate, seconds, target).await,
        ["load", rate, seconds, ..] => load(rate, seconds, args.get(3..).unwrap()).await,
        // `cargo bench` and `cargo test` run it without a role.
        _ => {}
    }
}
