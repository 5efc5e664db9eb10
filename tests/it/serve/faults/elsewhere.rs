//! Who is asked once more, who is asked instead, and whose error the client is told.

use super::{ANSWER, BUSY, CHAT, HELLO, breaker, numbered, ok, write};
use crate::serve::chat;
use crate::serve::fallback::{server, serving};
use crate::serve::upstream::{self, Upstream};
use std::time::Duration;

#[test]
fn what_breaks_once_is_asked_once_more() {
    for broken in ["500 Oops", "503 Busy", ""] {
        let only = numbered(move |n, stream| match (n, broken) {
            // The connection ends before a byte of an answer.
            (0, "") => {}
            (0, status) => write(stream, &upstream::json(status, BUSY)),
            _ => ok(stream),
        });
        let (ultra, server) = server(&[&only]);
        chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
        assert_eq!(only.received().len(), 2, "{broken}");
    }
}

#[test]
fn who_is_silent_is_not_asked_again_but_passed_over() {
    let silent = Upstream::start(|_, _| std::thread::sleep(Duration::from_secs(5)));
    let second = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (ultra, server) = serving(&[&silent, &second], "    timeouts: {headers: 200ms}\n", &[]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-attempts"), Some("2"));
    assert_eq!(silent.received().len(), 1);
}

#[test]
fn a_conversation_that_is_too_long_goes_only_to_who_takes_more() {
    let error = r#"{"error":{"message":"long","code":"context_length_exceeded"}}"#;
    let long = Upstream::saying(upstream::json("400 Bad Request", error));
    let same = Upstream::saying(upstream::json("200 OK", ANSWER));
    let larger = Upstream::saying(upstream::json("200 OK", ANSWER));
    let contexts = [", context: 8000", ", context: 8000", ", context: 9000"];
    let (ultra, server) = serving(&[&long, &same, &larger], "", &contexts);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-provider"), Some("p2"));
    assert!(same.received().is_empty());

    let (ultra, server) = serving(&[&long, &same], "", &contexts);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(400);
    assert_eq!(answer.text(), error);
}

#[test]
fn what_a_target_that_stands_in_says_of_the_request_does_not_hide_the_failure() {
    let first = Upstream::saying(upstream::json("503 Busy", BUSY));
    let prefill = r#"{"error":{"message":"no prefill","code":"unsupported"}}"#;
    let second = Upstream::saying(upstream::json("400 Bad Request", prefill));
    let (ultra, server) = server(&[&first, &second]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(503);
    assert_eq!(answer.json()["error"]["code"], "busy");
    assert_eq!(second.received().len(), 1);
}

#[test]
fn nor_does_it_while_the_first_target_rests_or_is_limited() {
    let prefill = r#"{"error":{"message":"no prefill","code":"unsupported"}}"#;
    let head = "429 Too Many Requests\r\nretry-after: 3600";
    for (first, status, code) in
        [("500 Oops", 503, "upstream_resting"), (head, 429, "upstream_rate_limited")]
    {
        let first = Upstream::saying(upstream::json(first, BUSY));
        let second = Upstream::saying(upstream::json("400 Bad Request", prefill));
        let (ultra, server) = server(&[&first, &second]);
        for _ in 0..3 {
            let told = chat(&ultra, CHAT, HELLO).send(server.addr());
            assert_ne!(told.status, 400, "{told:?}");
        }
        let asked = first.received().len();
        let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(status);
        assert_eq!(answer.json()["error"]["code"], code);
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        assert_eq!(first.received().len(), asked, "it was not asked");
        assert_eq!(second.received().len(), 4);
    }
}

#[test]
fn an_error_that_is_too_long_to_read_says_what_its_status_says() {
    let long = format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(300_000));
    let only = Upstream::saying(upstream::json("422 Unprocessable Entity", &long));
    let (ultra, server) = server(&[&only]);
    for _ in 0..6 {
        chat(&ultra, CHAT, HELLO).send(server.addr()).is(422);
    }
    assert_eq!(breaker(&ultra, server.addr(), "p0/m0")["failures"], 0);
}

#[test]
fn a_filter_is_not_routed_around_whoever_applies_it() {
    let filtered = r#"{"error":{"message":"no","code":"content_filter"}}"#;
    let first = Upstream::saying(upstream::json("503 Busy", BUSY));
    let second = Upstream::saying(upstream::json("400 Bad Request", filtered));
    let third = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (ultra, server) = server(&[&first, &second, &third]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(400);
    assert_eq!(answer.json()["error"]["code"], "content_filter");
    assert!(third.received().is_empty());
}
