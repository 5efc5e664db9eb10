//! What takes a key of a pool out of use, and what does not.

use super::{ANSWER, BUSY, CHAT, HELLO, breaker, write};
use crate::serve::fallback::server;
use crate::serve::upstream::{self, Upstream};
use crate::serve::{chat, with_key};
use crate::support::{Server, Ultra};

const OF_A_MODEL: &str = r#"{"error":{"message":"Project p has no access to model m1","type":"invalid_request_error","code":"model_not_found"}}"#;
const OF_THE_KEY: &str = r#"{"error":{"message":"The account of this API key was closed","type":"permission_error","code":"account_deactivated"}}"#;

fn page(status: &str) -> Vec<u8> {
    let page = "<html>no</html>";
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
        page.len()
    )
    .into_bytes()
}

/// A provider with two keys. It takes both, but for `m1` only the second, and for `m2` too, where it
/// says of the first that it is blocked. What has `forbidden` in it does not reach it.
fn provider() -> Upstream {
    Upstream::start(|asked, stream| {
        let has = |word: &str| String::from_utf8_lossy(&asked.body).contains(word);
        let first = asked.header("authorization").is_some_and(|key| key.contains("first"));
        write(
            stream,
            &match first {
                _ if has("forbidden") => page("403 Forbidden"),
                true if has("\"m1\"") => upstream::json("403 Forbidden", OF_A_MODEL),
                true if has("\"m2\"") => upstream::json("403 Forbidden", OF_THE_KEY),
                _ => upstream::json("200 OK", ANSWER),
            },
        );
    })
}

fn pool(provider: &Upstream) -> (Ultra, Server) {
    let ultra = Ultra::empty()
        .env("FIRST_KEY", "key-first-4f7a9c2e1b8d")
        .env("SECOND_KEY", "key-second-4f7a9c2e1b8d");
    let url = provider.openai();
    let route = |n: usize| format!("  r{n}: {{targets: [{{provider: p, model: m{n}}}]}}\n");
    let profile = format!(
        "mode: real\nsecrets:\n  FIRST_KEY: env:FIRST_KEY\n  SECOND_KEY: env:SECOND_KEY\nproviders:\n  p: {{kind: openai, base_url: \"{url}\", keys: [FIRST_KEY, SECOND_KEY]}}\nroutes:\n{}{}{}",
        route(0),
        route(1),
        route(2)
    );
    ultra.write("profiles/dev.yaml", profile);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

fn states(ultra: &Ultra, server: &Server) -> Vec<String> {
    let reload = with_key(ultra, "POST", "/api/admin/keys/reload").send(server.addr()).is(200);
    let slots = reload.json()["slots"].clone();
    let state = |slot: &serde_json::Value| slot["state"].as_str().unwrap().to_owned();
    slots.as_array().unwrap().iter().map(state).collect()
}

#[test]
fn a_403_that_is_not_about_the_key_takes_none_out_of_use() {
    let provider = provider();
    let (ultra, server) = pool(&provider);
    let asks = |model: &str, text: &str| {
        let body = HELLO.replace("\"m\"", &format!("\"{model}\"")).replace("hi", text);
        chat(&ultra, CHAT, &body).send(server.addr())
    };
    for _ in 0..8 {
        asks("r1", "hi").is(200);
    }
    // Whoever stands before the provider does not judge keys, nor how well the provider is.
    for _ in 0..12 {
        let told = asks("r0", "forbidden").is(502);
        assert_eq!(told.json()["error"]["code"], "upstream_error");
        assert_eq!(told.header("x-ultra-attempts"), Some("1"));
        asks("r0", "hi").is(200);
    }
    assert_eq!(states(&ultra, &server), ["active", "active"]);
    assert_eq!(breaker(&ultra, server.addr(), "p/m0")["failures"], 0);
    // One that is about it does.
    for _ in 0..8 {
        asks("r2", "hi").is(200);
    }
    assert_eq!(states(&ultra, &server), ["rejected", "active"]);
    let log = server.stop().stderr;
    assert!(log.contains("does not let the key do this"), "{log}");
}

#[test]
fn with_no_other_key_a_403_is_never_the_clients() {
    for (status, body) in [
        ("403 Forbidden", OF_A_MODEL),
        ("403 Forbidden", OF_THE_KEY),
        ("403 Forbidden", "{}"),
        ("403 Forbidden", ""),
        ("401 Unauthorized", "<html>"),
        ("402 Payment Required", BUSY),
    ] {
        let provider = Upstream::saying(upstream::json(status, body));
        let (ultra, server) = server(&[&provider]);
        let told = chat(&ultra, CHAT, HELLO).send(server.addr()).is(502);
        assert_eq!(told.json()["error"]["code"], "upstream_credentials_exhausted", "{body}");
        let told = chat(&ultra, "/v1/messages", &HELLO.replacen('{', r#"{"max_tokens":9,"#, 1));
        let told = told.send(server.addr()).is(502);
        assert_eq!(told.json()["type"], "error", "{body}");
        assert_eq!(provider.received().len(), 2);
    }
    // A page is no word of the provider's, whatever it says that it is.
    let html = Upstream::saying(upstream::json("403 Forbidden", "<html>no</html>"));
    let second = Upstream::saying(upstream::json("200 OK", ANSWER));
    let (one, two) = (server(&[&html]), server(&[&html, &second]));
    for path in [CHAT, "/v1/messages"] {
        let body = HELLO.replacen('{', r#"{"max_tokens":9,"#, 1);
        let told = chat(&one.0, path, &body).send(one.1.addr()).is(502);
        assert!(!told.text().contains("credentials"), "{}", told.text());
        let told = chat(&two.0, CHAT, &body).send(two.1.addr()).is(200);
        assert_eq!(told.header("x-ultra-provider"), Some("p1"));
    }
}

#[test]
fn a_client_cannot_have_others_wait_with_requests_that_are_its_own_fault() {
    let provider = Upstream::start(|asked, stream| {
        let long = asked.header("x-a").is_some_and(|value| value.len() > 8000);
        write(
            stream,
            &match long {
                true => page("400 Bad Request"),
                false => upstream::json("200 OK", ANSWER),
            },
        );
    });
    let other = Upstream::saying(page("431 Request Header Fields Too Large"));
    let (ultra, server) = server(&[&provider, &other]);
    for _ in 0..12 {
        let told = chat(&ultra, CHAT, HELLO).header("x-a", &"a".repeat(9000));
        let told = told.send(server.addr()).is(502);
        assert_eq!(told.json()["error"]["code"], "upstream_error");
    }
    for target in ["p0/m0", "p1/m1"] {
        let breaker = breaker(&ultra, server.addr(), target);
        assert_eq!((&breaker["state"], &breaker["failures"]), (&"closed".into(), &0.into()));
    }
    let answer = chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-provider"), Some("p0"));
}
