//! Official packages, unmodified, through a gateway in mode real: the error classes that a provider's
//! errors become, how packages and gateway try again together, parsed answers, and asynchronous
//! clients.
//!
//! | | Python `openai` | Python `anthropic` | JavaScript `openai`, `@anthropic-ai/sdk` |
//! |---|---|---|---|
//! | plain, streamed, tools | `clients`, `endpoints`, here | `clients`, `mock::clients`, here | `javascript` |
//! | responses, plain and streamed | `endpoints`, here | | `javascript` |
//! | embeddings, base64 and float | `endpoints`, here | | `javascript` |
//! | counting tokens | | `endpoints`, here | `javascript` |
//! | parsed answers | here | here | |
//! | asynchronous clients | here | here | all of it |
//! | error classes by status | here, `mock::clients` | here, `mock::clients` | here |
//! | `max_retries`, `Retry-After`, `x-should-retry` | here | here | here |
//! | faults in streams | `mock::clients` | `mock::clients` | `javascript` |
//! | providers of the other family | `serve::crossing::clients` | `serve::crossing::clients` | |

use super::javascript::node;
use super::python;
use crate::serve::ledger::token;
use crate::serve::upstream::{self, Upstream};
use crate::support::fake::Received;
use crate::support::{Server, Ultra};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

const STATUSES: [u16; 13] = [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 529];

/// An answer whose text is JSON, for helpers that parse it.
const SHAPED: &str = r#"{"city":"Bonn","days":3}"#;

fn error(asked: &Received, status: u16) -> String {
    let kind = match status {
        400 | 422 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        _ => "api_error",
    };
    if asked.path().ends_with("/messages") {
        json!({"type": "error", "error": {"type": kind, "message": "no"}}).to_string()
    } else {
        json!({"error": {"type": kind, "message": "no", "param": null, "code": null}}).to_string()
    }
}

