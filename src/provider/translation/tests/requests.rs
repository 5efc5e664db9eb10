//! Requests, one field at a time: its counterpart, and what has none.

use super::{CHAT, asked, to_anthropic, to_openai};
use crate::provider::translation::Messages;
use serde_json::{Value, json};

fn with(mut request: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn openai(fields: &Value) -> Value {
    with(json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}), fields)
}

fn anthropic(fields: &Value) -> Value {
    let request = json!({
        "model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}],
    });
    with(request, fields)
}

#[test]
fn what_the_other_family_cannot_do_is_named() {
    for (fields, param) in [
        (json!({"n": 2}), "n"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"logit_bias": {"1": 2}}), "logit_bias"),
        (json!({"audio": {"voice": "x"}}), "audio"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (json!({"store": true}), "store"),
        (json!({"seed": 1}), "seed"),
        (json!({"presence_penalty": 0.5}), "presence_penalty"),
        (json!({"frequency_penalty": -1}), "frequency_penalty"),
        (json!({"temperature": 1.2}), "temperature"),
        (json!({"response_format": {"type": "json_object"}}), "response_format"),
        (json!({"response_format": {"type": "grammar"}}), "response_format.type"),
        (json!({"functions": [{"name": "f"}]}), "functions"),
        (json!({"web_search_options": {"a": 1}}), "web_search_options"),
        (json!({"service_tier": "flex"}), "service_tier"),
        (json!({"verbosity": "low"}), "verbosity"),
        (json!({"made_up": 1}), "made_up"),
        (json!({"tools": [{"type": "custom", "custom": {}}]}), "tools[0].type"),
        (json!({"tool_choice": {"type": "allowed_tools"}}), "tool_choice.type"),
        (
            json!({"messages": [{"role": "user", "content": "x", "name": "bob"}]}),
            "messages[0].name",
        ),
        (json!({"messages": [{"role": "function", "content": "x"}]}), "messages[0].role"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
            "messages[0].content[0].type",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]}),
            "messages[0].content[0].file.file_id",
        ),
    ] {
        assert_eq!(to_anthropic(&openai(&fields)).unwrap_err().param, param, "{fields}");
    }
    for (fields, param) in [
        (
            json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
            "tools[0].type",
        ),
        (json!({"container": "c"}), "container"),
        (json!({"mcp_servers": [{"url": "x"}]}), "mcp_servers"),
        (json!({"speed": "fast"}), "speed"),
        (json!({"made_up": {"a": 1}}), "made_up"),
        (
            json!({"context_management": {"edits": [{"type": "compact_20260112"}]}}),
            "context_management",
        ),
        (json!({"stop_sequences": ["1", "2", "3", "4", "5"]}), "stop_sequences"),
        (
            json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}),
            "messages",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]}),
            "messages[0].content[0].source.type",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "document", "citations": {"enabled": true}}]}]}),
            "messages[0].content[0].citations.enabled",
        ),
    ] {
        assert_eq!(to_openai(&anthropic(&fields)).unwrap_err().param, param, "{fields}");
    }
}

#[test]
fn what_is_written_wrongly_is_told_apart() {
    let wrong = |fields: Value| to_anthropic(&openai(&fields)).unwrap_err();
    for (fields, param) in [
        (json!({"messages": ["x"]}), "messages[0]"),
        (json!({"messages": [{"content": "x"}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user", "content": 5}]}), "messages[0].content"),
        (json!({"messages": [{"role": "tool", "content": "x"}]}), "messages[0].tool_call_id"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"stop": [1]}), "stop"),
        (json!({"tool_choice": "maybe"}), "tool_choice"),
        (
            json!({"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{"}}]}]}),
            "messages[0].tool_calls[0].function.arguments",
        ),
    ] {
        let error = wrong(fields);
        assert_eq!((error.param.as_str(), error.malformed), (param, true), "{}", error.message);
    }
    assert!(!wrong(json!({"n": 2})).malformed);
}

#[test]
fn the_most_tokens_are_the_models_own_where_nobody_says() {
    let sent = |model: &str| asked(&CHAT, &Messages, model, &openai(&json!({}))).unwrap();
    assert_eq!(sent("claude-haiku-4-5")["max_tokens"], 64_000);
    assert_eq!(sent("claude-unheard-of")["max_tokens"], 4_096);
    let sent = |model: &str| asked(&Messages, &CHAT, model, &anthropic(&json!({}))).unwrap();
    assert_eq!(sent("o3-mini")["max_completion_tokens"], 100);
    assert_eq!(sent("mistral-large")["max_tokens"], 100);
}

#[test]
fn thinking_has_its_counterpart() {
    let sent = |model: &str, fields: Value| {
        asked(&Messages, &CHAT, model, &anthropic(&fields)).unwrap()["reasoning_effort"].clone()
    };
    let budget = |n: u64| json!({"thinking": {"type": "enabled", "budget_tokens": n}});
    assert_eq!(sent("gpt-5", budget(1_024)), "low");
    assert_eq!(sent("gpt-5", budget(10_000)), "medium");
    assert_eq!(sent("gpt-5", budget(32_000)), "high");
    assert_eq!(sent("gpt-4o", budget(32_000)), Value::Null, "it does not think");
    assert_eq!(sent("gpt-5", json!({"thinking": {"type": "adaptive"}})), Value::Null);
    let adaptive = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}});
    assert_eq!(sent("gpt-5", adaptive), "xhigh");
    let sent = to_anthropic(&openai(&json!({"reasoning_effort": "medium"}))).unwrap();
    assert_eq!(sent["thinking"], json!({"type": "enabled", "budget_tokens": 8_192}));
}

#[test]
fn schemas_are_asked_for_in_the_words_of_the_family() {
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    let sent = to_anthropic(&openai(&json!({"response_format": format}))).unwrap();
    assert_eq!(sent["output_config"], json!({"format": {"type": "json_schema", "schema": schema}}));
    let config = json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}});
    let sent = to_openai(&anthropic(&config)).unwrap();
    let own = json!({"name": "answer", "schema": schema, "strict": true});
    assert_eq!(sent["response_format"], json!({"type": "json_schema", "json_schema": own}));
}

#[test]
fn instructions_in_the_midst_stay_where_the_family_lets_them() {
    let messages = json!({"messages": [
        {"role": "user", "content": "a"},
        {"role": "system", "content": "now in French"},
        {"role": "user", "content": "b"},
    ]});
    let sent = to_anthropic(&openai(&messages)).unwrap();
    assert_eq!(sent["system"], "now in French");
    assert_eq!(sent["messages"].as_array().unwrap().len(), 1);
    let sent = to_openai(&anthropic(&messages)).unwrap();
    assert_eq!(sent["messages"], messages["messages"]);
}
