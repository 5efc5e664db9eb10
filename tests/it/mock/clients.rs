//! Official client packages, unmodified: the faults raise their own error classes, and what fails
//! once is answered when they try again.

use crate::clients::run_in;
use serde_json::{Value, json};

fn saw(script: &str, base_url: (&str, &str), key: &str) -> Option<Value> {
    run_in("tests/it/mock", script, base_url, key, "")
}

fn never(count: usize) -> Value {
    Value::Array(vec![Value::Null; count])
}

#[test]
fn the_openai_package_raises_its_own_errors() {
    let openai = ("OPENAI_BASE_URL", "/v1");
    let Some(seen) = saw("openai_faults.py", openai, "OPENAI_API_KEY") else { return };
    for (model, raised) in [
        ("mock-401", json!(["AuthenticationError", 401, "invalid_api_key"])),
        ("mock-403", json!(["PermissionDeniedError", 403, null])),
        ("mock-404", json!(["NotFoundError", 404, "model_not_found"])),
        ("mock-429", json!(["RateLimitError", 429, "rate_limit_exceeded"])),
        ("mock-no-quota", json!(["RateLimitError", 429, "insufficient_quota"])),
        ("mock-500", json!(["InternalServerError", 500, null])),
        ("mock-503", json!(["InternalServerError", 503, null])),
        ("mock-context-length", json!(["BadRequestError", 400, "context_length_exceeded"])),
        ("mock-content-filter", json!(["BadRequestError", 400, "content_filter"])),
        ("mock-reset", json!(["APIConnectionError"])),
        ("mock-html-502", json!(["InternalServerError", 502, null])),
    ] {
        assert_eq!(seen[model], json!([raised, raised]), "{model}: {seen}");
    }
    assert_eq!(seen["stream-error"], json!(["APIError"]), "{seen}");
    assert_eq!(seen["cut"], json!(["APIConnectionError"]), "{seen}");
    assert_eq!(seen["no-done"], Value::Null, "{seen}");
    assert_eq!(seen["hang"], json!(["APITimeoutError"]), "{seen}");
    assert_eq!(seen["once"], never(6), "{seen}");
    assert_eq!(seen["call"], json!(["forecast", ["city"]]), "{seen}");
    assert_eq!(seen["streamed_call_is_the_same"], true, "{seen}");
}

#[test]
fn the_anthropic_package_raises_its_own_errors() {
    let anthropic = ("ANTHROPIC_BASE_URL", "");
    let Some(seen) = saw("anthropic_faults.py", anthropic, "ANTHROPIC_API_KEY") else { return };
    for (model, raised) in [
        ("mock-401", json!(["AuthenticationError", 401, "authentication_error"])),
        ("mock-403", json!(["PermissionDeniedError", 403, "permission_error"])),
        ("mock-404", json!(["NotFoundError", 404, "not_found_error"])),
        ("mock-429", json!(["RateLimitError", 429, "rate_limit_error"])),
        ("mock-no-quota", json!(["PaymentRequiredError", 402, "billing_error"])),
        ("mock-500", json!(["InternalServerError", 500, "api_error"])),
        ("mock-overloaded", json!(["OverloadedError", 529, "overloaded_error"])),
        ("mock-context-length", json!(["BadRequestError", 400, "invalid_request_error"])),
        ("mock-content-filter", json!(["BadRequestError", 400, "invalid_request_error"])),
        ("mock-reset", json!(["APIConnectionError"])),
        ("mock-html-502", json!(["InternalServerError", 502, null])),
    ] {
        assert_eq!(seen[model], json!([raised, raised]), "{model}: {seen}");
    }
    assert_eq!(seen["stream-error"][2], "overloaded_error", "{seen}");
    // The package leaves it to its HTTP library to say so.
    assert!(seen["cut"][0].is_string(), "{seen}");
    assert_eq!(seen["hang"], json!(["APITimeoutError"]), "{seen}");
    assert_eq!(seen["first-token"], Value::Null, "{seen}");
    assert_eq!(seen["once"], never(6), "{seen}");
    assert_eq!(seen["call"], json!(["forecast", ["city"]]), "{seen}");
    assert_eq!(seen["streamed_call_is_the_same"], true, "{seen}");
}
