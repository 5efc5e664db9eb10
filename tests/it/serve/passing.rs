//! Mode real: what a provider says arrives as it is, and what fails is said honestly.

use super::upstream::{self, Upstream};
use super::{chat, dressed, with_key};
use crate::support::{CANARY, Server, Ultra};
use std::io::Write as _;

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str =
    r#"{ "model":"gpt-4o", "messages":[{"role":"user","content":"hi"}], "unknown":{"a":[1.50]} }"#;
const ANSWER: &str = r#"{"id":"x",  "choices":[{"message":{"content":"h\u00e9"}}],"usage":{"prompt_tokens":3,"completion_tokens":2},"unknown":1e2}"#;

fn real(upstream: &Upstream) -> (Ultra, Server) {
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", upstream.openai())
        .env("ANTHROPIC_API_KEY", CANARY)
        .env("ANTHROPIC_BASE_URL", upstream.anthropic());
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

#[test]
fn plain_answers_and_requests_pass_byte_for_byte() {
    let provider = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (ultra, server) = real(&provider);
    let answer = chat(&ultra, CHAT, HELLO)
        .header("openai-beta", "x=1")
        .header("cookie", "secret=1")
        .header("x-forwarded-for", "10.0.0.1")
        .header("cf-connecting-ip", "10.0.0.1")
        .header("true-client-ip", "10.0.0.1")
        .send(server.addr())
        .is(200);
    assert_eq!(answer.text(), ANSWER);
    assert_eq!(answer.header("x-unknown"), Some("kept"));
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.header("x-ultra-mode"), Some("real"));
    assert_ne!(answer.header("x-ratelimit-limit-requests"), Some("1"));
    dressed(&answer);
    let received = provider.received();
    let got = received.first().unwrap();
    assert_eq!(got.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(got.body, HELLO.as_bytes());
    assert_eq!(got.header("authorization"), Some(&*format!("Bearer {CANARY}")));
    assert_eq!(got.header("openai-beta"), Some("x=1"));
    for gone in [
        "cookie",
        "x-forwarded-for",
        "cf-connecting-ip",
        "true-client-ip",
        "x-api-key",
        "accept-encoding",
    ] {
        assert_eq!(got.header(gone), None, "{gone}");
    }
    // A model that only its provider knows: addressed, and patched in the body.
    let addressed = HELLO.replace("gpt-4o", "openai/gpt-9");
    chat(&ultra, CHAT, &addressed).send(server.addr()).is(200);
    let received = provider.received();
    assert_eq!(
        String::from_utf8_lossy(&received.get(1).unwrap().body),
        HELLO.replace("gpt-4o", "gpt-9")
    );
    server.stop().keeps_the_canary();
}

#[test]
fn anthropic_requests_carry_their_version_and_betas() {
    let provider = Upstream::saying(upstream::json(
        "200 OK",
        r#"{"type":"message","content":[{"type":"text","text":"hi"}],"usage":{"input_tokens":1,"output_tokens":1}}"#,
    ));
    let (ultra, server) = real(&provider);
    let body = r#"{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
    chat(&ultra, "/v1/messages", body).header("anthropic-beta", "b-1").send(server.addr()).is(200);
    chat(&ultra, "/v1/messages", body)
        .header("anthropic-version", "2099-01-01")
        .send(server.addr())
        .is(200);
    let received = provider.received();
    let (first, second) = (received.first().unwrap(), received.get(1).unwrap());
    assert_eq!(first.line, "POST /v1/messages HTTP/1.1");
    assert_eq!(first.header("x-api-key"), Some(CANARY));
    assert_eq!(first.header("authorization"), None);
    assert_eq!(first.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(first.header("anthropic-beta"), Some("b-1"));
    assert_eq!(second.header("anthropic-version"), Some("2099-01-01"));
}

#[test]
fn errors_of_the_provider_pass_and_never_quote_our_key() {
    let error = format!(
        r#"{{"error":{{"message":"too long, {CANARY}","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}}}"#
    );
    let provider = Upstream::saying(upstream::json("400 Bad Request", &error));
    let (ultra, server) = real(&provider);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(400);
    assert_eq!(answer.json()["error"]["code"], "context_length_exceeded");
    assert!(!answer.text().contains(CANARY), "{}", answer.text());
    assert_eq!(provider.received().len(), 1);
    server.stop().keeps_the_canary();
}

#[test]
fn a_provider_that_refuses_our_key_is_not_the_clients_fault() {
    let refusal = format!(r#"{{"error":{{"message":"Incorrect API key provided: {CANARY}"}}}}"#);
    let provider = Upstream::saying(upstream::json("401 Unauthorized", &refusal));
    let (ultra, server) = real(&provider);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(502);
    assert_eq!(answer.json()["error"]["code"], "upstream_credentials_exhausted");
    assert!(!answer.text().contains(CANARY));
    server.stop().keeps_the_canary();
}

#[test]
fn unusable_answers_become_one_clear_error() {
    let cases: [&[u8]; 6] = [
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\nconnection: close\r\n\r\n<p/>",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\nconnection: close\r\n\r\n{\"id\":",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 6\r\nconnection: close\r\n\r\n{\"id\":",
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\ncontent-type: text/html\r\ncontent-length: 4\r\nconnection: close\r\n\r\n<p/>",
        b"nonsense\r\n\r\n",
    ];
    for case in cases {
        let provider = Upstream::saying(case);
        let (ultra, server) = real(&provider);
        let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(502);
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains("openai"));
        dressed(&answer);
        // Only one that broke is asked once more.
        let asked = if case.starts_with(b"HTTP/1.1 500") { 2 } else { 1 };
        assert_eq!(provider.received().len(), asked, "{}", String::from_utf8_lossy(case));
    }
}

#[test]
fn a_provider_that_is_away_is_said_to_be() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", free.local_addr().unwrap());
    drop(free);
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY).env("OPENAI_BASE_URL", base);
    let server = Server::start(&ultra, &["--real"]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(502);
    assert_eq!(answer.json()["error"]["code"], "upstream_unreachable");
}

#[test]
fn a_provider_that_never_answers_runs_into_the_deadline() {
    let provider = Upstream::start(|_, stream| {
        // Held open until the gateway gives up.
        let _ = std::io::Read::read(stream, &mut [0; 16]);
    });
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ULTRA_REQUEST_TIMEOUT", "400ms");
    let server = Server::start(&ultra, &["--real"]);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(504);
    assert_eq!(answer.json()["error"]["code"], "upstream_timeout");
    assert_eq!(provider.received().len(), 1);
}

#[test]
fn without_a_key_a_model_is_listed_with_the_reason_and_never_mocked() {
    let provider = Upstream::saying(upstream::json("200 OK", ANSWER));
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ANTHROPIC_BASE_URL", provider.anthropic());
    let server = Server::start(&ultra, &["--real"]);
    let models =
        with_key(&ultra, "GET", "/api/available-models").send(server.addr()).is(200).json();
    assert_eq!(models["mode"], "real");
    let find = |name: &str| {
        models["models"].as_array().unwrap().iter().find(|m| m["name"] == name).cloned()
    };
    assert_eq!(find("gpt-4o").unwrap()["available"], true);
    // What nobody has configured does not count as missing.
    assert_eq!(models["status"], "success", "{models}");
    let health = crate::serve::http::Request::new("GET", "/api/health").send(server.addr());
    assert_eq!(health.json()["status"], "ok");
    let claude = find("claude-sonnet-4-5").expect("listed although it has no key");
    assert_eq!(claude["available"], false);
    assert!(claude["reason"].as_str().unwrap().contains("ANTHROPIC_API_KEY"), "{claude}");
    let body = r#"{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
    let answer = chat(&ultra, "/v1/messages", body).send(server.addr()).is(503);
    assert_eq!(answer.json()["type"], "error");
    // Which variable is missing is for operators.
    assert!(!answer.text().contains("ANTHROPIC_API_KEY"), "{}", answer.text());
    chat(&ultra, CHAT, &HELLO.replace("gpt-4o", "mock-chat")).send(server.addr()).is(404);
    assert!(provider.received().is_empty());
}

#[test]
fn a_loop_is_cut() {
    // The provider sends the request back to the server it came from.
    let target = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let (to, key) = (target.clone(), std::sync::Arc::new(std::sync::Mutex::new(String::new())));
    let credentials = key.clone();
    let provider = Upstream::start(move |received, stream| {
        let mut again = super::http::Request::new("POST", CHAT)
            .header("authorization", &format!("Bearer {}", credentials.lock().unwrap()))
            .json(&String::from_utf8_lossy(&received.body));
        again = again.header("x-ultra-hop", received.header("x-ultra-hop").unwrap());
        let answer = again.send(&to.lock().unwrap());
        let status = format!("{} Loop", answer.status);
        let _ = stream.write_all(&upstream::json(&status, &answer.text()));
    });
    let (ultra, server) = real(&provider);
    *target.lock().unwrap() = server.addr().to_owned();
    *key.lock().unwrap() = super::dev_key(&ultra);
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(508);
    assert_eq!(answer.json()["error"]["code"], "loop_detected");
    assert_eq!(provider.received().len(), 1);
}
