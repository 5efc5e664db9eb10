//! Chat completions: the object, and the chunks of a stream.

use super::{Choice, Draft, Piece};
use bytes::Bytes;
use serde_json::{Value, json};

/// Marks the answers of the mock in a field that clients log.
pub(super) const FINGERPRINT: &str = "fp_mock";

/// The counts.
pub(super) fn usage(draft: &Draft) -> Value {
    let output = draft.output();
    json!({
        "prompt_tokens": draft.input,
        "completion_tokens": output,
        "total_tokens": draft.input + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

/// Why an answer ends.
pub(super) fn reason(choice: &Choice) -> &'static str {
    match (choice.cut, &choice.call) {
        (true, _) => "length",
        (false, Some(_)) => "tool_calls",
        (false, None) => "stop",
    }
}

/// A call, or its beginning in a stream.
fn call(name: &str, id: &str, arguments: &str) -> Value {
    json!({
        "id": format!("call_{id}"),
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    })
}

fn message(choice: &Choice) -> Value {
    let text = choice.words.concat();
    match &choice.call {
        None => json!({
            "role": "assistant",
            "content": text,
            "refusal": null,
            "annotations": [],
        }),
        Some((name, id)) => json!({
            "role": "assistant",
            "content": null,
            "tool_calls": [call(name, id, &text)],
            "refusal": null,
            "annotations": [],
        }),
    }
}

/// The whole answer.
pub(super) fn plain(draft: &Draft) -> Bytes {
    let choices: Vec<Value> = draft
        .choices
        .iter()
        .enumerate()
        .map(|(index, choice)| {
            json!({
                "index": index,
                "message": message(choice),
                "logprobs": null,
                "finish_reason": reason(choice),
            })
        })
        .collect();
    let answer = json!({
        "id": format!("chatcmpl-{}", draft.digest.id()),
        "object": "chat.completion",
        "created": draft.created(),
        "model": draft.model,
        "choices": choices,
        "usage": usage(draft),
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    });
    Bytes::from(answer.to_string())
}

/// Whether a stream is to hold the counts.
pub(super) fn wants_usage(request: &Value) -> bool {
    request.pointer("/stream_options/include_usage").and_then(Value::as_bool).unwrap_or(false)
}

/// The events of a stream: the role, the words, the reason for the end, the counts if they were
/// asked for, `[DONE]`.
pub(super) fn stream(draft: &Draft, request: &Value) -> Vec<Piece> {
    let with_usage = wants_usage(request);
    let id = format!("chatcmpl-{}", draft.digest.id());
    let event = |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({
            "id": id,
            "object": "chat.completion.chunk",
            "created": draft.created(),
            "model": draft.model,
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
        });
        // Where counts were asked for, every chunk has the field, and only the last a value.
        if with_usage && let Some(map) = chunk.as_object_mut() {
            map.insert("usage".to_owned(), usage.unwrap_or(Value::Null));
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let part = |index: usize, delta: Value, reason: Value| {
        let choice = json!({
            "index": index, "delta": delta, "logprobs": null, "finish_reason": reason,
        });
        event(Value::Array(vec![choice]), None)
    };
    let mut pieces = Vec::new();
    let mut push = |bytes, output| pieces.push(Piece { bytes, output });
    for (index, choice) in draft.choices.iter().enumerate() {
        let content = if choice.call.is_some() { Value::Null } else { Value::from("") };
        let role = json!({"role": "assistant", "content": content, "refusal": null});
        push(part(index, role, Value::Null), 0);
        if let Some((name, id)) = &choice.call {
            let mut call = call(name, id, "");
            if let Some(map) = call.as_object_mut() {
                map.shift_insert(0, "index".to_owned(), Value::from(0));
            }
            push(part(index, json!({"tool_calls": [call]}), Value::Null), 0);
        }
        for word in &choice.words {
            let delta = match &choice.call {
                None => json!({"content": word}),
                Some(_) => json!({"tool_calls": [{"index": 0, "function": {"arguments": word}}]}),
            };
            push(part(index, delta, Value::Null), 1);
        }
        push(part(index, json!({}), Value::from(reason(choice))), 0);
    }
    if with_usage {
        push(event(Value::Array(Vec::new()), Some(usage(draft))), 0);
    }
    push(Bytes::from_static(b"data: [DONE]\n\n"), 0);
    pieces
}
