//! What is known of models: at a server, in the files of a profile, and by asking one.

use super::upstream::{self, Upstream};
use super::{chat, with_key};
use crate::support::fake;
use crate::support::services::free_port;
use crate::support::{CANARY, Server, Ultra, eventually};
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";
const PATIENCE: Duration = Duration::from_secs(20);
const ANSWER: &str = r#"{"id":"x","choices":[{"message":{"role":"assistant","content":"ready"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":2}}"#;
const LIST: &str = r#"{"object":"list","data":[{"id":"gpt-4o"}]}"#;

fn provider() -> Upstream {
    Upstream::saying(upstream::json("200 OK", ANSWER)).lists(upstream::json("200 OK", LIST))
}

/// A root whose provider `openai` is this one, in mode real.
fn root(provider: &str) -> Ultra {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY).env("OPENAI_BASE_URL", provider);
    ultra.env("ULTRA_MODE", "real")
}

fn get(ultra: &Ultra, server: &Server, path: &str) -> Value {
    with_key(ultra, "GET", path).send(server.addr()).is(200).json()
}

fn named<'a>(models: &'a Value, name: &str) -> &'a Value {
    let all = models["models"].as_array().unwrap();
    all.iter().find(|model| model["name"] == name).unwrap()
}

#[test]
fn a_server_tells_all_that_is_known_of_a_model() {
    let provider = provider();
    let ultra = root(&provider.openai());
    let server = Server::start(&ultra, &["--real"]);
    eventually(PATIENCE, "the list", || {
        let model = get(&ultra, &server, "/api/llms/gpt-4o")["model"].clone();
        (model["listed"] == true).then_some(())
    });
    let all = get(&ultra, &server, "/api/llms");
    assert_eq!((&all["status"], &all["mode"]), (&"success".into(), &"real".into()));
    let gpt = named(&all, "gpt-4o");
    assert_eq!(gpt["capabilities"], json!({"tools": true, "vision": true, "reasoning": false}));
    assert_eq!(gpt["context_tokens"], 128_000, "{gpt}");
    assert_eq!(gpt["price"]["input_microusd_per_mtok"], 2_500_000, "{gpt}");
    let target = &gpt["targets"][0];
    assert_eq!(target["keys"], json!([{"variable": "OPENAI_API_KEY", "state": "active"}]));
    assert!(target["listed_at"].is_string() && target["breaker"] == "closed", "{target}");
    // One without a key is listed, with the reason, and hides no other.
    let claude = named(&all, "claude-haiku-4-5");
    assert_eq!((&claude["available"], &claude["configured"]), (&false.into(), &false.into()));
    assert!(claude["reason"].as_str().unwrap().contains("`ANTHROPIC_API_KEY` is not set"));
    let seed = get(&ultra, &server, "/api/available-models");
    assert_eq!(seed["status"], "success", "{seed}");
    assert!(seed["available_models"].as_array().unwrap().contains(&"gpt-4o".into()));
    assert_eq!(named(&seed, "gpt-4o")["endpoints"][0], "/v1/chat/completions");

    let seeing = get(&ultra, &server, "/api/llms?capability=vision&provider=openai");
    assert!(seeing["models"].as_array().unwrap().iter().any(|m| m["name"] == "gpt-4o"));
    assert!(
        seeing["models"].as_array().unwrap().iter().all(|m| m["capabilities"]["vision"] == true)
    );
    for wrong in ["/api/llms?capability=speech", "/api/llms?tag=x"] {
        with_key(&ultra, "GET", wrong).send(server.addr()).is(400);
    }
    let nobody = with_key(&ultra, "GET", "/api/llms?provider=opneai").send(server.addr()).is(404);
    let nobody = nobody.json();
    assert_eq!(
        (&nobody["code"], &nobody["param"]),
        (&"provider_not_found".into(), &"provider".into())
    );
    assert!(nobody["message"].as_str().unwrap().contains("did you mean `openai`?"), "{nobody}");
    // One that is known and has no models here is no mistake.
    assert_eq!(get(&ultra, &server, "/api/llms?provider=azure")["count"], 0);
    let unknown = with_key(&ultra, "GET", "/api/llms/gpt-4").send(server.addr()).is(404);
    assert!(unknown.text().contains("did you mean"), "{}", unknown.text());
    let status = get(&ultra, &server, "/api/llms/gpt-4o/status")["model_status"].clone();
    assert_eq!((&status["available"], &status["status"]), (&true.into(), &"available".into()));
    let status = get(&ultra, &server, "/api/llms/claude-haiku-4-5/status")["model_status"].clone();
    assert_eq!((&status["available"], &status["status"]), (&false.into(), &"unavailable".into()));
    server.stop().keeps_the_canary();
}

