//! The official Python packages, unmodified, against all the endpoints beside chat.

use super::run;
use serde_json::json;

#[test]
fn the_openai_package_uses_every_endpoint() {
    let openai = ("OPENAI_BASE_URL", "/v1");
    let Some(seen) = run("openai_endpoints.py", openai, "OPENAI_API_KEY", "") else { return };
    assert!(seen["text"].as_str().is_some_and(|text| text.len() > 10), "{seen}");
    assert_eq!(seen["text"], seen["streamed_text"], "{seen}");
    assert_eq!(seen["text"], seen["helper_text"], "{seen}");
    assert_eq!((&seen["status"], &seen["numbered"]), (&json!("completed"), &json!(true)));
    assert_eq!(seen["tokens"], seen["streamed_tokens"]);
    let kinds = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(seen["kinds"], json!(kinds));
    assert_eq!(seen["cut"], json!(["incomplete", "max_output_tokens", 3]));
    assert_eq!(seen["call"], json!(["function_call", "forecast", ["city"]]));
    assert_eq!(seen["streamed_call_is_the_same"], true, "{seen}");
    assert_eq!(seen["after_call"], "message");

    assert_eq!(seen["embeddings_are_the_same"], true, "{seen}");
    assert_eq!(seen["dimensions"], json!([2, 1536, 2]));
    assert_eq!(seen["few"], 8);
    assert_eq!(seen["legacy_text"], seen["legacy_streamed_text"], "{seen}");
    assert_eq!((&seen["legacy_usage"], &seen["legacy_asked_usage"]), (&json!(false), &json!(true)));

    for (model, raised) in [
        ("mock-401", json!(["AuthenticationError", 401, "invalid_api_key"])),
        ("mock-429", json!(["RateLimitError", 429, "rate_limit_exceeded"])),
        ("mock-500", json!(["InternalServerError", 500, null])),
        ("mock-503", json!(["InternalServerError", 503, null])),
        ("mock-context-length", json!(["BadRequestError", 400, "context_length_exceeded"])),
        ("mock-reset", json!(["APIConnectionError"])),
    ] {
        assert_eq!(seen["faults"][model], json!([raised, raised]), "{model}: {seen}");
        assert_eq!(seen["embedding_faults"][model], raised, "{model}: {seen}");
    }
    assert_eq!(seen["cut_stream"], json!(["APIConnectionError"]));
    assert_eq!(seen["once"], json!([null, null, null, null]));
    assert_eq!(seen["stream_error"], json!(["error", "server_error", true]));
    assert_eq!(seen["unknown_model"], json!(["NotFoundError", 404, "model_not_found"]));
    for bad in ["bad_input", "bad_embedding"] {
        assert_eq!(seen[bad], json!(["BadRequestError", 400, "invalid_value"]), "{bad}");
    }
    let stored = json!(["InternalServerError", 501, "not_implemented"]);
    assert_eq!(seen["stored"], json!([stored, stored]));
}

#[test]
fn the_anthropic_package_counts_tokens() {
    let anthropic = ("ANTHROPIC_BASE_URL", "");
    let Some(seen) = run("anthropic_endpoints.py", anthropic, "ANTHROPIC_API_KEY", "") else {
        return;
    };
    assert!(seen["count"].as_u64().is_some_and(|count| count > 1), "{seen}");
    assert_eq!(seen["count"], seen["used"]);
    for (name, raised) in [
        ("mock-401", json!(["AuthenticationError", 401, "authentication_error"])),
        ("mock-429", json!(["RateLimitError", 429, "rate_limit_error"])),
        ("mock-overloaded", json!(["OverloadedError", 529, "overloaded_error"])),
        ("no-such-model", json!(["NotFoundError", 404, "not_found_error"])),
        ("bad", json!(["BadRequestError", 400, "invalid_request_error"])),
    ] {
        assert_eq!(seen[name], raised, "{name}: {seen}");
    }
}
