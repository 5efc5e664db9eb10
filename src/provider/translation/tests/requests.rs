//! Requests.

use super::{CHAT, asked, to_anthropic, to_openai};
use crate::provider::conversation::Conversation;
use crate::provider::translation::{ClientDialect, Dialect, Messages, Responses};
use proptest::prelude::*;
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
fn a_whole_chat_becomes_messages() {
    let request = json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "developer", "content": [{"type": "text", "text": "be kind"}]},
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "high"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}},
            ]},
            {"role": "assistant", "content": null, "refusal": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                {"id": "call 2", "type": "function", "function": {"name": "g", "arguments": ""}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "one"},
            {"role": "tool", "tool_call_id": "call 2", "content": [{"type": "text", "text": "two"}]},
            {"role": "user", "content": "and?"},
        ],
        "tools": [{"type": "function", "function": {
            "name": "f", "description": "d", "strict": true,
            "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
        }}],
        "tool_choice": "required",
        "parallel_tool_calls": false,
        "max_completion_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["x"],
        "user": "u",
        "n": 1, "logprobs": false, "logit_bias": {}, "store": false, "presence_penalty": 0,
        "stream": true, "stream_options": {"include_usage": true},
    });
    let sent = to_anthropic(&request).unwrap();
    let second = sent["messages"][1]["content"][1]["id"].clone();
    assert!(second.as_str().unwrap().starts_with("call_"));
    assert_eq!(
        sent,
        json!({
            "model": "claude-sonnet-4-5",
            "max_tokens": 7,
            "system": [{"type": "text", "text": "be brief"}, {"type": "text", "text": "be kind"}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                    {"type": "document", "title": "a.pdf", "source": {
                        "type": "base64", "media_type": "application/pdf", "data": "BBBB",
                    }},
                ]},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
                    {"type": "tool_use", "id": second, "name": "g", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "one"},
                    {"type": "tool_result", "tool_use_id": second, "content": "two"},
                    {"type": "text", "text": "and?"},
                ]},
            ],
            "temperature": 0.5,
            "top_p": 0.9,
            "stop_sequences": ["x"],
            "tools": [{
                "name": "f", "description": "d", "strict": true,
                "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
            }],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
            "metadata": {"user_id": "u"},
            "stream": true,
        })
    );
}

