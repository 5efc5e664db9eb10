//! Official client packages, unmodified, against `ultra serve` in mode mock.

mod endpoints;
mod gateway;
mod javascript;

use crate::support::{Server, Ultra, missing};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `scripts/setup test` keeps what the tests need.
fn cache() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(cache.join("ultra"))
}

/// The interpreter with the packages of `requirements.txt`, made by `scripts/setup test`.
pub(crate) fn python() -> Option<PathBuf> {
    let python = cache()?.join("venv/bin/python");
    if python.is_file() {
        return Some(python);
    }
    missing("the Python packages openai and anthropic");
    None
}

/// Runs a client script against a fresh server and returns what it saw.
fn run(script: &str, base_url: (&str, &str), key: &str, model: &str) -> Option<Value> {
    run_in("tests/it/clients", script, base_url, key, model)
}

/// The same with a script of another folder.
pub(crate) fn run_in(
    folder: &str,
    script: &str,
    base_url: (&str, &str),
    key: &str,
    model: &str,
) -> Option<Value> {
    let mut python = Command::new(python()?);
    python.env_clear();
    Some(run_with(python, folder, script, base_url, key, model))
}

/// The same with another interpreter.
fn run_with(
    mut interpreter: Command,
    folder: &str,
    script: &str,
    base_url: (&str, &str),
    key: &str,
    model: &str,
) -> Value {
    let ultra = Ultra::empty();
    let server = Server::start(&ultra, &["--mock"]);
    let dev_key = std::fs::read_to_string(ultra.state().join("dev-key")).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let output = interpreter
        .arg(folder.join(script))
        .env("HOME", ultra.home())
        .env(base_url.0, server.url(base_url.1))
        .env(key, dev_key.trim())
        .env("MODEL", model)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_openai_package_works_unmodified() {
    let Some(seen) =
        run("openai_client.py", ("OPENAI_BASE_URL", "/v1"), "OPENAI_API_KEY", "gpt-4o-mini")
    else {
        return;
    };
    assert_eq!(seen["text"], seen["streamed_text"], "{seen}");
    assert_ne!(seen["text"], "");
    assert!(seen["streamed_chunks"].as_u64().unwrap() > 1, "{seen}");
    assert_eq!(seen["tokens"], seen["streamed_tokens"]);
    assert_eq!(seen["finish"], "stop");
    assert!(seen["models"].as_array().unwrap().contains(&Value::from("gpt-4o-mini")), "{seen}");
    assert_eq!(seen["unknown_model"], serde_json::json!(["NotFoundError", 404, "model_not_found"]));
    assert_eq!(seen["bad_key"], serde_json::json!(["AuthenticationError", 401, "invalid_api_key"]));
    assert_eq!(seen["bad_request"][0], "BadRequestError", "{seen}");
}

#[test]
fn the_anthropic_package_works_unmodified() {
    let Some(seen) = run(
        "anthropic_client.py",
        ("ANTHROPIC_BASE_URL", ""),
        "ANTHROPIC_API_KEY",
        "claude-sonnet-4-5",
    ) else {
        return;
    };
    assert_eq!(seen["text"], seen["streamed_text"], "{seen}");
    assert!(seen["streamed_chunks"].as_u64().unwrap() > 1, "{seen}");
    assert_eq!(seen["tokens"], seen["streamed_tokens"]);
    assert_eq!(seen["stop"], "end_turn");
    assert!(
        seen["models"].as_array().unwrap().contains(&Value::from("claude-sonnet-4-5")),
        "{seen}"
    );
    assert_eq!(seen["unknown_model"], serde_json::json!(["NotFoundError", 404]));
    assert_eq!(seen["bad_key"], serde_json::json!(["AuthenticationError", 401]));
    assert_eq!(seen["bad_request"], serde_json::json!(["BadRequestError", 400]));
}

#[test]
fn the_openai_package_finds_the_gateway_under_env_run() {
    let Some(python) = python() else { return };
    let ultra = Ultra::empty().env("OPENAI_API_KEY", "sk-canary-canary-canary-canary");
    let server = Server::start(&ultra, &["--mock"]);
    let script = "import openai; print(openai.OpenAI(max_retries=0, timeout=20).chat.completions.create(\
                  model='gpt-4o-mini', messages=[{'role': 'user', 'content': 'hello'}]).choices[0].message.content)";
    let python = python.to_string_lossy();
    for redact in
        [&["env", "run", "--gateway", "--"][..], &["env", "run", "--gateway", "--redact", "--"]]
    {
        let args: Vec<&str> = redact.iter().copied().chain([&*python, "-c", script]).collect();
        let outcome = ultra.run(&args).exits(0);
        assert!(outcome.stdout.trim().len() > 5, "{outcome:?}");
    }
    drop(server);
}
