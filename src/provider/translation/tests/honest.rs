//! What is cut is said to be cut, what is exact stays exact, and what cannot be said is refused.

use super::streams::{asking, chunks, data, told};
use super::{CHAT, asked, to_anthropic, to_openai};
use crate::provider::conversation::Conversation;
use crate::provider::translation::{ClientDialect, Dialect, Messages, Responses, Shown};
use crate::provider::{cohere::Cohere, google::Google, ollama::Ollama};
use serde_json::{Value, json};

fn whole(from: &'static dyn Dialect, to: &dyn ClientDialect, answer: &str) -> String {
    let reply = from.reply(answer.as_bytes()).unwrap();
    let conversation = Conversation::default();
    let shown = Shown { conversation: &conversation, model: "up", request_id: "r", created: 7 };
    String::from_utf8(to.write_reply(&reply, &shown).to_vec()).unwrap()
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn completion(arguments: &Value, reason: &str) -> String {
    let call =
        json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}});
    json!({"choices": [{"finish_reason": reason, "message": {"content": "so", "tool_calls": [call]}}]})
        .to_string()
}

#[test]
fn a_call_that_is_cut_gets_no_arguments_that_nobody_said() {
    for cut in [r#"{"amount": 1"#, "", "  "] {
        let answer = completion(&cut.into(), "length");
        let message = read(&whole(&CHAT, &Messages, &answer));
        assert_eq!(message["content"], json!([{"type": "text", "text": "so"}]));
        assert_eq!(message["stop_reason"], "max_tokens");
        let response = read(&whole(&CHAT, &Responses, &answer));
        assert_eq!(response["status"], "incomplete");
        assert_eq!(response["output"][0]["status"], "completed");
        assert_eq!(response["output"][1]["status"], "incomplete");
        assert_eq!(response["output"][1]["arguments"], cut);
        let back = read(&whole(&CHAT, &CHAT, &answer));
        let call = &back["choices"][0]["message"]["tool_calls"][0];
        assert_eq!(call["function"]["arguments"], cut);
        let cohere = json!({"finish_reason": "MAX_TOKENS", "message": {"tool_calls": [
            {"id": "c1", "function": {"name": "f", "arguments": cut}},
        ]}});
        let back = read(&whole(&Cohere, &CHAT, &cohere.to_string()));
        let call = &back["choices"][0]["message"]["tool_calls"][0];
        assert_eq!(call["function"]["arguments"], cut);
    }
    // Anthropic itself has an empty object there.
    let message = json!({
        "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}],
        "stop_reason": "max_tokens",
    });
    let back = read(&whole(&Messages, &CHAT, &message.to_string()));
    let call = &back["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(
        (&call["function"]["name"], &call["function"]["arguments"]),
        (&json!("f"), &json!(""))
    );
    // What is whole stays, and nothing is what a function without parameters is called with.
    let message = read(&whole(&CHAT, &Messages, &completion(&"".into(), "tool_calls")));
    assert_eq!(message["content"][1]["input"], json!({}));
    assert!(CHAT.reply(completion(&"{\"a".into(), "tool_calls").as_bytes()).is_err());
}

