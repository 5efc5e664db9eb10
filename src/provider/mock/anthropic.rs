//! Messages: the object, and the events of a stream. This family answers once, whatever `n` says.

use super::{Choice, Draft};
use bytes::Bytes;
use serde_json::{Value, json};

fn reason(choice: Option<&Choice>) -> &'static str {
    if choice.is_some_and(|c| c.cut) { "max_tokens" } else { "end_turn" }
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

/// The whole answer.
pub(super) fn plain(draft: &Draft) -> Bytes {
    let choice = draft.choices.first();
    let text = choice.map(|c| c.words.concat()).unwrap_or_default();
    let content = json!([{"type": "text", "text": text}]);
    let reason = Value::from(reason(choice));
    Bytes::from(message(draft, &content, &reason, draft.output()).to_string())
}

fn event(name: &str, mut data: Value) -> Bytes {
    if let Some(map) = data.as_object_mut() {
        map.shift_insert(0, "type".to_owned(), Value::from(name));
    }
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// The events of a stream.
pub(super) fn stream(draft: &Draft) -> Vec<Bytes> {
    let choice = draft.choices.first();
    let start = message(draft, &json!([]), &Value::Null, 1);
    let mut pieces = vec![
        event("message_start", json!({"message": start})),
        event(
            "content_block_start",
            json!({"index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
        event("ping", json!({})),
    ];
    for word in choice.map(|c| c.words.as_slice()).unwrap_or_default() {
        pieces.push(event(
            "content_block_delta",
            json!({"index": 0, "delta": {"type": "text_delta", "text": word}}),
        ));
    }
    pieces.push(event("content_block_stop", json!({"index": 0})));
    pieces.push(event(
        "message_delta",
        json!({
            "delta": {"stop_reason": reason(choice), "stop_sequence": null},
            "usage": {"output_tokens": draft.output()},
        }),
    ));
    pieces.push(event("message_stop", json!({})));
    pieces
}
