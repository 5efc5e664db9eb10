//! Chat completions: the object, and the chunks of a stream.

use super::{Choice, Draft};
use bytes::Bytes;
use serde_json::{Value, json};

/// Marks the answers of the mock in a field that clients log.
const FINGERPRINT: &str = "fp_mock";

fn usage(draft: &Draft) -> Value {
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

fn reason(choice: &Choice) -> &'static str {
    if choice.cut { "length" } else { "stop" }
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
                "message": {
                    "role": "assistant",
                    "content": choice.words.concat(),
                    "refusal": null,
                    "annotations": [],
                },
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

/// The events of a stream: the role, the words, the reason for the end, the counts if they were
/// asked for, `[DONE]`.
pub(super) fn stream(draft: &Draft, request: &Value) -> Vec<Bytes> {
    let with_usage =
        request.pointer("/stream_options/include_usage").and_then(Value::as_bool).unwrap_or(false);
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
    for (index, choice) in draft.choices.iter().enumerate() {
        let role = json!({"role": "assistant", "content": "", "refusal": null});
        pieces.push(part(index, role, Value::Null));
        for word in &choice.words {
            pieces.push(part(index, json!({"content": word}), Value::Null));
        }
        pieces.push(part(index, json!({}), Value::from(reason(choice))));
    }
    if with_usage {
        pieces.push(event(Value::Array(Vec::new()), Some(usage(draft))));
    }
    pieces.push(Bytes::from_static(b"data: [DONE]\n\n"));
    pieces
}