#[test]
fn a_list_that_cannot_be_had_again_stays_with_its_age() {
    let provider = provider();
    let ultra = root(&provider.openai());
    let server = Server::start(&ultra, &["--real"]);
    let listed = || {
        let target = get(&ultra, &server, "/api/llms/gpt-4o")["model"]["targets"][0].clone();
        target["listed_at"].is_string().then_some(target)
    };
    let before = eventually(PATIENCE, "the list", listed);
    let provider = provider.lists(upstream::json("500 Oops", "{}"));
    // One at a time: when it is asked for the second time, it has dealt with the first answer.
    for _ in 0..2 {
        let asked = provider.asked_for_the_list().len();
        with_key(&ultra, "POST", "/api/admin/models/refresh").send(server.addr()).is(202);
        eventually(PATIENCE, "the next question", || {
            (provider.asked_for_the_list().len() > asked).then_some(())
        });
    }
    assert_eq!(listed().unwrap(), before);
}

#[test]
fn files_and_a_server_list_the_same_models() {
    let provider = provider();
    let ultra = root(&provider.openai());
    let head = "provider,model,input_microusd_per_mtok,output_microusd_per_mtok,deprecation_date\n";
    ultra.write("prices.csv", format!("{head}openai,gpt-4.1,1,2,2020-02-03\n"));
    ultra.write("profiles/dev.yaml", "routes:\n  both:\n    targets: [{provider: openai, model: gpt-4o, weight: 3}, {provider: openai, model: gpt-4.1, weight: 1}]\n");
    ultra.run(&["env", "trust", "--yes"]);
    let files = ultra.run(&["models", "list", "-o", "json"]).exits(0).keeps_the_canary();
    assert!(files.stderr.contains("is deprecated since 2020-02-03"), "{}", files.stderr);
    let files = files.json();
    assert_eq!((&files["schema"], &files["mode"]), (&"ultra.models.list/1".into(), &"real".into()));
    let both = named(&files, "both");
    assert_eq!((&both["targets"][0]["share"], &both["available"]), (&3.into(), &true.into()));
    assert_eq!(both["targets"][0]["keys"][0]["state"], "set");
    assert_eq!(both["targets"][1]["deprecated"], "past");
    assert!(files["models"].as_array().unwrap().iter().all(|m| m["configured"] == true));
    assert!(files["hidden"].as_u64().unwrap() > 0);
    let table = ultra.run(&["models", "list"]).exits(0);
    for part in ["openai/gpt-4o (3 of 4)", "128000", "2.5", "deprecated 2020-02-03", "--all"] {
        assert!(table.stdout.contains(part), "{part}: {}", table.stdout);
    }
    let all = ultra.run(&["models", "list", "--all", "-o", "json"]).exits(0).json();
    for target in all["models"].as_array().unwrap().iter().flat_map(|m| m["targets"].as_array()) {
        for target in target.iter().filter(|t| t["keys"].as_array().unwrap().is_empty()) {
            assert_eq!(target["available"], true, "it wants no key: {target}");
        }
    }
    let claude = named(&all, "claude-haiku-4-5");
    assert_eq!(claude["targets"][0]["keys"][0]["state"], "missing", "{claude}");

    let server = Server::start(&ultra, &["--real"]);
    let url = server.url("");
    let asked = ultra.run(&["models", "list", "--url", &url, "-o", "json"]).exits(0);
    let asked = asked.keeps_the_canary().json();
    let names = |list: &Value| -> Vec<String> {
        let all = list["models"].as_array().unwrap();
        all.iter().map(|m| m["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&asked), names(&files));
    assert_eq!(named(&asked, "both")["targets"][0]["keys"][0]["state"], "active");
    drop(server);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    ultra.run(&["models", "list", "--url", &nobody]).exits(5);
}

#[test]
fn a_model_is_asked_for_a_word_when_somebody_agrees() {
    let provider = provider();
    let ultra = root(&provider.openai());
    // Nobody agrees, and nobody is asked.
    let refused = ultra.run(&["models", "test", "gpt-4o"]).exits(6);
    refused.complains("at most").complains("--yes").keeps_the_canary();
    assert!(provider.received().is_empty());

    let told = ultra.run(&["models", "test", "gpt-4o", "--yes", "-o", "json"]).exits(0);
    let told = told.keeps_the_canary().json();
    assert_eq!(
        (&told["schema"], &told["verdict"]),
        (&"ultra.models.test/1".into(), &"answered".into())
    );
    assert_eq!((&told["provider"], &told["upstream_model"]), (&"openai".into(), &"gpt-4o".into()));
    assert_eq!((&told["input_tokens"], &told["output_tokens"]), (&20.into(), &2.into()));
    assert_eq!(told["cost_usd"], "0.00007", "{told}");
    assert_eq!(told["text"], "ready");
    let asked = provider.received();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!(body["max_completion_tokens"], 16, "{body}");
    ultra
        .run(&["models", "test", "gpt-4o", "--yes"])
        .exits(0)
        .says("`gpt-4o` answers")
        .says("0.00007");

    ultra.run(&["models", "test", "gpt-4", "--yes"]).exits(2).complains("did you mean");
    let missing = ultra.run(&["models", "test", "claude-haiku-4-5", "--yes"]).exits(3);
    missing.says("`ANTHROPIC_API_KEY` is not set");
    assert_eq!(provider.received().len(), 2);
}

#[test]
fn a_model_is_asked_for_what_it_does() {
    let answers = |asked: &fake::Received, stream: &mut std::net::TcpStream| {
        let answer = match asked.line.split(' ').nth(1).unwrap() {
            "/v1/embeddings" => {
                r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"e","usage":{"prompt_tokens":5,"total_tokens":5}}"#
            }
            "/v1/responses" => {
                r#"{"id":"r","object":"response","status":"completed","output":[{"type":"reasoning","summary":[]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"ready"}]}],"usage":{"input_tokens":5,"output_tokens":2,"total_tokens":7}}"#
            }
            _ => ANSWER,
        };
        let _ = stream.write_all(&upstream::json("200 OK", answer));
    };
    let provider = Upstream::start(answers);
    let ultra = root(&provider.openai()).env("MAIN_KEY", CANARY);
    ultra.write(
        "profiles/dev.yaml",
        format!(
            "secrets: {{MAIN_KEY: env:MAIN_KEY}}\nproviders:\n  main: {{kind: openai, base_url: \
             \"{}\", keys: [MAIN_KEY]}}\n",
            provider.openai()
        ),
    );
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    let url = server.url("");
    for (model, path, field, text) in [
        ("openai/text-embedding-3-small", "/v1/embeddings", "input", Value::Null),
        ("openai/gpt-5-pro", "/v1/responses", "max_output_tokens", "ready".into()),
        // By the model, and not by what its provider is called.
        ("main/o3-mini", CHAT, "max_completion_tokens", "ready".into()),
        ("main/some-llama", CHAT, "max_tokens", "ready".into()),
    ] {
        for over in [&[][..], &["--url", &url]] {
            let args = [&["models", "test", model, "--yes", "-o", "json"][..], over].concat();
            let told = ultra.run(&args).exits(0).keeps_the_canary().json();
            assert_eq!((&told["verdict"], &told["text"]), (&"answered".into(), &text), "{told}");
            let received = provider.received();
            let asked = received.iter().rfind(|asked| asked.line.starts_with("POST")).unwrap();
            assert!(asked.line.contains(path), "{model}: {}", asked.line);
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            assert!(!body[field].is_null(), "{body}");
        }
    }
    let paths = |model: &str| {
        get(&ultra, &server, &format!("/api/llms/{model}"))["model"]["endpoints"].clone()
    };
    assert_eq!(paths("openai/text-embedding-3-small"), json!(["/v1/embeddings"]));
    assert_eq!(paths("openai/gpt-5-pro"), json!(["/v1/responses"]));
    // What no endpoint is for is not asked for anything.
    ultra.write("prices.csv", "provider,model,mode\nmain,sorter,rerank\n");
    let before = provider.received().len();
    let refused = ultra.run(&["models", "test", "main/sorter", "--yes"]).exits(3);
    refused.complains("no endpoint").keeps_the_canary();
    let asked = provider.received().split_off(before);
    assert!(asked.iter().all(|asked| asked.line.starts_with("GET")), "only for its list");
}

#[test]
fn a_key_that_may_not_ask_says_nothing_of_the_model() {
    let (ultra, server) = super::mock();
    let made = ultra.run(&["auth", "service-key", "create", "r", "--scope", "read"]).exits(0);
    let ultra = ultra.env("ULTRA_SERVICE_KEY", made.stdout.trim());
    let url = server.url("");
    let refused = ultra.run(&["models", "test", "gpt-4o", "--url", &url, "--yes"]).exits(5);
    let refused = refused.complains("lacks the scope `write`").complains("--scope write");
    assert!(!refused.stdout.contains("does not answer as it should"), "{}", refused.stdout);
}

#[test]
fn a_capability_that_no_model_has_is_not_a_missing_key() {
    let ultra = Ultra::empty().env("MAIN_KEY", CANARY);
    ultra.write(
        "profiles/dev.yaml",
        "mode: real\nsecrets: {MAIN_KEY: env:MAIN_KEY}\nproviders:\n  main: {kind: openai, \
         base_url: \"http://127.0.0.1:9/v1\", keys: [MAIN_KEY]}\nroutes:\n  m: {targets: \
         [{provider: main, model: x}]}\n",
    );
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    ultra.run(&["models", "list"]).exits(0).says("main/x");
    let told = ultra.run(&["models", "list", "--capability", "vision"]).exits(0);
    let told = told.says("no model that is configured is known for `vision`").says("--all");
    assert!(!told.stdout.contains("no model is configured"), "{}", told.stdout);
}

#[test]
fn what_is_wrong_is_told_from_what_cannot_be_reached() {
    let nobody = root(&format!("http://127.0.0.1:{}/v1", free_port()));
    nobody.run(&["models", "test", "gpt-4o", "--yes"]).exits(5).keeps_the_canary();
    let error = format!(r#"{{"error":{{"message":"Incorrect API key {CANARY}"}}}}"#);
    for (answer, status) in [
        (upstream::json("401 Unauthorized", &error), 3),
        (upstream::json("404 Not Found", &error), 3),
        (upstream::json("500 Oops", &error), 5),
        (upstream::json("200 OK", r#"{"choices":[]}"#), 3),
        (
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\n<html"
                .to_vec(),
            3,
        ),
    ] {
        let provider = Upstream::saying(answer);
        let ultra = root(&provider.openai());
        ultra.run(&["models", "test", "gpt-4o", "--yes"]).exits(status).keeps_the_canary();
    }
}

#[test]
fn an_answer_that_is_none_does_not_hold_whichever_server_asked() {
    let html = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\n<html";
    let provider = Upstream::saying(html.to_vec());
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", provider.openai())
        .env("ANTHROPIC_API_KEY", CANARY)
        .env("ANTHROPIC_BASE_URL", provider.anthropic())
        .env("ULTRA_MODE", "real");
    let server = Server::start(&ultra, &["--real"]);
    let url = server.url("");
    for model in ["gpt-4o", "claude-haiku-4-5"] {
        ultra.run(&["models", "test", model, "--url", &url, "--yes"]).exits(3).keeps_the_canary();
    }
}

#[test]
fn clients_are_not_told_which_variable_is_missing_and_operators_are() {
    let provider = provider();
    let ultra = root(&provider.openai());
    let server = Server::start(&ultra, &["--real"]);
    let body = r#"{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
    let answers = [
        chat(&ultra, "/v1/messages", body).send(server.addr()).is(503).text(),
        with_key(&ultra, "GET", "/v1/models/claude-haiku-4-5").send(server.addr()).is(404).text(),
    ];
    for told in answers {
        assert!(
            told.contains("no usable access to its provider") && !told.contains("ANTHROPIC"),
            "{told}"
        );
    }
    let url = server.url("");
    let test = ultra.run(&["models", "test", "claude-haiku-4-5", "--url", &url, "--yes"]).exits(3);
    test.says("ANTHROPIC_API_KEY");
    let log = server.stop().stderr;
    assert!(log.contains("`ANTHROPIC_API_KEY` is not set"), "{log}");
}

#[test]
fn names_that_are_not_ascii_are_encoded_in_headers() {
    let provider = provider();
    let ultra = root(&provider.openai());
    let server = Server::start(&ultra, &["--real"]);
    let body = r#"{"model":"openai/caf\u00e9","messages":[{"role":"user","content":"hi"}]}"#;
    let answer = chat(&ultra, "/v1/chat/completions", body).send(server.addr()).is(200);
    assert_eq!(answer.header("x-ultra-model"), Some("caf%C3%A9"));
}

#[test]
fn the_anthropic_list_has_pages() {
    let provider = provider();
    let ultra = root(&provider.openai());
    let server = Server::start(&ultra, &["--real"]);
    let list = |query: &str| {
        let path = format!("/v1/models{query}");
        with_key(&ultra, "GET", &path).header("anthropic-version", "2023-06-01").send(server.addr())
    };
    let all = list("").is(200).json();
    let ids: Vec<&str> =
        all["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert!(ids.len() > 3 && all["has_more"] == false, "{all}");
    let page = |query: &str| {
        let page = list(query).is(200).json();
        let data = page["data"].as_array().unwrap().clone();
        assert_eq!(
            (data.first().map(|m| &m["id"]), data.last().map(|m| &m["id"])),
            (data.first().map(|_| &page["first_id"]), data.last().map(|_| &page["last_id"]))
        );
        let ids: Vec<String> = data.iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect();
        (ids, page["has_more"] == true)
    };
    let some = |from: usize, to: usize| {
        ids[from..to].iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(page("?limit=2"), (some(0, 2), true));
    assert_eq!(page(&format!("?limit=1&after_id={}", ids[1])), (some(2, 3), true));
    assert_eq!(page(&format!("?after_id={}", ids[1])), (some(2, ids.len()), false));
    assert_eq!(page(&format!("?limit=1&before_id={}", ids[2])), (some(1, 2), true));
    assert_eq!(page(&format!("?before_id={}", ids[2])), (some(0, 2), false));
    assert_eq!(page(&format!("?after_id={}", ids[ids.len() - 1])), (Vec::new(), false));
    for (query, named) in [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=x", "limit"),
        ("?after_id=nobody", "after_id"),
    ] {
        let refused = list(query).is(400).json();
        assert_eq!(refused["error"]["type"], "invalid_request_error", "{refused}");
        assert!(refused["error"]["message"].as_str().unwrap().contains(named), "{refused}");
    }
    // The other family has no pages.
    let plain = with_key(&ultra, "GET", "/v1/models?limit=1").send(server.addr()).is(200).json();
    assert_eq!(plain["data"].as_array().unwrap().len(), ids.len());
}

#[test]
fn a_running_server_sends_the_test_too() {
    let provider = provider();
    let ultra = root(&provider.openai());
    let server = Server::start(&ultra, &["--real"]);
    let url = server.url("");
    let told = ultra.run(&["models", "test", "gpt-4o", "--url", &url, "--yes", "-o", "json"]);
    let told = told.exits(0).json();
    assert_eq!((&told["verdict"], &told["cost_usd"]), (&"answered".into(), &"0.00007".into()));
    assert_eq!(told["provider"], "openai");
    ultra
        .run(&["models", "test", "gpt-4", "--url", &url, "--yes"])
        .exits(2)
        .complains("did you mean");
    server.stop();
    // The mock costs nothing, so it need not be asked for.
    let ultra = Ultra::empty();
    let told = ultra.run(&["models", "test", "gpt-4o", "-o", "json"]).exits(0).json();
    assert_eq!((&told["mode"], &told["verdict"]), (&"mock".into(), &"answered".into()), "{told}");
}
