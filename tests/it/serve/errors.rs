//! Bad requests: the family's own error, the right status, never a 500.

use super::http::{Answer, Request};
use super::upstream::{self, Upstream};
use super::{chat, dev_key, dressed, mock, with_key};
use crate::support::{Server, Ultra, eventually};
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const HELLO: &str = r#""messages":[{"role":"user","content":"hi"}]"#;

#[track_caller]
fn openai(answer: &Answer) -> String {
    dressed(answer);
    let error = &answer.json()["error"];
    assert!(error["message"].is_string() && error["type"].is_string(), "{answer:?}");
    assert!(error.get("param").is_some(), "{answer:?}");
    error["code"].as_str().unwrap().to_owned()
}

#[track_caller]
fn anthropic(answer: &Answer) -> String {
    dressed(answer);
    let body = answer.json();
    assert_eq!(body["type"], "error");
    assert!(body["error"]["message"].is_string());
    assert_eq!(body["request_id"].as_str(), answer.header("request-id"));
    body["error"]["type"].as_str().unwrap().to_owned()
}

#[test]
fn malformed_requests_are_refused_in_the_familys_shape() {
    let (ultra, server) = mock();
    let hello = |model: &str| format!(r#"{{"model":"{model}","max_tokens":9,{HELLO}}}"#);
    let deep =
        format!(r#"{{"model":"gpt-4o",{HELLO},"x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let cases: [(&str, u16); 9] = [
        ("{", 400),
        ("[]", 400),
        ("", 400),
        (r#"{"messages":[]}"#, 400),
        (r#"{"model":7,"messages":[{"role":"user"}]}"#, 400),
        (r#"{"model":"gpt-4o","messages":"hi","max_tokens":1}"#, 400),
        (r#"{"model":"gpt-4o","messages":[{"role":"user","content":"x"}],"max_tokens":-1}"#, 400),
        (r#"{"model":"gpt-4o","messages":[5],"max_tokens":1}"#, 400),
        (&deep, 400),
    ];
    for (body, status) in cases {
        openai(&chat(&ultra, CHAT, body).send(server.addr()).is(status));
        let kind = anthropic(&chat(&ultra, MESSAGES, body).send(server.addr()).is(status));
        assert_eq!(kind, "invalid_request_error");
    }
    // Comparing a name of this length with all known ones would take gigabytes.
    let endless = hello(&"m".repeat(1 << 20));
    openai(&chat(&ultra, CHAT, &endless).send(server.addr()).is(400));

    let invalid = with_key(&ultra, "POST", CHAT)
        .header("content-type", "application/json")
        .body(b"{\"model\":\"\xff\"}".to_vec());
    openai(&invalid.send(server.addr()).is(400));

    let unknown = chat(&ultra, CHAT, &hello("gpt-4p")).send(server.addr()).is(404);
    assert_eq!(openai(&unknown), "model_not_found");
    assert!(unknown.text().contains("gpt-4o"), "did-you-mean: {}", unknown.text());
    let unknown = chat(&ultra, MESSAGES, &hello("nope")).send(server.addr()).is(404);
    assert_eq!(anthropic(&unknown), "not_found_error");
    // A message is translated; whoever counts the tokens of one must be of the family.
    chat(&ultra, MESSAGES, &hello("gpt-4o")).send(server.addr()).is(200);
    let count = format!("{MESSAGES}/count_tokens");
    let elsewhere = chat(&ultra, &count, &hello("gpt-4o")).send(server.addr()).is(400);
    assert!(elsewhere.text().contains(CHAT), "{}", elsewhere.text());
}

#[test]
fn wrong_kinds_methods_and_sizes_are_refused() {
    let ultra = Ultra::empty().env("ULTRA_BODY_LIMIT", "1KiB");
    let server = Server::start(&ultra, &[]);
    let text = with_key(&ultra, "POST", CHAT).header("content-type", "text/plain").body("{}");
    openai(&text.send(server.addr()).is(415));
    openai(&with_key(&ultra, "POST", CHAT).body("{}").send(server.addr()).is(415));
    let wrong = with_key(&ultra, "DELETE", CHAT).send(server.addr()).is(405);
    assert_eq!(wrong.header("allow"), Some("POST"));
    assert_eq!(openai(&wrong), "method_not_allowed");
    openai(&with_key(&ultra, "GET", "/v1/nothing").send(server.addr()).is(404));

    let padded = |length: usize| {
        let body = format!(r#"{{"model":"gpt-4o",{HELLO},"x":""#);
        let fill = length - body.len() - 2;
        format!("{body}{}\"}}", "x".repeat(fill))
    };
    chat(&ultra, CHAT, &padded(1024)).send(server.addr()).is(200);
    openai(&chat(&ultra, CHAT, &padded(1025)).send(server.addr()).is(413));
    let kind = anthropic(&chat(&ultra, MESSAGES, &padded(1025)).send(server.addr()).is(413));
    assert_eq!(kind, "request_too_large");

    // Without a length the same limit holds.
    use std::io::Write as _;
    let key = dev_key(&ultra);
    let mut stream = std::net::TcpStream::connect(server.addr()).unwrap();
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(format!("800\r\n{}\r\n0\r\n\r\n", "x".repeat(2048)).as_bytes());
    let answer = Answer::read(&mut std::io::BufReader::new(stream), false);
    openai(&answer.is(413));
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let (ultra, server) = mock();
    let long = with_key(&ultra, "GET", "/v1/models").header("x-long", &"x".repeat(40 << 10));
    openai(&long.send(server.addr()).is(431));
    let mut many = with_key(&ultra, "GET", "/v1/models");
    for n in 0..90 {
        many = many.header(&format!("x-h{n}"), "v");
    }
    openai(&many.send(server.addr()).is(431));
}

#[test]
fn credentials_are_asked_for_and_judged() {
    let (ultra, server) = mock();
    let body = format!(r#"{{"model":"gpt-4o",{HELLO}}}"#);
    for credentials in
        [None, Some("Bearer uk_aaaa.bbbb"), Some("Bearer nonsense"), Some("Basic eDp5")]
    {
        let mut request = Request::new("POST", CHAT).json(&body);
        if let Some(value) = credentials {
            request = request.header("authorization", value);
        }
        let answer = request.send(server.addr()).is(401);
        openai(&answer);
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
    let answer = Request::new("POST", MESSAGES)
        .header("x-api-key", "uk_aaaa.bbbb")
        .json(&body)
        .send(server.addr())
        .is(401);
    assert_eq!(anthropic(&answer), "authentication_error");
    // The Anthropic way of showing a key.
    Request::new("GET", "/v1/models")
        .header("x-api-key", &dev_key(&ultra))
        .send(server.addr())
        .is(200);
    // Marks of test traffic grant nothing.
    Request::new("GET", "/v1/models").header("x-test-mode", "true").send(server.addr()).is(401);
    let in_query = format!("/v1/models?api_key={}", dev_key(&ultra));
    Request::new("GET", &in_query).send(server.addr()).is(401);
}

#[test]
fn ids_are_taken_over_if_sane() {
    let (ultra, server) = mock();
    let id = |value: &str| {
        let answer =
            with_key(&ultra, "GET", "/v1/models").header("x-request-id", value).send(server.addr());
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("run-1.step:2"), "run-1.step:2");
    assert_ne!(id("a b"), "a b");
}

#[test]
fn rates_are_limited_with_a_time_to_come_back() {
    let ultra = Ultra::empty()
        .env("ULTRA_RATE_LIMIT", "3")
        .env("ULTRA_RATE_LIMIT_ANONYMOUS", "2")
        .env("ULTRA_LOG_FORMAT", "json");
    let server = Server::start(&ultra, &[]);
    for left in ["2", "1", "0"] {
        let answer = with_key(&ultra, "GET", "/v1/models").send(server.addr()).is(200);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("3"));
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some(left));
    }
    let refused = with_key(&ultra, "GET", "/v1/models").send(server.addr()).is(429);
    assert_eq!(openai(&refused), "rate_limit_exceeded");
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
    // Guessing is limited by address; a health probe is not.
    let guess = || Request::new("GET", "/v1/models").send(server.addr()).status;
    assert_eq!((guess(), guess(), guess()), (401, 401, 429));
    Request::new("GET", "/api/health/ready").send(server.addr()).is(200);
    // Whose the limit is, the log says, and nothing of those who are nobody.
    let key = dev_key(&ultra);
    let id = key.strip_prefix("uk_").and_then(|key| key.split_once('.')).unwrap().0;
    let log = server.stop().stderr;
    let keys: Vec<serde_json::Value> = log
        .lines()
        .filter(|line| line.contains("::access") && line.contains("\"status\":429"))
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["key"].clone())
        .collect();
    assert_eq!(keys, [id, "-"], "{log}");
}

#[test]
fn a_key_that_was_taken_back_is_named_in_the_log_and_a_guess_is_not() {
    let ultra = Ultra::empty().env("ULTRA_LOG_FORMAT", "json");
    let server = Server::start(&ultra, &[]);
    let made = ultra.run(&["auth", "service-key", "create", "ci"]).exits(0);
    let key = made.stdout.trim();
    let ask = |key: &str, run: &str| {
        let request = Request::new("GET", "/v1/models").header("x-request-id", run);
        request.header("authorization", &format!("Bearer {key}")).send(server.addr()).status
    };
    eventually(Duration::from_secs(10), "the key", || (ask(key, "good") == 200).then_some(()));
    assert_eq!(ask(&format!("{key}x"), "guess"), 401);
    ultra.run(&["auth", "service-key", "revoke", "ci"]).exits(0);
    eventually(Duration::from_secs(10), "the revocation", || {
        (ask(key, "revoked") == 401).then_some(())
    });
    let log = server.stop().stderr;
    let (id, secret) = key.strip_prefix("uk_").and_then(|key| key.split_once('.')).unwrap();
    assert!(!log.contains(secret), "{log}");
    let named = |run: &str, status: u16| {
        let run = format!("\"{run}\"");
        let line = log.lines().rfind(|l| l.contains("::access") && l.contains(&run)).unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["status"], status, "{line}");
        line["key"].as_str().unwrap().to_owned()
    };
    assert_eq!([named("good", 200), named("revoked", 401)], [id, id]);
    assert_eq!(named("guess", 401), "-", "whoever guesses is not the key");
}

#[test]
fn a_429_tells_of_the_limit_that_was_reached() {
    let answer = r#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}"#;
    let provider = Upstream::saying(upstream::json("200 OK", answer));
    let route = "    requests_per_minute: 2\n";
    let (ultra, server) = super::fallback::serving(&[&provider], route, &[]);
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let ask = || chat(&ultra, "/v1/chat/completions", body).send(server.addr());
    for _ in 0..2 {
        assert_eq!(ask().is(200).header("x-ratelimit-limit-requests"), Some("6000"), "the key's");
    }
    let refused = ask().is(429);
    assert_eq!(refused.header("x-ratelimit-limit-requests"), Some("2"));
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
    let reset = refused.header("x-ratelimit-reset-requests").unwrap();
    assert_ne!(reset, "1s", "the route's is a minute");
}

#[test]
fn only_listed_origins_may_read_answers() {
    let ultra = Ultra::empty().env("ULTRA_CORS_ORIGINS", "https://app.example.com");
    let server = Server::start(&ultra, &[]);
    let from = |origin: &str| {
        let request = with_key(&ultra, "GET", "/v1/models").header("origin", origin);
        let answer = request.send(server.addr()).is(200);
        assert_eq!(answer.header("vary"), Some("Origin"));
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(from("https://app.example.com").as_deref(), Some("https://app.example.com"));
    assert_eq!(from("https://evil.example"), None);
    assert_eq!(from("null"), None);
    let preflight = |origin: &str| {
        Request::new("OPTIONS", CHAT)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization")
            .send(server.addr())
    };
    let allowed = preflight("https://app.example.com").is(204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example.com"));
    let refused = preflight("https://evil.example").is(401);
    assert_eq!(refused.header("access-control-allow-origin"), None);
}
