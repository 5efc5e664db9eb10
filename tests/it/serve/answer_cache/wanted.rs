//! Who wants the cache: the route or the request, for what asks for determinism, and for himself.

use super::{CHAT, KEPT, MESSAGES, ZERO, answer, ask, ask_at, came_of, counted, counting, serving};
use crate::serve::http::Request;
use crate::serve::{chat, with_key};
use crate::support::{Server, Ultra, eventually};
use serde_json::Value;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn who_asks_the_same_gets_the_same_and_nobody_is_asked() {
    let provider = counting();
    let (ultra, server) = serving(&provider, KEPT);
    let first = ask(&ultra, &server, ZERO, "");
    assert_eq!(came_of(&first), Some("miss"));
    assert_eq!(first.header("x-ultra-attempts"), Some("1"));
    // White space and the order of fields say nothing.
    let same =
        r#" {"messages": [ {"content":"hi", "role":"user"} ], "temperature":0, "model":"m"}"#;
    let second = ask(&ultra, &server, same, "");
    assert_eq!(came_of(&second), Some("hit"));
    assert_eq!(second.body(), first.body());
    for (name, value) in [
        ("x-ultra-provider", "p0"),
        ("x-ultra-model", "m0"),
        ("x-ultra-attempts", "0"),
        ("x-ultra-cost", "0"),
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(second.header(name), Some(value), "{name}");
    }
    assert!(second.header("age").unwrap().parse::<u64>().unwrap() < 60);
    assert_eq!(second.header("x-unknown"), None, "what the provider said of the first");
    assert_ne!(second.header("x-request-id"), first.header("x-request-id"));
    assert_eq!(provider.received().len(), 1);
    // Anything else is another question.
    for other in [
        ZERO.replace("hi", "ho"),
        ZERO.replace("\"temperature\":0", "\"temperature\":0,\"unknown\":1"),
        ZERO.replace("\"temperature\":0", "\"temperature\":0,\"seed\":1"),
    ] {
        assert_eq!(came_of(&ask(&ultra, &server, &other, "")), Some("miss"), "{other}");
    }
    let beta = chat(&ultra, CHAT, ZERO).header("openai-beta", "x").send(server.addr()).is(200);
    assert_eq!(came_of(&beta), Some("miss"));

    let seen = |result| counted(&ultra, &server, result);
    assert_eq!((seen("hit"), seen("miss"), seen("bypass"), seen("joined")), (1, 5, 0, 0));
    // One row for each time that the provider was asked.
    eventually(PATIENCE, "the rows", || {
        let report = ultra.run(&["usage", "report", "-o", "json"]).exits(0).json();
        (report["total"]["attempts"] == 5).then_some(())
    });
    let logged = server.stop().stderr;
    let hit = second.header("x-request-id").unwrap();
    let line = logged.lines().find(|line| line.contains(hit)).expect("an access line");
    assert!(line.contains(r#""cache":"hit""#) || line.contains("cache=\"hit\""), "{line}");
}

#[test]
fn a_request_may_want_it_by_itself_or_not_at_all() {
    let provider = counting();
    let (ultra, server) = serving(&provider, "");
    let plain = ask(&ultra, &server, ZERO, "");
    assert_eq!(came_of(&plain), None, "nobody wants it");
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "use")), Some("miss"));
    let hit = ask(&ultra, &server, ZERO, "use; max-age=60");
    assert_eq!((came_of(&hit), hit.text()), (Some("hit"), answer("answer 1")));
    let refreshed = ask(&ultra, &server, ZERO, "refresh");
    assert_eq!((came_of(&refreshed), refreshed.text()), (Some("miss"), answer("answer 2")));
    assert_eq!(ask(&ultra, &server, ZERO, "use").text(), answer("answer 2"));
    let bypassed = ask(&ultra, &server, ZERO, "bypass");
    assert_eq!((came_of(&bypassed), bypassed.text()), (Some("bypass"), answer("answer 3")));
    assert_eq!(ask(&ultra, &server, ZERO, "use").text(), answer("answer 2"));
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), None);

    let provider = counting();
    let (ultra, server) = serving(&provider, KEPT);
    for _ in 0..2 {
        assert_eq!(came_of(&ask(&ultra, &server, ZERO, "bypass")), Some("bypass"));
    }
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), Some("miss"), "nothing was kept of them");
    assert_eq!(counted(&ultra, &server, "bypass"), 2);
}

#[test]
fn any_other_wish_is_refused_in_the_clients_own_way() {
    let provider = counting();
    let (ultra, server) = serving(&provider, "");
    for wish in ["yes", "use; max-age=0", "no-store", "bypass, use"] {
        let refused = ask_at(CHAT, &ultra, &server, ZERO, wish).is(400).json();
        assert_eq!(refused["error"]["param"], "x-ultra-cache", "{refused}");
        assert_eq!(refused["error"]["type"], "invalid_request_error");
        let body = ZERO.replace("\"temperature\"", "\"max_tokens\":5,\"temperature\"");
        let refused = ask_at(MESSAGES, &ultra, &server, &body, wish).is(400).json();
        assert_eq!(refused["error"]["type"], "invalid_request_error", "{refused}");
        assert!(refused["error"]["message"].as_str().unwrap().contains("max-age"), "{refused}");
    }
    assert!(provider.received().is_empty());
}

