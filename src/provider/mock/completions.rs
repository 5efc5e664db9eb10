//! Completions, the endpoint of old clients: the object, and the chunks of a stream.

use super::openai::{FINGERPRINT, reason, usage, wants_usage};
use super::{Draft, Piece};
use bytes::Bytes;
use serde_json::{Value, json};

fn document(draft: &Draft, choices: &[Value]) -> Value {
    json!({
        "id": format!("cmpl-{}", draft.digest.id()),
        "object": "text_completion",
        "created": draft.created(),
        "model": draft.model,
        "choices": choices,
        "system_fingerprint": FINGERPRINT,
    })
}

fn choice(index: usize, text: &str, reason: Option<&str>) -> Value {
    json!({"index": index, "text": text, "logprobs": null, "finish_reason": reason})
}

/// The whole answer.
pub(super) fn plain(draft: &Draft) -> Bytes {
    let choices = draft.choices.iter().enumerate();
    let choices: Vec<Value> =
        choices.map(|(index, c)| choice(index, &c.words.concat(), Some(reason(c)))).collect();
    let mut answer = document(draft, &choices);
    if let Some(map) = answer.as_object_mut() {
        map.insert("usage".to_owned(), usage(draft));
    }
    Bytes::from(answer.to_string())
}

/// The events of a stream: the words, the reason for the end, the counts if they were asked for,
/// `[DONE]`.
pub(super) fn stream(draft: &Draft, request: &Value) -> Vec<Piece> {
    let with_usage = wants_usage(request);
    let event = |choices: &[Value], usage: Value| {
        let mut chunk = document(draft, choices);
        if with_usage && let Some(map) = chunk.as_object_mut() {
            map.insert("usage".to_owned(), usage);
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let mut pieces = Vec::new();
    let mut push = |bytes, output| pieces.push(Piece { bytes, output });
    for (index, said) in draft.choices.iter().enumerate() {
        for word in &said.words {
            push(event(&[choice(index, word, None)], Value::Null), 1);
        }
        let end = choice(index, "", Some(reason(said)));
        push(event(&[end], Value::Null), 0);
    }
    if with_usage {
        push(event(&[], usage(draft)), 0);
    }
    push(Bytes::from_static(b"data: [DONE]\n\n"), 0);
    pieces
}