#[test]
fn items_of_a_cut_stream_are_incomplete() {
    let begins = |n: u64, arguments: &str| {
        let function = json!({"name": "f", "arguments": arguments});
        let call =
            json!({"index": n, "id": format!("c{n}"), "type": "function", "function": function});
        json!({"index": 0, "delta": {"tool_calls": [call]}})
    };
    for (reason, kind, status) in [
        ("length", "response.incomplete", "incomplete"),
        ("content_filter", "response.incomplete", "incomplete"),
        ("tool_calls", "response.completed", "completed"),
    ] {
        let end = json!({"index": 0, "delta": {}, "finish_reason": reason});
        let stream = chunks(&[begins(0, "{}"), begins(1, ""), end.clone()]) + "data: [DONE]\n\n";
        let (said, _) = told(&CHAT, &Responses, &asking(false, false), &stream, 100);
        let events = data(&said);
        let last = events.last().unwrap();
        assert_eq!(last["type"], kind);
        let output = &last["response"]["output"];
        assert_eq!(output[0]["status"], "completed");
        assert_eq!(output[1]["status"], status);
        let arguments = if status == "completed" { "{}" } else { "" };
        assert_eq!(output[1]["arguments"], arguments);
        let done = events.iter().rfind(|e| e["type"] == "response.output_item.done").unwrap();
        assert_eq!(done["item"], output[1]);
        // Nor does a chat get arguments that were never said.
        let (said, _) = told(&CHAT, &CHAT, &asking(false, false), &stream, 100);
        let made = said.matches(r#""arguments":"{}""#).count();
        assert_eq!(made, if status == "completed" { 2 } else { 1 }, "{said}");
        let text = chunks(&[json!({"index": 0, "delta": {"content": "so"}}), end]);
        let (said, _) = told(&CHAT, &Responses, &asking(false, false), &text, 100);
        let last = data(&said).pop().unwrap();
        assert_eq!(last["response"]["output"][0]["status"], status);
    }
}

/// Arguments that a 64-bit number cannot hold.
const EXACT: &str = r#"{"account":123456789012345678901234567890,"rate":1.10,"far":1e400,"n":-0}"#;

#[test]
fn numbers_in_arguments_keep_every_digit_on_every_way() {
    let chat = json!({"messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": EXACT}}]},
        {"role": "tool", "tool_call_id": "c1", "content": EXACT},
    ]})
    .to_string();
    let messages = json!({"max_tokens": 9, "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": "HERE"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": EXACT}]},
    ]})
    .to_string()
    .replace("\"HERE\"", EXACT);
    let escaped = json!(EXACT).to_string();
    let clients: [(&dyn ClientDialect, &str); 2] = [(&CHAT, &chat), (&Messages, &messages)];
    for (client, request) in clients {
        let conversation = client.read_request(request.as_bytes()).unwrap();
        let sent = |to: &'static dyn Dialect| {
            String::from_utf8(to.request(&conversation, "gemini-3").unwrap().to_vec()).unwrap()
        };
        for (provider, field) in [
            (&Messages as &'static dyn Dialect, format!(r#""input":{EXACT}"#)),
            (&Google, format!(r#""args":{EXACT}"#)),
            (&Google, format!(r#""response":{EXACT}"#)),
            (&Ollama, format!(r#""arguments":{EXACT}"#)),
            (&CHAT, format!(r#""arguments":{escaped}"#)),
            (&Cohere, format!(r#""arguments":{escaped}"#)),
        ] {
            let sent = sent(provider);
            assert!(sent.contains(&field), "{field} in {sent}");
            assert!(!sent.contains("ultra-number"), "{sent}");
        }
    }

    let google = format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{"name":"f","args":{EXACT}}}}}]}},"finishReason":"STOP"}}]}}"#
    );
    let ollama = format!(
        r#"{{"message":{{"tool_calls":[{{"function":{{"name":"f","arguments":{EXACT}}}}}]}},"done":true}}"#
    );
    let message = format!(
        r#"{{"content":[{{"type":"tool_use","id":"c","name":"f","input":{EXACT}}}],"stop_reason":"tool_use"}}"#
    );
    let answers: [(&'static dyn Dialect, String); 4] = [
        (&CHAT, completion(&EXACT.into(), "tool_calls")),
        (&Google, google.clone()),
        (&Ollama, ollama.clone()),
        (&Messages, message),
    ];
    for (provider, answer) in answers {
        for (client, field) in [
            (&CHAT as &dyn ClientDialect, format!(r#""arguments":{escaped}"#)),
            (&Responses, format!(r#""arguments":{escaped}"#)),
            (&Messages, format!(r#""input":{EXACT}"#)),
        ] {
            let told = whole(provider, client, &answer);
            assert!(told.contains(&field), "{field} in {told}");
        }
    }
    let start = format!(
        r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"tool_use","id":"c","name":"f","input":{EXACT}}}}}"#
    );
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#;
    for (provider, stream) in [
        (&Google as &'static dyn Dialect, format!("data: {google}\n\n")),
        (&Ollama, format!("{ollama}\n")),
        (&Messages, format!("data: {start}\n\ndata: {end}\n\n")),
    ] {
        let (said, _) = told(provider, &CHAT, &asking(false, false), &stream, 50);
        assert!(said.contains(&format!(r#""arguments":{escaped}"#)), "{said}");
    }
}

#[test]
fn calls_of_two_answers_never_share_an_id() {
    let without_id = |n: u64| {
        let call = json!({"type": "function", "function": {"name": "f", "arguments": "{}"}});
        let answer = json!({"id": n, "choices": [{"finish_reason": "tool_calls", "message": {"tool_calls": [call]}}]});
        let answer = answer.to_string().replace(&format!("\"id\":{n},"), "");
        read(&whole(&CHAT, &Messages, &answer))["content"][0]["id"].clone()
    };
    assert_ne!(without_id(1), without_id(2));
    let chunk = json!({"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]}});
    let id = || {
        let stream = chunks(std::slice::from_ref(&chunk));
        let (said, _) = told(&CHAT, &Messages, &asking(false, false), &stream, 100);
        let begun = data(&said).into_iter().find(|e| e["type"] == "content_block_start").unwrap();
        begun["content_block"]["id"].clone()
    };
    assert_ne!(id(), id());
}

#[test]
fn what_an_assistant_cannot_have_said_is_refused_and_not_dropped() {
    let image = json!({"type": "image", "source": {"type": "url", "url": "https://x/y.png"}});
    let request = |content: Value| {
        json!({"model": "m", "max_tokens": 1, "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": content},
            {"role": "user", "content": "y"},
        ]})
    };
    let error = to_openai(&request(json!([image]))).unwrap_err();
    assert_eq!((error.param.as_str(), error.malformed), ("messages", false));
    let chat = request(json!([{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]));
    let error = to_anthropic(&chat).unwrap_err();
    assert_eq!((error.param.as_str(), error.malformed), ("messages", false));
}

#[test]
fn results_come_before_what_was_said_in_a_message_before_them() {
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "r"});
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let text = json!({"type": "text", "text": "and"});
    let sent = to_openai(&json!({"model": "m", "max_tokens": 1, "messages": [
        {"role": "assistant", "content": [call("a"), call("b")]},
        {"role": "user", "content": [result("a"), text]},
        {"role": "user", "content": [result("b")]},
    ]}))
    .unwrap();
    let roles: Vec<&Value> =
        sent["messages"].as_array().unwrap().iter().map(|m| &m["role"]).collect();
    assert_eq!(roles, ["assistant", "tool", "tool", "user"]);
    let chat = json!({"messages": [
        {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "user", "content": "and"},
        {"role": "tool", "tool_call_id": "a", "content": "r"},
    ]});
    let sent = asked(&CHAT, &Messages, "m", &chat).unwrap();
    assert_eq!(sent["messages"][1]["content"][0]["type"], "tool_result");
    assert_eq!(sent["messages"][1]["content"][1]["text"], "and");
}

#[test]
fn signatures_of_others_never_reach_anthropic() {
    for signature in ["", "google.abc"] {
        let sent = to_anthropic(&json!({"messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "y", "thinking_blocks": [
                {"type": "thinking", "thinking": "hm", "signature": signature},
                {"type": "thinking", "thinking": "own", "signature": "EqQB"},
            ]},
            {"role": "user", "content": "z"},
        ]}))
        .unwrap();
        let content = sent["messages"][1]["content"].as_array().unwrap();
        let thoughts: Vec<&Value> = content.iter().filter(|b| b["type"] == "thinking").collect();
        assert_eq!(thoughts.len(), 1, "{sent}");
        assert_eq!(thoughts[0]["signature"], "EqQB");
    }
    // A model that lost what it thought before a call is not made to think.
    let sent = to_anthropic(&json!({"reasoning_effort": "high", "max_completion_tokens": 9000, "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant",
         "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
         "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "google.abc"}]},
        {"role": "tool", "tool_call_id": "a", "content": "r"},
    ]}))
    .unwrap();
    assert_eq!(sent.get("thinking"), None, "{sent}");
}

#[test]
fn what_is_held_of_a_stream_is_bounded() {
    let long = "x".repeat(1 << 20);
    let thought = chunks(&[json!({"index": 0, "delta": {"reasoning_content": long}})]);
    for client in [&CHAT as &dyn ClientDialect, &Responses] {
        let (_, translator) =
            told(&CHAT, client, &asking(true, false), &thought.repeat(20), 1 << 16);
        let why = translator.broken().unwrap();
        assert!(why.contains("bytes"), "{why}");
    }
    // Many short items hold more than what they say.
    let block = |kind: &str, field: &str| {
        format!(
            "data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"{kind}\",\"{field}\":\"x\"}}}}\n\n"
        )
    };
    let pair = block("text_delta", "text") + &block("thinking_delta", "thinking");
    let (_, translator) =
        told(&Messages, &Responses, &asking(true, false), &pair.repeat(10_000), 1 << 16);
    assert!(translator.broken().is_some());
    let call = |n: usize| {
        let call = json!({"id": format!("c{n}"), "function": {"name": "f", "arguments": {}}});
        json!({"message": {"tool_calls": [call]}, "done": false}).to_string() + "\n"
    };
    let calls: String = (0..5000).map(call).collect();
    for client in [&CHAT as &dyn ClientDialect, &Responses, &Messages] {
        let (_, translator) = told(&Ollama, client, &asking(false, false), &calls, 1 << 16);
        assert_eq!(translator.broken().as_deref(), Some("there are too many tool calls"));
    }
}

#[test]
fn a_message_of_an_error_is_bounded_whatever_a_field_is_called() {
    let body = json!({"messages": [], "n".repeat(100_000): 1}).to_string();
    let error = CHAT.read_request(body.as_bytes()).unwrap_err();
    assert!(error.message.len() < 300, "{}", error.message.len());
    assert!(error.message.contains("cannot do"), "{}", error.message);
}
