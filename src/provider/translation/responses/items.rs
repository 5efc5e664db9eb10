//! The items that a response is made of, written.

use crate::provider::conversation::Part;
use crate::provider::foreign::SEALED;
use crate::provider::translation::ids;
use serde_json::{Map, Value, json};

/// Seals a thought for the client, which sends it back as it is.
pub(super) fn sealed(part: &Part) -> Option<String> {
    let fields = match part {
        Part::Thinking { text, signature: Some(signature) } => {
            json!({"thinking": text, "signature": signature})
        }
        Part::Sealed(data) => json!({"data": data}),
        _ => return None,
    };
    let text = data_encoding::BASE64URL_NOPAD.encode(fields.to_string().as_bytes());
    Some(format!("{SEALED}{text}"))
}

/// A thought that was sealed here.
pub(super) fn unsealed(text: &str) -> Option<Part> {
    let bytes =
        data_encoding::BASE64URL_NOPAD.decode(text.strip_prefix(SEALED)?.as_bytes()).ok()?;
    let fields: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(data) = text("data") {
        return Some(Part::Sealed(data));
    }
    Some(Part::Thinking { text: text("thinking")?, signature: text("signature") })
}

/// The id of the `number`th item of a response.
pub(super) fn id(prefix: &str, response: &str, number: usize) -> String {
    format!("{prefix}_{}_{number}", response.strip_prefix("resp_").unwrap_or(response))
}

/// A part of what is said.
pub(super) fn text_part(text: &str, refusal: bool) -> Value {
    if refusal {
        json!({"type": "refusal", "refusal": text})
    } else {
        json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
    }
}

/// What is said, as an item.
pub(super) fn message(id: &str, status: &str, content: &Value) -> Value {
    json!({
        "id": id, "type": "message", "status": status, "role": "assistant", "content": content,
    })
}

/// A thought.
pub(super) fn reasoning(id: &str, text: &str, sealed: Option<String>) -> Value {
    let summary = match text {
        "" => json!([]),
        text => json!([{"type": "summary_text", "text": text}]),
    };
    let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
    if let (Some(sealed), Some(map)) = (sealed, item.as_object_mut()) {
        map.insert("encrypted_content".to_owned(), sealed.into());
    }
    item
}

/// A call.
pub(super) fn call(id: &str, status: &str, call_id: &str, name: &str, arguments: &str) -> Value {
    json!({
        "id": id,
        "type": "function_call",
        "status": status,
        "call_id": ids::call(call_id),
        "name": name,
        "arguments": arguments,
    })
}
