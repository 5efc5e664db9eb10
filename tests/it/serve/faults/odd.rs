//! Streams of a client's own family whose events are not as they should be: large, endless, cut in
//! their midst, or on several lines.

use super::{CHAT, DONE, ROLE, STOP, STREAM, TEXT, events};
use crate::serve::chat;
use crate::serve::fallback::{server, serving};
use crate::serve::upstream::{self, Upstream, chunk};
use std::io::Write as _;

/// The error at the end of what a client got, after all of `before`.
#[track_caller]
fn error_after(before: &str, text: &str) -> serde_json::Value {
    let rest = text.strip_prefix(before).unwrap_or_else(|| panic!("{} bytes", text.len()));
    let data = rest.strip_prefix("data: ").and_then(|rest| rest.strip_suffix("\n\n"));
    let data = data.unwrap_or_else(|| panic!("{rest:.200}"));
    assert!(!data.contains('\n'), "one event: {data}");
    serde_json::from_str::<serde_json::Value>(data).unwrap()["error"].clone()
}

#[test]
fn a_cut_within_an_event_of_any_size_leaves_nothing_of_it_before_the_error() {
    for (size, beginning) in [
        (10, "data: {\"x\":\""),
        (1 << 20, "data: {\"x\":\""),
        (1 << 20, "event: x\ndata: {\ndata: "),
    ] {
        let half = format!("{beginning}{}", "a".repeat(size));
        let first = Upstream::start(move |_, stream| events(stream, &[ROLE, TEXT, &half], false));
        let (ultra, server) = server(&[&first]);
        let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
        let error = error_after(&format!("{ROLE}{TEXT}"), &answer.text());
        assert_eq!(error["code"], "upstream_stream_broken", "{size}");
    }
}

#[test]
fn a_large_event_passes_whole_and_an_endless_one_is_broken_off() {
    let large = format!("data: {{\"x\":\"{}\"}}\n\n", "a".repeat(5 << 20));
    let whole = [ROLE, TEXT, &large, STOP, DONE].concat();
    let sent = whole.clone();
    let provider = Upstream::start(move |_, stream| {
        let _ = stream.write_all(upstream::STREAM.as_bytes());
        for piece in sent.as_bytes().chunks(100_000) {
            let _ = chunk(stream, piece);
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    let (ultra, good) = server(&[&provider]);
    assert!(chat(&ultra, CHAT, STREAM).send(good.addr()).is(200).text() == whole);

    let endless = Upstream::start(|_, stream| {
        events(stream, &[ROLE, TEXT, "data: {\"x\":\""], false);
        // Until nobody listens any more.
        while chunk(stream, &[b'a'; 1 << 16]).is_ok() {}
    });
    let (ultra, server) = serving(&[&endless], "", &[]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
    let error = error_after(&format!("{ROLE}{TEXT}"), &answer.text());
    assert!(error["message"].as_str().unwrap().contains("bytes"), "{error}");
}

#[test]
fn the_counts_that_nobody_asked_for_are_taken_out_on_however_many_lines() {
    let counts = "data: {\"choices\":[],\ndata: \"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";
    let provider =
        Upstream::start(move |_, stream| events(stream, &[ROLE, TEXT, STOP, counts, DONE], true));
    let (ultra, server) = server(&[&provider]);
    let answer = chat(&ultra, CHAT, STREAM).send(server.addr()).is(200);
    assert_eq!(answer.text(), [ROLE, TEXT, STOP, DONE].concat());
}
