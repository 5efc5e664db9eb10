//! Keys change while the server runs.

use super::upstream::{self, Upstream};
use super::{chat, with_key};
use crate::support::{CANARY, Server, Ultra, eventually};
use std::io::Write as _;
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

/// A provider that takes all keys but those with `bad` in them.
fn provider() -> Upstream {
    Upstream::start(|received, stream| {
        let refused = received.header("authorization").unwrap_or("bad").contains("bad");
        let _ = stream.write_all(&if refused {
            upstream::json("401 Unauthorized", r#"{"error":{"message":"no"}}"#)
        } else {
            upstream::json("200 OK", r#"{"usage":{"prompt_tokens":1,"completion_tokens":1}}"#)
        });
    })
}

fn served(provider: &Upstream) -> (Ultra, Server) {
    let mut ultra = Ultra::empty().env("OPENAI_BASE_URL", provider.openai());
    let path = ultra.write_private("key", format!("{CANARY}-one\n"));
    ultra.set_env("OPENAI_API_KEY_FILE", path.display().to_string());
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

fn key_in_use(ultra: &Ultra, server: &Server, provider: &Upstream) -> String {
    chat(ultra, CHAT, HELLO).send(server.addr()).is(200);
    let received = provider.received();
    received.last().unwrap().header("authorization").unwrap().to_owned()
}

#[test]
fn a_changed_file_is_taken_up_by_itself_and_by_sighup() {
    let provider = provider();
    let (ultra, server) = served(&provider);
    assert!(key_in_use(&ultra, &server, &provider).ends_with("-one"));
    ultra.write_private("key", format!("{CANARY}-two\n"));
    eventually(Duration::from_secs(15), "the second key", || {
        key_in_use(&ultra, &server, &provider).ends_with("-two").then_some(())
    });
    ultra.write_private("key", format!("{CANARY}-three\n"));
    server.signal("HUP");
    eventually(Duration::from_secs(15), "the third key", || {
        key_in_use(&ultra, &server, &provider).ends_with("-three").then_some(())
    });
    server.stop().keeps_the_canary();
}

#[test]
fn a_reload_is_answered_with_the_slots_and_no_value() {
    let provider = provider();
    let (ultra, server) = served(&provider);
    ultra.write_private("key", format!("{CANARY}-two\n"));
    let answer = with_key(&ultra, "POST", "/api/admin/keys/reload").send(server.addr()).is(200);
    let body = answer.json();
    assert_eq!(body["status"], "success", "{body}");
    let slots = body["slots"].as_array().unwrap();
    assert_eq!(slots.first().unwrap()["state"], "active");
    assert_eq!(slots.first().unwrap()["id"], "openai/OPENAI_API_KEY");
    assert!(!answer.text().contains(CANARY));
    assert!(key_in_use(&ultra, &server, &provider).ends_with("-two"));
}

#[test]
fn a_key_that_cannot_be_read_leaves_the_old_one() {
    let provider = provider();
    let (ultra, server) = served(&provider);
    std::fs::remove_file(ultra.root().join("key")).unwrap();
    with_key(&ultra, "POST", "/api/admin/keys/reload").send(server.addr());
    assert!(key_in_use(&ultra, &server, &provider).ends_with("-one"));
}

#[test]
fn a_new_key_that_is_refused_fails_no_request() {
    let provider = provider();
    let (ultra, server) = served(&provider);
    ultra.write_private("key", format!("{CANARY}-bad\n"));
    let reload = || with_key(&ultra, "POST", "/api/admin/keys/reload").send(server.addr()).is(200);
    reload();
    for _ in 0..5 {
        assert!(key_in_use(&ultra, &server, &provider).ends_with("-one"));
    }
    let slots = reload().json()["slots"].clone();
    let states: Vec<&str> =
        slots.as_array().unwrap().iter().map(|s| s["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["rejected", "active"]);
    eventually(Duration::from_secs(10), "health tells of the refused key", || {
        let detail = with_key(&ultra, "GET", "/api/health?detail=true").send(server.addr()).json();
        let openai = &detail["services"]["provider:openai"];
        (openai["status"] == "degraded" && openai["using_fallback"] == true).then_some(())
    });
    let bad = provider
        .received()
        .iter()
        .filter(|r| r.header("authorization").unwrap().ends_with("-bad"))
        .count();
    assert_eq!(bad, 3, "a rejected key is not tried again");
}
