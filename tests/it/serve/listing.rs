//! Providers' own lists of models, and the cache that replicas share them through.

use super::upstream::{self, Upstream};
use super::{chat, with_key};
use crate::support::services::{Redis, free_port};
use crate::support::{CANARY, Server, Ultra, eventually};
use serde_json::Value;
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;
const PATIENCE: Duration = Duration::from_secs(20);

/// A provider that answers conversations, and lists `gpt-4o` only.
fn provider() -> Upstream {
    let answer = r#"{"choices":[{}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    Upstream::saying(upstream::json("200 OK", answer))
        .lists(upstream::json("200 OK", r#"{"object":"list","data":[{"id":"gpt-4o"}]}"#))
}

fn replica(provider: &Upstream) -> Ultra {
    Ultra::empty().env("OPENAI_API_KEY", CANARY).env("OPENAI_BASE_URL", provider.openai())
}

fn sharing(provider: &Upstream, redis: &str) -> Ultra {
    replica(provider).env("ULTRA_CACHE", "redis").env("REDIS_URL", redis)
}

fn health(ultra: &Ultra, server: &Server) -> Value {
    with_key(ultra, "GET", "/api/health?detail=true").send(server.addr()).is(200).json()
}

fn cache_is(ultra: &Ultra, server: &Server, status: &str) -> Value {
    eventually(PATIENCE, status, || {
        let health = health(ultra, server);
        (health["services"]["cache"]["status"] == status).then_some(health)
    })
}

fn openai(health: &Value) -> Value {
    let all = health["providers"].as_array().unwrap();
    all.iter().find(|p| p["name"] == "openai").unwrap().clone()
}

fn model(ultra: &Ultra, server: &Server, name: &str) -> Value {
    let answer = with_key(ultra, "GET", "/api/available-models").send(server.addr()).is(200).json();
    let all = answer["models"].as_array().unwrap();
    all.iter().find(|m| m["name"] == name).unwrap().clone()
}

/// Waits until the server knows the list of its provider.
fn listed_at(ultra: &Ultra, server: &Server) -> Value {
    eventually(PATIENCE, "the list", || {
        let at = openai(&health(ultra, server))["listed_at"].clone();
        at.is_string().then_some(at)
    })
}

#[test]
fn a_model_says_whether_its_provider_lists_it() {
    let provider = provider();
    let ultra = replica(&provider);
    let server = Server::start(&ultra, &["--real"]);
    listed_at(&ultra, &server);
    let known = model(&ultra, &server, "gpt-4o");
    assert_eq!((&known["listed"], &known["note"]), (&true.into(), &Value::Null), "{known}");
    let other = model(&ultra, &server, "gpt-4o-mini");
    assert_eq!((&other["listed"], &other["available"]), (&false.into(), &true.into()), "{other}");
    assert!(other["note"].as_str().unwrap().contains("`gpt-4o-mini`"), "{other}");
    let nobody = model(&ultra, &server, "claude-sonnet-4-5");
    assert_eq!((&nobody["listed"], &nobody["note"]), (&Value::Null, &Value::Null), "{nobody}");
    let asked = provider.asked_for_the_list();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].line, "GET /v1/models HTTP/1.1");
    assert_eq!(cache_is(&ultra, &server, "ok")["cache"]["kind"], "memory");
    server.stop().keeps_the_canary();
}

#[test]
fn a_new_key_is_asked_for_its_own_list() {
    let provider = provider();
    let mut ultra = Ultra::empty().env("OPENAI_BASE_URL", provider.openai());
    let path = ultra.write_private("key", format!("{CANARY}-one\n"));
    ultra.set_env("OPENAI_API_KEY_FILE", path.display().to_string());
    let server = Server::start(&ultra, &["--real"]);
    listed_at(&ultra, &server);
    ultra.write_private("key", format!("{CANARY}-two\n"));
    eventually(PATIENCE, "the second question", || {
        let asked = provider.asked_for_the_list();
        let last = asked.last().unwrap().header("authorization").unwrap().to_owned();
        last.ends_with("-two").then_some(())
    });
    server.stop().keeps_the_canary();
}

