//! Messages: the object, the events of a stream, and the count of their tokens. This family answers once, whatever `n` says.

use super::{Choice, Draft, Piece};
use bytes::Bytes;
use serde_json::{Value, json};

fn reason(choice: Option<&Choice>) -> &'static str {
    match choice {
        Some(choice) if choice.cut => "max_tokens",
        Some(Choice { call: Some(_), .. }) => "tool_use",
        _ => "end_turn",
    }
}

fn message(draft: &Draft, content: &Value, reason: &Value, output: u64) -> Value {
    json!({
        "id": format!("msg_{}", draft.digest.id()),
        "type": "message",
        "role": "assistant",
        "model": draft.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": draft.input,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output,
            "service_tier": "standard",
        },
    })
}

fn tool_use((name, id): &(String, String), input: &Value) -> Value {
    json!({"type": "tool_use", "id": format!("toolu_{id}"), "name": name, "input": input})
}

/// The whole answer.
pub(super) fn plain(draft: &Draft) -> Bytes {
    let choice = draft.choices.first();
    let text = choice.map(|c| c.words.concat()).unwrap_or_default();
    let block = match choice.and_then(|c| c.call.as_ref()) {
        None => json!({"type": "text", "text": text}),
        // Arguments that were cut are none.
        Some(call) => tool_use(call, &serde_json::from_str(&text).unwrap_or_else(|_| json!({}))),
    };
    let content = Value::Array(vec![block]);
    let reason = Value::from(reason(choice));
    Bytes::from(message(draft, &content, &reason, draft.output()).to_string())
}

/// How many tokens a conversation has.
pub(super) fn count(draft: &Draft) -> Bytes {
    Bytes::from(json!({"input_tokens": draft.input}).to_string())
}

fn event(name: &str, mut data: Value) -> Bytes {
    if let Some(map) = data.as_object_mut() {
        map.shift_insert(0, "type".to_owned(), Value::from(name));
    }
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// The events of a stream.
pub(super) fn stream(draft: &Draft) -> Vec<Piece> {
    let choice = draft.choices.first();
    let start = message(draft, &json!([]), &Value::Null, 1);
    let call = choice.and_then(|c| c.call.as_ref());
    let block = match call {
        None => json!({"type": "text", "text": ""}),
        Some(call) => tool_use(call, &json!({})),
    };
    let mut pieces = Vec::new();
    let mut push = |bytes, output| pieces.push(Piece { bytes, output });
    push(event("message_start", json!({"message": start})), 0);
    push(event("content_block_start", json!({"index": 0, "content_block": block})), 0);
    push(event("ping", json!({})), 0);
    for word in choice.map(|c| c.words.as_slice()).unwrap_or_default() {
        let delta = match call {
            None => json!({"type": "text_delta", "text": word}),
            Some(_) => json!({"type": "input_json_delta", "partial_json": word}),
        };
        push(event("content_block_delta", json!({"index": 0, "delta": delta})), 1);
    }
    push(event("content_block_stop", json!({"index": 0})), 0);
    let end = json!({
        "delta": {"stop_reason": reason(choice), "stop_sequence": null},
        "usage": {"output_tokens": draft.output()},
    });
    push(event("message_delta", end), 0);
    push(event("message_stop", json!({})), 0);
    pieces
}
