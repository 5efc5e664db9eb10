//! Routes with several targets: who is asked next, and whose error is passed on.

use super::chat;
use super::upstream::{self, Upstream};
use crate::support::{Server, Ultra};
use std::io::Write as _;

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const BUSY: &str = r#"{"error":{"message":"busy","type":"server_error","code":"busy"}}"#;
const ANSWER: &str =
    r#"{"id":"x","choices":[{}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;

/// A server whose model `m` has these providers as its targets, in their order.
pub(super) fn server(providers: &[&Upstream]) -> (Ultra, Server) {
    serving(providers, "", &[])
}

/// The same; `route` is more of the route, and `more` of each target.
pub(super) fn serving(providers: &[&Upstream], route: &str, more: &[&str]) -> (Ultra, Server) {
    let (mut declared, mut targets, mut secrets) = (String::new(), String::new(), String::new());
    let mut ultra = Ultra::empty();
    for (n, provider) in providers.iter().enumerate() {
        let url = provider.openai();
        declared += &format!("  p{n}: {{kind: openai, base_url: \"{url}\", keys: [P{n}_KEY]}}\n");
        let more = more.get(n).copied().unwrap_or_default();
        targets += &format!("      - {{provider: p{n}, model: m{n}{more}}}\n");
        secrets += &format!("  P{n}_KEY: env:P{n}_KEY\n");
        ultra = ultra.env(&format!("P{n}_KEY"), format!("key-of-{n}-4f7a9c2e1b8d"));
    }
    let profile = format!(
        "mode: real\nsecrets:\n{secrets}providers:\n{declared}routes:\n  m:\n{route}    targets:\n{targets}"
    );
    ultra.write("profiles/dev.yaml", profile);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

#[test]
fn an_overloaded_or_broken_provider_is_passed_over() {
    for status in ["429 Too Many Requests", "503 Service Unavailable", "500 Oops"] {
        let first = Upstream::saying(upstream::json(status, BUSY));
        let second = Upstream::saying(upstream::json("200 OK", ANSWER));
        let (ultra, server) = server(&[&first, &second]);
        let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
        assert_eq!(answer.text(), ANSWER, "{status}");
        // One that broke is asked once more, one whose rate is used up is not.
        let asked = if status.starts_with("429") { 1 } else { 2 };
        assert_eq!(first.received().len(), asked, "{status}");
        assert_eq!(answer.header("x-ultra-attempts"), Some(&*(asked + 1).to_string()));
        assert_eq!(answer.header("x-ultra-provider"), Some("p1"));
        assert_eq!(answer.header("x-ultra-model"), Some("m1"));
        let asked = second.received();
        assert_eq!(asked.first().unwrap().body, HELLO.replace("\"m\"", "\"m1\"").as_bytes());
        assert_eq!(
            asked.first().unwrap().header("authorization"),
            Some("Bearer key-of-1-4f7a9c2e1b8d")
        );
    }
}

#[test]
fn with_nowhere_to_go_the_first_providers_error_is_passed_on() {
    let first = Upstream::saying(upstream::json("503 Service Unavailable", BUSY));
    let second = Upstream::saying(upstream::json("401 Unauthorized", "{}"));
    let (ultra, server) = server(&[&first, &second]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(503);
    assert_eq!(answer.json()["error"]["code"], "busy");
    assert_eq!(second.received().len(), 1);
}

#[test]
fn a_request_that_is_at_fault_is_not_taken_elsewhere() {
    let error = r#"{"error":{"message":"filtered","code":"content_filter"}}"#;
    let first = Upstream::saying(upstream::json("400 Bad Request", error));
    let second = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (ultra, server) = server(&[&first, &second]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(400);
    assert_eq!(answer.text(), error);
    assert!(second.received().is_empty());
}

#[test]
fn every_target_has_its_turn_and_after_three_attempts_none_has_another() {
    let busy: Vec<Upstream> =
        (0..5).map(|_| Upstream::saying(upstream::json("503 Busy", BUSY))).collect();
    let (ultra, server) = server(&busy.iter().collect::<Vec<_>>());
    chat(&ultra, CHAT, HELLO).send(server.addr()).is(503);
    let asked: Vec<usize> = busy.iter().map(|p| p.received().len()).collect();
    assert_eq!(asked, [2, 1, 1, 1, 1]);
}

#[test]
fn an_answer_whose_connection_ends_too_early_is_no_answer() {
    // Nothing on the wire says how long it is, and its last byte is a brace by chance.
    let cut = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{\"id\":\"x\",\"choices\":[{}";
    let whole = cut.replace("[{}", "[{}]}");
    for (answer, status) in [(cut, 502), (&*whole, 200)] {
        let provider = Upstream::saying(answer);
        let (ultra, server) = server(&[&provider]);
        chat(&ultra, CHAT, HELLO).send(server.addr()).is(status);
    }
}

#[test]
fn the_way_of_a_request_travels_with_it() {
    let provider = Upstream::start(|_, stream| {
        let _ = stream.write_all(&upstream::json("200 OK", ANSWER));
    });
    let (ultra, server) = server(&[&provider]);
    chat(&ultra, CHAT, HELLO).header("x-ultra-hop", "another-instance").send(server.addr()).is(200);
    let received = provider.received();
    let hops: Vec<&str> = received
        .first()
        .unwrap()
        .headers
        .iter()
        .filter(|(name, _)| name == "x-ultra-hop")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(hops.len(), 2);
    assert_eq!(hops.first(), Some(&"another-instance"));
}