fn shaped(asked: &Received) -> String {
    let answer = if asked.path().ends_with("/messages") {
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "shaped", "stop_reason": "end_turn",
            "stop_sequence": null, "content": [{"type": "text", "text": SHAPED}], "usage": {"input_tokens": 3, "output_tokens": 2}})
    } else if asked.path().ends_with("/responses") {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "shaped",
            "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": SHAPED, "annotations": []}]}],
            "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "usage": {"input_tokens": 3,
                "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 5}})
    } else {
        json!({"id": "x", "object": "chat.completion", "created": 1, "model": "shaped", "choices": [{"index": 0,
            "message": {"role": "assistant", "content": SHAPED}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})
    };
    answer.to_string()
}

/// What the provider answers to the model of this name, asked for the `n`th time.
fn respond(asked: &Received, model: &str, n: usize, stream: &mut TcpStream) {
    let say = |head: &str, body: &str| upstream::json(head, body);
    let answer = match model {
        "hinted" => say("500 Oops\r\nx-should-retry: false", &error(asked, 500)),
        "later" if n == 0 => say("429 Too Many\r\nretry-after: 1", &error(asked, 429)),
        // The gateway asks once more, too.
        "twice" if n < 2 => say("500 Oops", &error(asked, 500)),
        "later" | "twice" | "shaped" => say("200 OK", &shaped(asked)),
        status => {
            let status = status.parse().unwrap_or(500);
            say(&format!("{status} Status"), &error(asked, status))
        }
    };
    let _ = stream.write_all(&answer);
}

fn model(asked: &Received) -> String {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    body["model"].as_str().unwrap_or_default().to_owned()
}

/// What a script saw, and how often the provider was asked for each model.
struct Ran {
    seen: Value,
    provider: Upstream,
}

impl Ran {
    fn asked(&self, name: &str) -> usize {
        self.provider.received().iter().filter(|asked| model(asked) == name).count()
    }
}

/// Runs a script with a gateway that has a provider of this kind, which answers as its models are
/// called, and the mock as `m`. The script is told the kind.
fn run(mut program: Command, script: &str, kind: &str) -> Ran {
    let counts: Mutex<Vec<String>> = Mutex::default();
    let provider = Upstream::start(move |asked, stream| {
        let model = model(asked);
        let mut counts = counts.lock().unwrap();
        let n = counts.iter().filter(|one| **one == model).count();
        counts.push(model.clone());
        drop(counts);
        respond(asked, &model, n, stream);
    });
    let mock = Ultra::empty();
    let behind = Server::start(&mock, &["--mock"]);
    let anthropic = kind == "anthropic";
    let (url, path) =
        if anthropic { (provider.anthropic(), "") } else { (provider.openai(), "/v1") };
    let mut profile = format!(
        "mode: real\nsecrets:\n  KEY: env:KEY\n  TOKEN: env:TOKEN\nproviders:\n  m: {{kind: {kind}, base_url: \"{}\", keys: [TOKEN]}}\n",
        behind.url(path)
    );
    let mut routes = String::new();
    let names = STATUSES.map(|status| status.to_string());
    let others = ["hinted", "later", "twice", "shaped"].map(str::to_owned);
    for name in names.iter().chain(&others) {
        // A key that is refused is refused for all models of its provider.
        writeln!(profile, "  p{name}: {{kind: {kind}, base_url: \"{url}\", keys: [KEY]}}").unwrap();
        let timeouts = if name == "later" { "    timeouts: {total: 900ms}\n" } else { "" };
        write!(
            routes,
            "  s{name}:\n{timeouts}    targets: [{{provider: p{name}, model: \"{name}\"}}]\n"
        )
        .unwrap();
    }
    let ultra = Ultra::empty().env("KEY", "key-of-clients-4f7a9c2e1b8d").env("TOKEN", token(&mock));
    ultra.write("profiles/dev.yaml", format!("{profile}routes:\n{routes}"));
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    let name = kind.to_ascii_uppercase();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients");
    let output = program
        .arg(folder.join(script))
        .arg(kind)
        .env("HOME", ultra.home())
        .env(format!("{name}_BASE_URL"), server.url(path))
        .env(format!("{name}_API_KEY"), ultra.read(".ultra/dev-key").trim())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ran { seen: serde_json::from_slice(&output.stdout).unwrap(), provider }
}

fn with_python(script: &str, kind: &str) -> Option<Ran> {
    let mut program = Command::new(python()?);
    program.env_clear();
    Some(run(program, script, kind))
}

/// The classes and statuses that a client of the OpenAI family meets. Our own key's troubles are no
/// trouble of its key.
fn openai_classes(unnamed: &str) -> Value {
    json!({
        "400": ["BadRequestError", 400], "401": ["InternalServerError", 502],
        "403": ["InternalServerError", 502], "404": ["NotFoundError", 404],
        "409": ["ConflictError", 409], "413": [unnamed, 413],
        "422": ["UnprocessableEntityError", 422], "429": ["RateLimitError", 429],
        "500": ["InternalServerError", 500], "502": ["InternalServerError", 502],
        "503": ["InternalServerError", 503], "504": ["InternalServerError", 504],
        "529": ["InternalServerError", 529],
    })
}

/// How often the provider was asked for what a package and the gateway try again.
fn tried_together(ran: &Ran) {
    // The package heeds the provider's hint, which the gateway passes on: it asks once.
    assert_eq!(ran.asked("hinted"), 2, "{}", ran.seen);
    // The wait is longer than the request may take: the package waits, and its second request is
    // answered.
    assert_eq!(ran.asked("later"), 2, "{}", ran.seen);
    assert!(ran.seen["later"][1].as_f64().unwrap() >= 0.9, "{}", ran.seen);
    // Both attempts of the first request fail, the second request is answered.
    assert_eq!(ran.asked("twice"), 3, "{}", ran.seen);
    assert_eq!((&ran.seen["later"][0], &ran.seen["twice"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_openai_package_has_its_own_errors_and_parses_through_the_gateway() {
    let Some(ran) = with_python("openai_gateway.py", "openai") else { return };
    let seen = &ran.seen;
    let classes = openai_classes("APIStatusError");
    for how in ["plain", "streamed"] {
        assert_eq!(seen["errors"][how], classes, "{how}: {seen}");
    }
    for status in ["400", "404", "422", "429"] {
        assert_eq!(seen["errors"]["async"][status], classes[status], "{seen}");
    }
    assert_eq!(seen["hinted"], json!(["InternalServerError", 500]), "{seen}");
    tried_together(&ran);
    assert_eq!(seen["parsed"], json!([["Bonn", 3], ["Bonn", 3]]), "{seen}");
    let words = &seen["chat"];
    assert!(words.as_str().is_some_and(|text| text.len() > 10), "{seen}");
    assert_eq!(seen["chat_streamed"], *words, "{seen}");
    for name in ["async", "async_streamed"] {
        let all = seen[name].as_array().unwrap();
        assert!(all.len() == 8 && all.iter().all(|text| text == words), "{name}: {seen}");
    }
    assert_eq!(seen["response"], seen["response_streamed"], "{seen}");
    assert_eq!(seen["response_kinds"], json!(["response.created", "response.completed", true]));
    assert_eq!(seen["embeddings"], json!([true, 1536]), "{seen}");
    assert_eq!(seen["call"], json!(["forecast", ["city"]]), "{seen}");
    assert_eq!(seen["streamed_call_is_the_same"], true, "{seen}");
    assert_eq!(
        seen["own"],
        json!([["AuthenticationError", 401], ["NotFoundError", 404], ["BadRequestError", 400]])
    );
}

#[test]
fn the_anthropic_package_has_its_own_errors_and_parses_through_the_gateway() {
    let Some(ran) = with_python("anthropic_gateway.py", "anthropic") else { return };
    let seen = &ran.seen;
    let classes = json!({
        "400": ["BadRequestError", 400], "401": ["InternalServerError", 502],
        "403": ["InternalServerError", 502], "404": ["NotFoundError", 404],
        "409": ["ConflictError", 409], "413": ["ContentTooLargeError", 413],
        "422": ["UnprocessableEntityError", 422], "429": ["RateLimitError", 429],
        "500": ["InternalServerError", 500], "502": ["InternalServerError", 502],
        "503": ["ServiceUnavailableError", 503], "504": ["GatewayTimeoutError", 504],
        "529": ["OverloadedError", 529],
    });
    for how in ["plain", "streamed"] {
        assert_eq!(seen["errors"][how], classes, "{how}: {seen}");
    }
    for status in ["400", "404", "422", "429"] {
        assert_eq!(seen["errors"]["async"][status], classes[status], "{seen}");
    }
    assert_eq!(seen["hinted"], json!(["InternalServerError", 500]), "{seen}");
    tried_together(&ran);
    assert_eq!(seen["parsed"], json!(["Bonn", 3]), "{seen}");
    let words = &seen["text"];
    assert_eq!(seen["streamed"], *words, "{seen}");
    for name in ["async", "async_streamed"] {
        let all = seen[name].as_array().unwrap();
        assert!(all.len() == 8 && all.iter().all(|text| text == words), "{name}: {seen}");
    }
    assert_eq!(seen["counts"], json!([true, true]), "{seen}");
    assert_eq!(seen["call"], json!(["forecast", ["city"]]), "{seen}");
    assert_eq!(
        seen["own"],
        json!([["AuthenticationError", 401], ["NotFoundError", 404], ["BadRequestError", 400]])
    );
}

#[test]
fn the_packages_for_javascript_have_their_own_errors_through_the_gateway() {
    for (kind, classes) in [
        ("openai", openai_classes("APIError")),
        ("anthropic", {
            let mut classes = openai_classes("APIError");
            classes["413"] = json!(["ContentTooLargeError", 413]);
            classes["503"] = json!(["ServiceUnavailableError", 503]);
            classes["504"] = json!(["GatewayTimeoutError", 504]);
            classes["529"] = json!(["OverloadedError", 529]);
            classes
        }),
    ] {
        let Some(program) = node() else { return };
        let ran = run(program, "gateway.js", kind);
        // Classes that a package does not name are those of its status at least.
        for (status, expected) in classes.as_object().unwrap() {
            let seen = &ran.seen["errors"][status];
            assert_eq!(seen[1], expected[1], "{kind} {status}: {}", ran.seen);
            if !matches!(&**status, "413" | "503" | "504" | "529") {
                assert_eq!(seen, expected, "{kind} {status}: {}", ran.seen);
            }
        }
        assert_eq!(ran.seen["hinted"], json!(["InternalServerError", 500]), "{}", ran.seen);
        tried_together(&ran);
    }
}

#[test]
fn a_limit_of_ours_is_told_with_its_time_and_waited_for_by_the_packages() {
    let Some(python) = python() else { return };
    let ultra = Ultra::empty().env("ULTRA_RATE_LIMIT", "60");
    let server = Server::start(&ultra, &["--mock"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients/limited.py");
    let output = Command::new(python)
        .arg(script)
        .env_clear()
        .env("HOME", ultra.home())
        .env("BASE_URL", server.url(""))
        .env("KEY", ultra.read(".ultra/dev-key").trim())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["openai", "anthropic"] {
        let (status, headers) = (&seen[name][0][0], &seen[name][0][1]);
        assert_eq!(status, 429, "{seen}");
        let after: u64 = headers[0].as_str().unwrap().parse().unwrap();
        assert!((1..=2).contains(&after), "{seen}");
        assert_eq!((&headers[1], &headers[2]), (&json!("60"), &json!("0")), "{seen}");
        assert!(headers[3].is_string(), "{seen}");
    }
}
