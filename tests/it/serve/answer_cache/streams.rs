//! Streams are kept when they have ended well, and said again byte for byte.

use super::{CHAT, KEPT, MESSAGES, ZERO, ask, ask_at, came_of, serving};
use crate::serve::upstream::{self, Upstream, chunk};
use crate::serve::{chat, http};
use crate::support::eventually;
use std::io::{BufReader, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const TEXT: &str = "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"a\"}}]}\n\n";
const STOP: &str =
    "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn streamed(body: &str) -> String {
    body.replace("\"temperature\"", "\"stream\":true,\"temperature\"")
}

/// A provider that streams for the `n`th request, from 0, what `events` says.
fn streaming(events: impl Fn(usize) -> Vec<String> + Send + Sync + 'static) -> Upstream {
    let count = AtomicUsize::new(0);
    Upstream::start(move |_, stream| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        let _ = stream.write_all(upstream::STREAM.as_bytes());
        for event in events(n) {
            let _ = chunk(stream, event.as_bytes());
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    })
}

fn whole() -> Vec<String> {
    [": hello\n\n", TEXT, TEXT, STOP, USAGE, DONE].map(str::to_owned).to_vec()
}

#[test]
fn a_stream_is_said_again_byte_for_byte() {
    let body = streamed(ZERO);
    for commit in ["", "    stream_commit: complete\n"] {
        let provider = streaming(|_| whole());
        let (ultra, server) = serving(&provider, &format!("{KEPT}{commit}"));
        let first = ask(&ultra, &server, &body, "");
        assert_eq!((came_of(&first), first.whole), (Some("miss"), true));
        let second = ask(&ultra, &server, &body, "");
        assert_eq!(came_of(&second), Some("hit"));
        assert_eq!(second.text(), first.text());
        assert!(second.text().ends_with(DONE) && !second.text().contains("usage"));
        assert_eq!(second.header("content-type"), first.header("content-type"));
        assert_eq!(second.header("x-ultra-attempts"), Some("0"));
        assert_eq!(provider.received().len(), 1);
        // Who wants the counts in the stream gets another one, with them.
        let counts = body.replace(
            "\"stream\":true",
            "\"stream\":true,\"stream_options\":{\"include_usage\":true}",
        );
        for came in ["miss", "hit"] {
            let counted = ask(&ultra, &server, &counts, "");
            assert_eq!(came_of(&counted), Some(came));
            assert!(counted.text().contains("usage"));
        }
        assert_eq!(provider.received().len(), 2);
    }
}

#[test]
fn a_stream_that_does_not_end_well_is_not_kept() {
    let long = STOP.replace("\"stop\"", "\"length\"");
    let error = "data: {\"error\":{\"message\":\"x\",\"code\":\"x\"}}\n\n";
    let large = TEXT.replace("\"a\"", &format!("\"{}\"", "a".repeat(600_000)));
    for bad in [
        vec![TEXT],
        vec![TEXT, error],
        vec![TEXT, &long, DONE],
        vec![TEXT, "data: {no json\n\n", STOP, DONE],
        vec![&large, &large, STOP, DONE],
    ] {
        let bad: Vec<String> = bad.into_iter().map(str::to_owned).collect();
        let shown: String = bad.concat().chars().take(200).collect();
        let provider = streaming(move |n| if n == 0 { bad.clone() } else { whole() });
        let (ultra, server) = serving(&provider, KEPT);
        let body = streamed(ZERO);
        for came in ["miss", "miss", "hit"] {
            assert_eq!(came_of(&ask(&ultra, &server, &body, "")), Some(came), "{shown}");
        }
        assert_eq!(provider.received().len(), 2, "{shown}");
    }
}

#[test]
fn a_client_that_leaves_with_the_mark_of_the_end_has_had_it_all() {
    // The provider leaves its connection open once all is said.
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let provider = Upstream::start(move |_, stream| {
        let _ = stream.write_all(upstream::STREAM.as_bytes());
        for event in whole() {
            let _ = chunk(stream, event.as_bytes());
        }
        let _ = gone.lock().unwrap().recv_timeout(PATIENCE);
    });
    let (ultra, server) = serving(&provider, KEPT);
    let body = streamed(ZERO);
    let mut first = BufReader::new(chat(&ultra, CHAT, &body).open(server.addr()));
    assert_eq!(http::head(&mut first).0, 200);
    let mut said = Vec::new();
    while !said.ends_with(DONE.as_bytes()) {
        said.extend(http::chunk(&mut first).unwrap());
    }
    drop(first);
    let second = ask(&ultra, &server, &body, "");
    assert_eq!((came_of(&second), second.body()), (Some("hit"), said));
    assert_eq!(provider.received().len(), 1);
    drop(go);
}

#[test]
fn a_client_that_leaves_in_the_middle_leaves_nothing_behind() {
    let provider = Upstream::start(|asked, stream| {
        let _ = stream.write_all(upstream::STREAM.as_bytes());
        let _ = chunk(stream, TEXT.as_bytes());
        if asked.header("x-slow").is_some() {
            std::thread::sleep(Duration::from_secs(30));
        }
        for event in [STOP, DONE] {
            let _ = chunk(stream, event.as_bytes());
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    let (ultra, server) = serving(&provider, KEPT);
    let body = streamed(ZERO);
    // The header is part of the question: both ask with one, and only one is slow.
    let slow = chat(&ultra, CHAT, &body).header("x-slow", "1");
    let mut first = BufReader::new(slow.open(server.addr()));
    assert_eq!(http::head(&mut first).0, 200);
    http::chunk(&mut first).unwrap();
    let waiting = BufReader::new(slow.open(server.addr()));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(provider.received().len(), 1, "the second waits for the first");
    drop(first);
    eventually(PATIENCE, "the second to ask by itself", || {
        (provider.received().len() == 2).then_some(())
    });
    drop(waiting);
    let plain = ask(&ultra, &server, &body, "");
    assert_eq!(came_of(&plain), Some("miss"));
}

#[test]
fn a_stream_told_to_another_family_is_the_same_each_time() {
    let provider = streaming(|_| whole());
    let (ultra, server) = serving(&provider, KEPT);
    let body = streamed(
        r#"{"model":"m","max_tokens":9,"temperature":0,"messages":[{"role":"user","content":"hi"}]}"#,
    );
    let first = ask_at(MESSAGES, &ultra, &server, &body, "").is(200);
    let second = ask_at(MESSAGES, &ultra, &server, &body, "").is(200);
    assert_eq!((came_of(&first), came_of(&second)), (Some("miss"), Some("hit")));
    assert!(first.text().contains("message_stop"), "{}", first.text());
    assert_eq!(first.body(), second.body());
    assert_eq!(provider.received().len(), 1);
}
