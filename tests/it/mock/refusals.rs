//! Errors: the status, shape and code of the family that asks, plain and streamed alike.

use super::{BOTH, Family, Mock, conversation};
use serde_json::json;

#[test]
fn errors_are_native_in_both_families() {
    let mock = Mock::start();
    // The model; status and code in the OpenAI family; status and type in the other.
    for (model, (status, code), (other_status, kind)) in [
        ("mock-401", (401, "invalid_api_key"), (401, "authentication_error")),
        ("mock-404", (404, "model_not_found"), (404, "not_found_error")),
        ("mock-429", (429, "rate_limit_exceeded"), (429, "rate_limit_error")),
        ("mock-413", (413, "request_too_large"), (413, "request_too_large")),
        ("mock-500", (500, ""), (500, "api_error")),
        ("mock-503", (503, ""), (503, "api_error")),
        ("mock-529", (529, "overloaded"), (529, "overloaded_error")),
        ("mock-overloaded", (503, ""), (529, "overloaded_error")),
        ("mock-no-quota", (429, "insufficient_quota"), (402, "billing_error")),
        ("mock-context-length", (400, "context_length_exceeded"), (400, "invalid_request_error")),
        ("mock-content-filter", (400, "content_filter"), (400, "invalid_request_error")),
    ] {
        for stream in [false, true] {
            let answer = mock.ask(Family::OpenAi, model, stream).is(status);
            let error = &answer.json()["error"];
            assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{model}: {error}");
            assert!(error["message"].is_string() && error["type"].is_string(), "{model}: {error}");
            assert_eq!(answer.header("retry-after"), None, "{model}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
            let row = mock.row(&answer);
            assert_eq!((row.outcome.as_str(), row.status), ("error", u64::from(status)), "{row:?}");
            assert_eq!((row.model.as_str(), row.input, row.output), (model, 0, 0));

            let answer = mock.ask(Family::Anthropic, model, stream).is(other_status);
            let body = answer.json();
            assert_eq!((&body["type"], &body["error"]["type"]), (&json!("error"), &json!(kind)));
            assert_eq!(body["request_id"], answer.header("request-id").unwrap(), "{model}");
            let row = mock.row(&answer);
            assert_eq!((row.outcome.as_str(), row.status), ("error", u64::from(other_status)));
        }
    }
}

#[test]
fn retry_after_is_what_the_name_says() {
    let mock = Mock::start();
    for family in BOTH {
        for (model, seconds, millis) in [
            ("mock-429-retry-after-1s", "1", "1000"),
            ("mock-429-retry-after-200ms", "1", "200"),
            ("mock-429-retry-after-86400s", "86400", "86400000"),
        ] {
            let answer = mock.ask(family, model, false).is(429);
            assert_eq!(answer.header("retry-after"), Some(seconds), "{model}");
            assert_eq!(answer.header("retry-after-ms"), Some(millis), "{model}");
        }
    }
}

#[test]
fn a_prefilled_answer_is_refused_and_others_are_answered() {
    let mock = Mock::start();
    for family in BOTH {
        let mut body = conversation("mock-no-prefill", false);
        mock.send(family, &body).is(200);
        body["messages"] = json!([
            {"role": "user", "content": "say something"},
            {"role": "assistant", "content": "Well, "},
        ]);
        let error = mock.send(family, &body).is(400).json();
        assert_eq!(error["error"]["type"], "invalid_request_error", "{error}");
        body["model"] = "mock-chat".into();
        mock.send(family, &body).is(200);
    }
}

#[test]
fn a_malformed_request_is_the_clients_fault_whatever_the_model() {
    let mock = Mock::start();
    for family in BOTH {
        for model in ["mock-chat", "mock-503", "mock-hang", "mock-reset"] {
            let mut body = conversation(model, false);
            body["messages"] = json!(["hi"]);
            mock.send(family, &body).is(400);
        }
    }
    assert_eq!(mock.ledger()["total"]["requests"], 0, "no provider was asked");
}
