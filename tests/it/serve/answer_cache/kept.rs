//! Only whole, successful answers are kept.

use super::{CHAT, KEPT, MESSAGES, ZERO, answer, ask, ask_at, came_of, numbered, serving};
use crate::serve::upstream::{self, Upstream};
use std::io::Write as _;

#[test]
fn what_the_model_did_not_end_itself_is_asked_for_again() {
    let whole = answer("first");
    let unfit = [
        whole.replace("\"stop\"", "\"length\""),
        whole.replace("\"stop\"", "\"content_filter\""),
        whole.replace("\"stop\"", "null"),
        whole.replace("\"content\":\"first\"", "\"content\":null,\"refusal\":\"no\""),
        // More than is kept, and more than the server keeps in all.
        answer(&"a".repeat(1_100_000)),
    ];
    for body in unfit {
        let shown: String = body.chars().take(200).collect();
        let said = body.clone();
        let provider = numbered(move |n| match n {
            0 => upstream::json("200 OK", &said),
            _ => upstream::json("200 OK", &answer("second")),
        });
        let (ultra, server) = serving(&provider, KEPT);
        let first = ask(&ultra, &server, ZERO, "");
        assert_eq!((came_of(&first), first.text() == body), (Some("miss"), true), "{shown}");
        let second = ask(&ultra, &server, ZERO, "");
        assert_eq!((came_of(&second), second.text()), (Some("miss"), answer("second")), "{shown}");
        let third = ask(&ultra, &server, ZERO, "");
        assert_eq!((came_of(&third), third.text()), (Some("hit"), answer("second")), "{shown}");
        assert_eq!(provider.received().len(), 2, "{shown}");
    }
}

#[test]
fn a_large_answer_is_a_hit_for_whoever_asks_next() {
    // It is looked at apart: the next may ask before that is done.
    let large = answer(&"a".repeat(900_000));
    let said = large.clone();
    let provider = numbered(move |n| match n {
        0 => upstream::json("200 OK", &said),
        _ => upstream::json("200 OK", &answer("second")),
    });
    let (ultra, server) = serving(&provider, KEPT);
    for came in ["miss", "hit", "hit"] {
        let answered = ask(&ultra, &server, ZERO, "");
        assert_eq!((came_of(&answered), answered.text() == large), (Some(came), true));
    }
    assert_eq!(provider.received().len(), 1);
}

#[test]
fn errors_are_never_kept() {
    let error = r#"{"error":{"message":"no","type":"invalid_request_error","code":"no"}}"#;
    for status in ["400 Bad Request", "200 OK", "429 Slow down"] {
        // What may pass is tried three times.
        let bad = if status.starts_with("429") { 3 } else { 1 };
        let provider = numbered(move |n| match n {
            n if n < bad => upstream::json(status, error),
            _ => upstream::json("200 OK", &answer("good")),
        });
        let (ultra, server) = serving(&provider, KEPT);
        let refused = ask_at(CHAT, &ultra, &server, ZERO, "");
        assert!(refused.status >= 400, "{status}: {}", refused.text());
        assert_eq!(came_of(&refused), Some("miss"), "{status}");
        assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), Some("miss"), "{status}");
        let hit = ask(&ultra, &server, ZERO, "");
        assert_eq!((came_of(&hit), hit.text()), (Some("hit"), answer("good")), "{status}");
    }
}

#[test]
fn calls_of_tools_are_kept_and_an_encoded_answer_is_not() {
    let calls = r#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    let provider = Upstream::saying(upstream::json("200 OK", calls));
    let (ultra, server) = serving(&provider, KEPT);
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), Some("miss"));
    let hit = ask(&ultra, &server, ZERO, "");
    assert_eq!((came_of(&hit), &*hit.text()), (Some("hit"), calls));

    let provider = Upstream::start(|_, stream| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\nconnection: close\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(b"\x1f\x8b\x08\x00");
    });
    let (ultra, server) = serving(&provider, KEPT);
    for asked in 1..=2 {
        ask_at(CHAT, &ultra, &server, ZERO, "").is(502);
        assert_eq!(provider.received().len(), asked);
    }
}

#[test]
fn answers_of_another_family_are_kept_as_the_client_gets_them() {
    let provider = Upstream::saying(upstream::json("200 OK", &answer("told")));
    let (ultra, server) = serving(&provider, KEPT);
    let body = r#"{"model":"m","max_tokens":9,"temperature":0,"messages":[{"role":"user","content":"hi"}]}"#;
    let first = ask_at(MESSAGES, &ultra, &server, body, "").is(200);
    let second = ask_at(MESSAGES, &ultra, &server, body, "").is(200);
    assert_eq!((came_of(&first), came_of(&second)), (Some("miss"), Some("hit")));
    assert_eq!(second.json()["content"][0]["text"], "told");
    assert_eq!(second.body(), first.body());
    // The other API is another question, whoever answers.
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), Some("miss"));
    assert_eq!(provider.received().len(), 2);
}