#[test]
fn whole_messages_become_a_chat() {
    let request = json!({
        "model": "m",
        "max_tokens": 50,
        "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "document", "title": "t", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "so "},
                {"type": "text", "text": "it is"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": [1]}},
                {"type": "tool_use", "id": "toolu_2", "name": "f", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "text", "text": "here"},
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": "no"},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": [
                    {"type": "text", "text": "a picture"},
                    {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
                ]},
            ]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true},
        "temperature": 1,
        "top_k": 5,
        "stop_sequences": ["a", "b"],
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "stream": true,
    });
    assert_eq!(
        to_openai(&request).unwrap(),
        json!({
            "model": "gpt-4.1",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    {"type": "text", "text": "t:\nwords"},
                    {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,BBBB"}},
                ]},
                {"role": "assistant", "content": "so it is", "tool_calls": [
                    {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":[1]}"}},
                    {"id": "toolu_2", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                ]},
                {"role": "tool", "tool_call_id": "toolu_1", "content": "Error: no"},
                {"role": "tool", "tool_call_id": "toolu_2", "content": "a picture"},
                {"role": "user", "content": [
                    {"type": "text", "text": "The tool call toolu_2 gave back:"},
                    {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                    {"type": "text", "text": "here"},
                ]},
            ],
            "max_completion_tokens": 50,
            "temperature": 1,
            "top_k": 5,
            "stop": ["a", "b"],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "parallel_tool_calls": false,
            "user": "u",
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
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

/// A chat that both families can have: calls are answered, and no turn is empty.
fn chats() -> impl Strategy<Value = Value> {
    let text = "[a-zA-Z0-9 äß\"\\\\\n]{1,20}";
    let call = ("[a-zA-Z0-9_-]{1,30}", "[a-z]{1,8}", text, any::<bool>());
    let turn = (text, proptest::collection::vec(call, 0..3), text);
    let number =
        prop_oneof![Just(json!(null)), (0..=10_u32).prop_map(|n| json!(f64::from(n) / 10.0))];
    (
        proptest::option::of(text),
        proptest::collection::vec(turn, 0..4),
        text,
        number,
        proptest::option::of(1..1_000_u64),
        any::<bool>(),
    )
        .prop_map(|(system, turns, last, temperature, most, stream)| {
            let mut messages = Vec::new();
            messages.extend(system.map(|text| json!({"role": "system", "content": text})));
            for (n, (asked, calls, said)) in turns.into_iter().enumerate() {
                messages.push(json!({"role": "user", "content": asked}));
                let mut answer = json!({"role": "assistant", "content": said});
                let id = |k: usize, id: &str| format!("{n}-{k}-{id}");
                let made: Vec<Value> = calls.iter().enumerate().map(|(k, (own, name, text, _))| {
                    let arguments = json!({"text": text, "n": [k]}).to_string();
                    json!({"id": id(k, own), "type": "function", "function": {"name": name, "arguments": arguments}})
                }).collect();
                if !made.is_empty() {
                    answer["tool_calls"] = Value::Array(made);
                }
                messages.push(answer);
                for (k, (own, _, text, _)) in calls.iter().enumerate() {
                    messages.push(json!({"role": "tool", "tool_call_id": id(k, own), "content": text}));
                }
            }
            messages.push(json!({"role": "user", "content": last}));
            json!({
                "model": "m", "messages": messages, "temperature": temperature,
                "max_completion_tokens": most, "stream": stream, "user": "u",
            })
        })
}

/// What both families can say, in the same form.
fn plain(mut conversation: Conversation) -> Conversation {
    conversation.stream_usage = false;
    conversation
}

proptest! {
    #[test]
    fn a_chat_means_the_same_after_the_way_there_and_back(chat in chats()) {
        let read = CHAT.read_request(chat.to_string().as_bytes()).unwrap();
        let mut read = plain(read);
        // That family names a number always.
        read.max_tokens = read.max_tokens.or(Some(4_096));
        let there = Messages.request(&read, "unlisted").unwrap();
        let reread = plain(Messages.read_request(&there).unwrap());
        prop_assert_eq!(&reread, &read);
        let back = CHAT.request(&reread, "m").unwrap();
        let again = plain(CHAT.read_request(&back).unwrap());
        prop_assert_eq!(&again, &read);
    }
}

#[test]
fn a_request_for_a_response_becomes_messages() {
    let request = json!({
        "model": "m",
        "instructions": "be brief",
        "input": [
            {"role": "developer", "content": "be kind"},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "https://x/y.png", "detail": "auto"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"},
            ]},
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [
                {"type": "output_text", "text": "so", "annotations": []},
            ]},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "done"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": false}],
        "tool_choice": {"type": "function", "name": "f"},
        "max_output_tokens": 9,
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}},
        "store": false,
        "include": ["reasoning.encrypted_content"],
        "truncation": "disabled",
    });
    let sent = asked(&Responses, &Messages, "claude-sonnet-4-5", &request).unwrap();
    assert_eq!(
        sent,
        json!({
            "model": "claude-sonnet-4-5",
            "max_tokens": 9,
            "system": [{"type": "text", "text": "be brief"}, {"type": "text", "text": "be kind"}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
                    {"type": "document", "title": "a.pdf", "source": {
                        "type": "base64", "media_type": "application/pdf", "data": "BBBB",
                    }},
                ]},
                {"role": "assistant", "content": [
                    {"type": "text", "text": "so"},
                    {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "done"},
                ]},
            ],
            "tools": [{"name": "f", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "tool", "name": "f"},
            "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        })
    );
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("background", json!(true)),
        ("store", json!(true)),
        ("prompt", json!({"id": "p"})),
        ("truncation", json!("auto")),
        ("include", json!(["message.output_text.logprobs"])),
        ("max_tool_calls", json!(3)),
        ("service_tier", json!("priority")),
    ] {
        let mut request = json!({"model": "m", "input": "hi"});
        request[field] = value;
        let error = asked(&Responses, &Messages, "m", &request).unwrap_err();
        assert_eq!((error.param.as_str(), error.malformed), (field, false));
    }
    let hosted = json!({"model": "m", "input": "hi", "tools": [{"type": "web_search"}]});
    assert_eq!(asked(&Responses, &Messages, "m", &hosted).unwrap_err().param, "tools[0].type");
}