#[test]
fn without_determinism_it_is_passed_by() {
    let provider = counting();
    let (ultra, server) = serving(&provider, KEPT);
    let with = |field: &str| ZERO.replace("\"temperature\":0", field);
    let bodies = [
        with("\"temperature\":0.5"),
        with("\"top_p\":0"),
        with("\"seed\":null"),
        with("\"temperature\":0,\"n\":2"),
        with("\"temperature\":0,\"store\":true"),
        with("\"temperature\":0,\"web_search_options\":{}"),
    ];
    for body in &bodies {
        for _ in 0..2 {
            assert_eq!(came_of(&ask(&ultra, &server, body, "use")), Some("bypass"), "{body}");
        }
    }
    assert_eq!(provider.received().len(), 2 * bodies.len());
    assert_eq!(came_of(&ask(&ultra, &server, &with("\"seed\":7"), "")), Some("miss"));
    assert_eq!(came_of(&ask(&ultra, &server, &with("\"seed\":7"), "")), Some("hit"));
}

#[test]
fn no_tenant_gets_what_another_was_answered() {
    let provider = counting();
    let (ultra, server) = serving(&provider, KEPT);
    let create = |args: &[&str]| ultra.run(args).exits(0).stdout.trim().to_owned();
    let keys = [
        create(&["auth", "service-key", "create", "one"]),
        create(&["auth", "service-key", "create", "two"]),
        create(&["auth", "token", "create", "--scope", "write"]),
        create(&["auth", "token", "create", "--scope", "write", "--subject", "somebody"]),
    ];
    let ask = |key: &str| {
        let request = Request::new("POST", CHAT).header("authorization", &format!("Bearer {key}"));
        request.json(ZERO).send(server.addr())
    };
    for turn in ["miss", "hit"] {
        for (n, key) in keys.iter().enumerate() {
            let answered = ask(key).is(200);
            assert_eq!(came_of(&answered), Some(turn), "{n}");
            assert_eq!(answered.text(), answer(&format!("answer {n}")));
        }
    }
    // What a key was answered goes with the key.
    ultra.run(&["auth", "service-key", "revoke", "one"]).exits(0);
    eventually(PATIENCE, "the revocation", || (ask(&keys[0]).status == 401).then_some(()));
    assert_eq!(provider.received().len(), keys.len());
}

#[test]
fn limits_of_a_route_count_hits_too() {
    let provider = counting();
    let (ultra, server) = serving(&provider, "    cache: {ttl: 10m}\n    requests_per_minute: 2\n");
    for came in ["miss", "hit"] {
        assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), Some(came));
    }
    ask_at(CHAT, &ultra, &server, ZERO, "").is(429);
}

#[test]
fn what_is_kept_ends_with_its_time() {
    let provider = counting();
    let (ultra, server) = serving(&provider, "    cache: {ttl: 5s}\n");
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), Some("miss"));
    assert_eq!(ask(&ultra, &server, ZERO, "").text(), answer("answer 0"));
    let second = eventually(PATIENCE, "the end of the first", || {
        let answered = ask(&ultra, &server, ZERO, "");
        (came_of(&answered) == Some("miss")).then_some(answered)
    });
    assert_eq!(second.text(), answer("answer 1"));

    // Who wants a young one gets no older.
    let provider = counting();
    let (ultra, server) = serving(&provider, KEPT);
    ask(&ultra, &server, ZERO, "");
    eventually(PATIENCE, "the first to be older than a second", || {
        (came_of(&ask(&ultra, &server, ZERO, "use; max-age=1")) == Some("miss")).then_some(())
    });
    assert_eq!(ask(&ultra, &server, ZERO, "").text(), answer("answer 1"), "in its place");
}

/// What a server in mode mock says of its models.
fn listed(ultra: &Ultra, server: &Server, name: &str) -> Value {
    let all = with_key(ultra, "GET", "/api/llms").send(server.addr()).is(200).json();
    let models = all["models"].as_array().unwrap();
    models.iter().find(|model| model["name"] == name).unwrap().clone()
}

#[test]
fn a_route_that_is_changed_keeps_to_its_new_way_at_once() {
    let provider = counting();
    let (ultra, server) = serving(&provider, KEPT);
    ask(&ultra, &server, ZERO, "");
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), Some("hit"));
    assert_eq!(listed(&ultra, &server, "m")["cache_ttl_seconds"], 600);
    let all = ultra.run(&["models", "list"]).exits(0);
    all.says("answers are kept for 10m");

    let profile = ultra.read("profiles/dev.yaml");
    let reload = |profile: &str| {
        ultra.write("profiles/dev.yaml", profile);
        with_key(&ultra, "POST", "/api/admin/keys/reload").send(server.addr()).is(200);
    };
    reload(&profile.replace(KEPT, ""));
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), None);
    assert_eq!(provider.received().len(), 2);
    // Another model there is another answer.
    reload(&profile.replace("model: m0", "model: m9"));
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), Some("miss"));

    for (bad, why) in [
        ("{ttl: 0s}", "from `1s` to `30d`"),
        ("{ttl: 31d}", "from `1s` to `30d`"),
        ("{ttl: soon}", "time span"),
        ("{}", "has no `ttl`"),
        ("{ttl: 1m, for: all}", "unknown key"),
        ("true", "must be a mapping"),
    ] {
        ultra.write("profiles/dev.yaml", profile.replace("{ttl: 10m}", bad));
        ultra.run(&["env", "validate"]).exits(3).says(why);
    }
}

#[test]
fn embeddings_are_always_the_same() {
    let (ultra, server) = crate::serve::mock();
    let body = r#"{"model":"mock-chat","input":"a"}"#;
    let ask = || ask_at("/v1/embeddings", &ultra, &server, body, "use").is(200);
    let (first, second) = (ask(), ask());
    assert_eq!((came_of(&first), came_of(&second)), (Some("miss"), Some("hit")));
    assert_eq!(first.body(), second.body());
    let count = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let count = count.replace("\"m\"", "\"mock-chat\"");
    let counted = ask_at("/v1/messages/count_tokens", &ultra, &server, &count, "use").is(200);
    assert_eq!(came_of(&counted), Some("bypass"), "it is free");
}
