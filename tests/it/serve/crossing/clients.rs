//! The official packages, unmodified, at a provider of the other family.

use super::{providers, serving};
use crate::clients::python;
use crate::serve::dev_key;
use crate::serve::upstream::Upstream;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Runs a script against a server, with models of `prefix`; gives what it saw.
fn run(script: &str, variable: &str, path: &str, prefix: &str) -> Option<(Value, [Upstream; 2])> {
    let python = python()?;
    let (openai, anthropic) = (providers::openai(), providers::anthropic());
    let (ultra, server) = serving(&openai, &anthropic, "openai", "");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/serve/crossing");
    let output = Command::new(python)
        .arg(folder.join(script))
        .env_clear()
        .env("HOME", ultra.home())
        .env(format!("{variable}_BASE_URL"), server.url(path))
        .env(format!("{variable}_API_KEY"), dev_key(&ultra))
        .env("PREFIX", prefix)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.stop().keeps_the_canary();
    Some((serde_json::from_slice(&output.stdout).unwrap(), [openai, anthropic]))
}

#[test]
fn the_openai_package_talks_to_anthropic() {
    let Some((seen, [openai, anthropic])) = run("openai_client.py", "OPENAI", "/v1", "anthropic/")
    else {
        return;
    };
    assert_eq!(seen["text"], "hello you", "{seen}");
    assert_eq!(seen["finish"], "stop");
    assert_eq!(seen["usage"], json!([12, 5, 3]));
    assert_eq!(seen["streamed"], json!(["hello you", "stop", 15, "assistant"]));
    let call = json!(["tool_calls", "toolu_1", "weather", {"place": "here"}]);
    assert_eq!((&seen["call"], &seen["streamed_call"]), (&call, &call));
    assert_eq!(seen["after"], "hello you");
    assert_eq!(seen["response"], json!(["completed", "hello you", 12, 3]));
    assert_eq!(
        seen["streamed_response"],
        json!(["completed", "weather", {"place": "here"}, "response.created", "response.completed"])
    );
    assert_eq!(
        seen["errors"],
        json!({
            "limited": ["RateLimitError", 429, "rate_limit_exceeded"],
            "too-long": ["BadRequestError", 400, "context_length_exceeded"],
            "overloaded": ["InternalServerError", 503, "overloaded"],
            "refused": ["InternalServerError", 502, "upstream_credentials_exhausted"],
            "missing": ["NotFoundError", 404, "not_found"],
            "begins-with-error": ["InternalServerError", 503, "overloaded"],
            "cut": ["APIError", null, "upstream_stream_broken"],
            "ends-with-error": ["APIError", null, "overloaded"],
            "two": ["BadRequestError", 400, "unsupported_parameter"],
        })
    );
    assert!(openai.received().is_empty());
    let asked = anthropic.received();
    assert!(asked.iter().all(|asked| {
        asked.path() == "/v1/messages"
            && asked.header("anthropic-version") == Some("2023-06-01")
            && asked.header("x-api-key").is_some()
            && asked.header("authorization").is_none()
            && !String::from_utf8_lossy(&asked.body).contains("\"n\":2")
    }));
}

#[test]
fn the_anthropic_package_talks_to_openai() {
    let Some((seen, [openai, anthropic])) = run("anthropic_client.py", "ANTHROPIC", "", "openai/")
    else {
        return;
    };
    assert_eq!(seen["text"], "hello you", "{seen}");
    assert_eq!(seen["stop"], "end_turn");
    assert_eq!(seen["usage"], json!([7, 5, 3]));
    assert_eq!(seen["streamed"], json!(["hello you", "end_turn", 3]));
    let call = json!(["tool_use", "call_1", "weather", {"place": "here"}]);
    assert_eq!((&seen["call"], &seen["streamed_call"]), (&call, &call));
    assert_eq!(seen["after"], "hello you");
    assert_eq!(seen["kinds"], json!(["message_start", "message_stop"]));
    let errors = &seen["errors"];
    for (name, class, status, kind) in [
        ("limited", "RateLimitError", 429, "rate_limit_error"),
        ("too-long", "BadRequestError", 400, "invalid_request_error"),
        ("overloaded", "OverloadedError", 529, "overloaded_error"),
        ("refused", "InternalServerError", 502, "api_error"),
        ("missing", "NotFoundError", 404, "not_found_error"),
        ("begins-with-error", "RateLimitError", 429, "rate_limit_error"),
        ("container", "BadRequestError", 400, "invalid_request_error"),
        ("counted", "BadRequestError", 400, "invalid_request_error"),
    ] {
        assert_eq!(errors[name], json!([class, status, kind]), "{name}: {errors}");
    }
    // In a stream the package knows errors by their status, which was 200.
    assert_eq!(errors["cut"][2], "api_error", "{errors}");
    assert_eq!(errors["ends-with-error"][2], "rate_limit_error", "{errors}");
    assert!(anthropic.received().is_empty());
    let asked = openai.received();
    assert!(asked.iter().all(|asked| {
        asked.path() == "/v1/chat/completions"
            && asked.header("authorization").is_some()
            && asked.header("x-api-key").is_none()
            && asked.header("anthropic-version").is_none()
    }));
}