#[test]
fn a_provider_that_lists_nothing_loses_no_key_and_no_model() {
    let provider = provider().lists(upstream::json("401 Unauthorized", r#"{"error":{}}"#));
    let ultra = replica(&provider);
    let server = Server::start(&ultra, &["--real"]);
    eventually(PATIENCE, "the question", || {
        (!provider.asked_for_the_list().is_empty()).then_some(())
    });
    for _ in 0..5 {
        chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    }
    let openai = openai(&health(&ultra, &server));
    assert_eq!(openai["slots"][0]["state"], "active", "{openai}");
    assert!(openai["listed_at"].is_null(), "{openai}");
    assert!(model(&ultra, &server, "gpt-4o")["listed"].is_null());
    let ended = server.stop();
    assert_eq!(ended.stderr.matches("lists no models").count(), 1, "{}", ended.stderr);
    ended.keeps_the_canary();
}

#[test]
fn the_mock_asks_nobody() {
    let provider = provider();
    let ultra = replica(&provider);
    let server = Server::start(&ultra, &["--mock"]);
    chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    assert!(model(&ultra, &server, "gpt-4o")["listed"].is_null());
    server.stop();
    assert!(provider.asked_for_the_list().is_empty());
}

#[test]
fn replicas_share_a_list_through_redis() {
    let Some(redis) = Redis::start() else { return };
    let provider = provider();
    let first = sharing(&provider, &redis.url());
    let one = Server::start(&first, &["--real"]);
    let at = listed_at(&first, &one);
    let health = cache_is(&first, &one, "ok");
    assert_eq!(health["services"]["cache"]["critical"], false);
    assert_eq!(health["cache"]["kind"], "redis");

    let second = sharing(&provider, &redis.url());
    let two = Server::start(&second, &["--real"]);
    assert_eq!(listed_at(&second, &two), at);
    assert_eq!(model(&second, &two, "gpt-4o")["listed"], true);
    assert_eq!(provider.asked_for_the_list().len(), 1);
}

#[test]
fn a_frozen_redis_holds_up_nobody_and_is_told() {
    let Some(redis) = Redis::start() else { return };
    let provider = provider();
    let ultra = sharing(&provider, &redis.url());
    let server = Server::start(&ultra, &["--real"]);
    cache_is(&ultra, &server, "ok");
    redis.freeze();
    let begin = Instant::now();
    for _ in 0..20 {
        chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    }
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    let health = cache_is(&ultra, &server, "degraded");
    let cache = &health["services"]["cache"];
    assert_eq!((&cache["using_fallback"], &cache["critical"]), (&true.into(), &false.into()));
    assert!(cache["since"].is_string() && cache["message"].is_string(), "{cache}");
    with_key(&ultra, "GET", "/api/health/ready").send(server.addr()).is(200);
    let seen = ultra.run(&["check", "status", "-o", "json"]).exits(0).json();
    let parts = seen["servers"][0]["components"].as_array().unwrap();
    let part = parts.iter().find(|c| c["name"] == "cache").unwrap();
    assert_eq!(part["using_fallback"], true, "{part}");
    redis.thaw();
    cache_is(&ultra, &server, "ok");
}

#[test]
fn an_absent_redis_prevents_no_start_and_a_bad_address_does() {
    let provider = provider();
    let url = format!("redis://user:{CANARY}@127.0.0.1:{}/0", free_port());
    let ultra = sharing(&provider, &url);
    let server = Server::start(&ultra, &["--real"]);
    chat(&ultra, CHAT, HELLO).send(server.addr()).is(200);
    let health = cache_is(&ultra, &server, "degraded");
    assert!(!health.to_string().contains(CANARY), "{health}");
    listed_at(&ultra, &server);
    server.stop().keeps_the_canary();

    let bad = sharing(&provider, &format!("http://user:{CANARY}@h/0"));
    let refused = bad.run(&["serve", "--port", "auto", "--real"]).exits(3);
    refused.complains("redis").keeps_the_canary();
}
