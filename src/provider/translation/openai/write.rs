//! A whole chat completion, written.

use super::usage::usage;
use crate::provider::conversation::{End, Part, Reply};
use crate::provider::translation::seam::Shown;
use crate::provider::translation::{exact, ids};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The word for why an answer ends.
pub(super) fn reason(end: &End) -> &'static str {
    match end {
        End::Stop | End::StopText(_) => "stop",
        // There is no word for a pause; this is the one for an answer that is not all there.
        End::Length | End::Paused => "length",
        End::ToolCalls => "tool_calls",
        End::Filtered => "content_filter",
    }
}

/// A thought that the provider wants back unchanged: in the field that clients know from other
/// gateways, and send back with the message.
pub(super) fn thought(text: &str, signature: &str) -> Value {
    json!({"type": "thinking", "thinking": text, "signature": signature})
}

/// What only the provider can read of a thought.
pub(super) fn sealed(data: &str) -> Value {
    json!({"type": "redacted_thinking", "data": data})
}

/// Writes an answer.
pub(super) fn reply(reply: &Reply, shown: &Shown<'_>) -> Bytes {
    let (mut text, mut thoughts, mut refusal) = (String::new(), String::new(), None::<String>);
    let (mut blocks, mut calls) = (Vec::new(), Vec::new());
    for part in &reply.parts {
        match part {
            Part::Text(more) => text.push_str(more),
            Part::Thinking { text, signature } => {
                thoughts.push_str(text);
                blocks.extend(signature.as_ref().map(|signature| thought(text, signature)));
            }
            Part::Sealed(data) => blocks.push(sealed(data)),
            Part::Refusal(why) => refusal.get_or_insert_default().push_str(why),
            Part::ToolCall(call) => calls.push(json!({
                "id": call.id,
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": exact::text(&call.arguments),
                },
            })),
            Part::Image(_) | Part::File { .. } | Part::ToolResult { .. } => {}
        }
    }
    calls.extend(reply.cut.as_ref().map(|call| {
        let function = json!({"name": call.name, "arguments": call.arguments});
        json!({"id": call.id, "type": "function", "function": function})
    }));
    let silent = text.is_empty() && (refusal.is_some() || !calls.is_empty());
    let mut message = Map::new();
    let mut set = |name: &str, value: Value| message.insert(name.to_owned(), value);
    set("role", "assistant".into());
    set("content", if silent { Value::Null } else { text.into() });
    set("refusal", refusal.into());
    if !thoughts.is_empty() {
        set("reasoning_content", thoughts.into());
    }
    if !blocks.is_empty() {
        set("thinking_blocks", Value::Array(blocks));
    }
    if !calls.is_empty() {
        set("tool_calls", Value::Array(calls));
    }
    set("annotations", json!([]));
    let mut out = json!({
        "id": ids::answer("chatcmpl-", reply.id.as_deref(), shown.request_id),
        "object": "chat.completion",
        "created": shown.created,
        "model": reply.model.as_deref().unwrap_or(shown.model),
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": reason(&reply.end),
        }],
    });
    let usage = usage(&reply.tokens);
    if let (false, Some(map)) = (usage.is_null(), out.as_object_mut()) {
        map.insert("usage".to_owned(), usage);
    }
    exact::written(&out)
}
