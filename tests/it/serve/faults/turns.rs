//! Whose turn it is, whose error is told, and who is named with it.

use super::{ANSWER, BUSY, CHAT, HELLO, numbered, ok, write};
use crate::serve::chat;
use crate::serve::fallback::server;
use crate::serve::upstream::{self, Upstream};

const FAULT: &str = r#"{"error":{"message":"no such thing","type":"invalid_request_error","code":"no_such_thing"}}"#;

#[test]
fn every_target_has_its_turn_however_often_others_were_asked() {
    let broken = || Upstream::saying(upstream::json("500 Oops", BUSY));
    let page = || {
        Upstream::saying(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\nconnection: close\r\n\r\n<p/>".to_vec())
    };
    let good = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (first, second, third, fourth) = (broken(), page(), broken(), broken());
    let (ultra, server) = server(&[&first, &second, &third, &fourth, &good]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-provider"), Some("p4"));
    let asked = [&first, &second, &third, &fourth, &good].map(|p| p.received().len());
    // After three attempts nobody is asked again.
    assert_eq!(asked, [2, 1, 1, 1, 1]);
    assert_eq!(answer.header("x-ultra-attempts"), Some("6"));
}

#[test]
fn what_a_target_says_in_the_end_is_told_whatever_it_failed_at_before() {
    for reset in [true, false] {
        let only = numbered(move |n, stream| match (n, reset) {
            // It is closed without an answer.
            (0, true) => {}
            (0, false) => write(stream, &upstream::json("500 Oops", BUSY)),
            _ => write(stream, &upstream::json("400 Bad Request", FAULT)),
        });
        let other = Upstream::saying(upstream::json("200 OK", ANSWER));
        let (ultra, server) = server(&[&only, &other]);
        let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(400);
        assert_eq!(answer.json()["error"]["code"], "no_such_thing");
        assert_eq!(answer.header("x-ultra-attempts"), Some("2"));
        assert!(other.received().is_empty());
    }
    // One that stands in for another does not hide why it had to.
    let (broken, strict) = (
        Upstream::saying(upstream::json("500 Oops", BUSY)),
        Upstream::saying(upstream::json("400 Bad Request", FAULT)),
    );
    let (ultra, server) = server(&[&broken, &strict]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(500);
    assert_eq!(answer.text(), BUSY);
    assert_eq!(answer.header("x-ultra-provider"), Some("p0"));
}

#[test]
fn an_error_names_whose_it_is_and_how_often_was_asked() {
    let named = |provider: &Upstream, status: u16, attempts: &str| {
        let (ultra, server) = server(&[provider]);
        let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(status);
        assert_eq!(answer.header("x-ultra-provider"), Some("p0"), "{answer:?}");
        assert_eq!(answer.header("x-ultra-model"), Some("m0"));
        assert_eq!(answer.header("x-ultra-attempts"), Some(attempts));
    };
    named(&Upstream::saying(upstream::json("400 Bad Request", FAULT)), 400, "1");
    named(&Upstream::saying(upstream::json("500 Oops", BUSY)), 500, "2");
    named(&Upstream::saying(upstream::json("401 Unauthorized", FAULT)), 502, "1");
    named(&Upstream::saying(upstream::json("200 OK", "{}")), 502, "1");
    // Where nobody was asked, nobody is named.
    let (ultra, server) = server(&[&Upstream::start(|_, stream| ok(stream))]);
    let unknown = chat(&ultra, CHAT, &HELLO.replace("\"m\"", "\"none\"")).send(server.addr());
    let unknown = unknown.is(404);
    assert_eq!(unknown.header("x-ultra-attempts"), None);
    assert_eq!(unknown.header("x-ultra-provider"), None);
}

#[test]
fn a_page_in_the_place_of_an_error_does_not_blame_the_client() {
    let page = |status: &str| {
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: 4\r\nconnection: close\r\n\r\n<p/>"
        )
    };
    let good = Upstream::saying(upstream::json("200 OK", ANSWER));
    for status in ["400 Bad Request", "404 Not Found", "405 Method Not Allowed"] {
        let bad = Upstream::saying(page(status));
        let (ultra, one) = server(&[&bad]);
        let answer = chat(&ultra, CHAT, HELLO).send(one.addr()).is(502);
        assert_eq!(answer.json()["error"]["code"], "upstream_error");
        let (ultra, two) = server(&[&bad, &good]);
        chat(&ultra, CHAT, HELLO).send(two.addr()).is(200);
    }
    let (ultra, large) = server(&[&Upstream::saying(page("413 Payload Too Large"))]);
    chat(&ultra, CHAT, HELLO).send(large.addr()).is(413);
}
