//! Keys change while the server runs.

use super::upstream::{self, Upstream};
use super::{chat, with_key};
use crate::support::{CANARY, Server, Ultra, eventually};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
            upstream::json(
                "200 OK",
                r#"{"choices":[{}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
            )
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

/// A provider whose answers are streams that end when they are told to. It takes every key.
fn slow() -> (Upstream, Arc<AtomicBool>) {
    let go = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&go);
    let provider = Upstream::start(move |asked, stream| {
        if !String::from_utf8_lossy(&asked.body).contains("\"stream\":true") {
            let _ = stream.write_all(&upstream::json("200 OK", r#"{"choices":[{}]}"#));
            return;
        }
        let _ = stream.write_all(upstream::STREAM.as_bytes());
        let _ =
            upstream::chunk(stream, b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
        eventually(Duration::from_secs(60), "the word to go on", || {
            told.load(Ordering::Relaxed).then_some(())
        });
        let _ = upstream::chunk(stream, b"data: [DONE]\n\n");
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    let list = upstream::json("200 OK", r#"{"object":"list","data":[{"id":"gpt-4o"}]}"#);
    (provider.lists(list), go)
}

const STREAM: &str =
    r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

/// With the first key in the vault.
fn with_vault(provider: &Upstream) -> Ultra {
    let ultra = Ultra::empty().env("OPENAI_BASE_URL", provider.openai());
    let identity = ultra.home().join("identity").display().to_string();
    let ultra = ultra.env("ULTRA_VAULT_IDENTITY_FILE", identity);
    let one = format!("{CANARY}-one");
    ultra.run_with_stdin(&["keys", "set", "openai"], one.as_bytes()).exits(0);
    ultra
}

/// The generations of the slots that the server says it has, over its control socket.
fn generations(ultra: &Ultra) -> Vec<u64> {
    let mut socket =
        std::os::unix::net::UnixStream::connect(ultra.state().join("serve.sock")).unwrap();
    socket.write_all(b"GET /slots HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut socket, &mut text).unwrap();
    let told: serde_json::Value =
        serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
    let slots = told["slots"].as_array().unwrap().iter();
    slots.map(|slot| slot["generation"].as_u64().unwrap()).collect()
}

#[test]
fn a_replaced_key_stands_by_for_as_long_as_was_said_and_ends_what_it_began() {
    let (provider, go) = slow();
    let ultra = with_vault(&provider);
    let server = Server::start(&ultra, &["--real"]);
    std::thread::scope(|scope| {
        let stream = scope.spawn(|| chat(&ultra, CHAT, STREAM).send(server.addr()));
        eventually(Duration::from_secs(15), "the stream", || {
            (provider.received().len() == 1).then_some(())
        });
        let args = ["keys", "rotate", "openai", "--drain", "3s"];
        ultra.run_with_stdin(&args, format!("{CANARY}-two").as_bytes()).exits(0);
        assert_eq!(generations(&ultra), [2, 1], "the key before stands by");
        eventually(Duration::from_secs(20), "the end of its time", || {
            (generations(&ultra) == [2]).then_some(())
        });
        go.store(true, Ordering::Relaxed);
        let answer = stream.join().unwrap().is(200);
        assert!(answer.whole && answer.text().contains("[DONE]"), "{}", answer.text());
    });
    let key = provider.received()[0].header("authorization").unwrap().to_owned();
    assert!(key.ends_with("-one"), "it was another key");
    server.stop().keeps_the_canary();
}

#[test]
fn a_key_that_is_removed_is_not_used_any_more_and_ends_what_it_began() {
    let declared = |provider: &Upstream| {
        format!(
            "mode: real\nsecrets:\n  OPENAI_API_KEY: vault:openai\nproviders:\n  openai:\n    kind: openai\n    base_url: {}\n    keys: [OPENAI_API_KEY]\nroutes:\n  gpt-4o: {{targets: [{{provider: openai, model: gpt-4o}}]}}\n",
            provider.openai()
        )
    };
    for profile in [None, Some(&declared)] {
        let (provider, go) = slow();
        let ultra = with_vault(&provider);
        if let Some(profile) = profile {
            ultra.write("profiles/dev.yaml", profile(&provider));
            ultra.run(&["env", "trust", "--yes"]).exits(0);
        }
        let server = Server::start(&ultra, &["--real"]);
        std::thread::scope(|scope| {
            let stream = scope.spawn(|| chat(&ultra, CHAT, STREAM).send(server.addr()));
            eventually(Duration::from_secs(15), "the stream", || {
                (provider.received().len() == 1).then_some(())
            });
            ultra.run(&["keys", "remove", "openai", "--yes"]).exits(0);
            let refused = chat(&ultra, CHAT, HELLO).send(server.addr());
            assert_eq!(refused.json()["error"]["code"], "model_unavailable", "{refused:?}");
            let said = refused.text();
            assert!(!said.contains("OPENAI_API_KEY") && !said.contains("vault"), "{said}");
            assert_eq!(provider.received().len(), 1, "the removed key was used");
            go.store(true, Ordering::Relaxed);
            let answer = stream.join().unwrap().is(200);
            assert!(answer.whole && answer.text().contains("[DONE]"), "{}", answer.text());
        });
        let two = format!("{CANARY}-two");
        ultra.run_with_stdin(&["keys", "set", "openai"], two.as_bytes()).exits(0);
        eventually(Duration::from_secs(15), "the next key", || {
            (chat(&ultra, CHAT, HELLO).send(server.addr()).status == 200).then_some(())
        });
        assert!(
            provider.received().last().unwrap().header("authorization").unwrap().ends_with("-two")
        );
        server.stop().keeps_the_canary();
    }
}

#[test]
fn a_key_that_comes_later_goes_where_the_server_sends_it() {
    let list = upstream::json("200 OK", r#"{"object":"list","data":[{"id":"gpt-4o"}]}"#);
    let provider = provider().lists(list);
    let ultra = Ultra::empty().env("OPENAI_BASE_URL", provider.openai());
    let identity = ultra.home().join("identity").display().to_string();
    let ultra = ultra.env("ULTRA_VAULT_IDENTITY_FILE", identity);
    ultra.run(&["keys", "set", "jwt", "--generate"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    chat(&ultra, CHAT, HELLO).send(server.addr()).is(503);
    let configured = || {
        let models = with_key(&ultra, "GET", "/api/available-models").send(server.addr()).json();
        let all = models["models"].as_array().unwrap();
        all.iter().find(|model| model["name"] == "gpt-4o").unwrap()["configured"] == true
    };
    let in_health = || {
        let health = with_key(&ultra, "GET", "/api/health?detail=true").send(server.addr()).json();
        health["services"]["provider:openai"]["status"].as_str().map(str::to_owned)
    };
    assert!(!configured() && in_health().is_none());
    let one = format!("{CANARY}-one");
    ultra.run_with_stdin(&["keys", "set", "openai"], one.as_bytes()).exits(0);
    eventually(Duration::from_secs(20), "the key in use", || {
        (chat(&ultra, CHAT, HELLO).send(server.addr()).status == 200).then_some(())
    });
    assert!(key_in_use(&ultra, &server, &provider).ends_with("-one"));
    let two = format!("{CANARY}-two");
    let rotated = ultra.run_with_stdin(&["keys", "rotate", "openai"], two.as_bytes()).exits(0);
    rotated.says("1 of 1 replica");
    // It is as if the server had been started with it, and without it again.
    assert!(configured());
    eventually(Duration::from_secs(10), "health to tell of it", || {
        (in_health().as_deref() == Some("ok")).then_some(())
    });
    ultra.run(&["keys", "remove", "openai", "--yes"]).exits(0);
    assert!(!configured());
    eventually(Duration::from_secs(10), "health to tell of it no more", || {
        in_health().is_none().then_some(())
    });
    server.stop().keeps_the_canary();
}
