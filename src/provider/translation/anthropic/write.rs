//! A whole message, written.

use super::usage::usage;
use crate::provider::conversation::{Conversation, End, Part, Reply, Thinking};
use crate::provider::translation::seam::Shown;
use crate::provider::translation::{exact, ids};
use bytes::Bytes;
use serde_json::{Value, json};

/// The word for why an answer ends, and the text at which it did.
pub(super) fn reason(end: &End) -> (&'static str, Option<&str>) {
    match end {
        End::Stop | End::StopText(None) => ("end_turn", None),
        End::StopText(Some(text)) => ("stop_sequence", Some(text)),
        End::Length => ("max_tokens", None),
        End::ToolCalls => ("tool_use", None),
        End::Filtered => ("refusal", None),
        End::Paused => ("pause_turn", None),
    }
}

/// Whether the client wants to see thoughts. Those of other families are not signed, so a client
/// that did not ask for any is not given some that Anthropic would not take back.
pub(super) fn wants_thoughts(conversation: &Conversation) -> bool {
    !matches!(conversation.thinking, None | Some(Thinking::Off))
}

/// Writes an answer. A call that it was cut in is left out: its arguments are an object here, and
/// what they would have been nobody knows; `max_tokens` says that there was more.
pub(super) fn reply(reply: &Reply, shown: &Shown<'_>) -> Bytes {
    let thoughts = wants_thoughts(shown.conversation);
    let content: Vec<Value> = reply
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) | Part::Refusal(text) => Some(json!({"type": "text", "text": text})),
            Part::Thinking { text, signature } => thoughts.then(|| {
                let signature = signature.as_deref().unwrap_or_default();
                json!({"type": "thinking", "thinking": text, "signature": signature})
            }),
            Part::Sealed(data) => Some(json!({"type": "redacted_thinking", "data": data})),
            Part::ToolCall(call) => Some(json!({
                "type": "tool_use",
                "id": ids::call(&call.id),
                "name": call.name,
                "input": call.arguments,
            })),
            Part::Image(_) | Part::File { .. } | Part::ToolResult { .. } => None,
        })
        .collect();
    let refuses = reply.parts.iter().any(|part| matches!(part, Part::Refusal(_)));
    let end = if refuses { &End::Filtered } else { &reply.end };
    let (reason, text) = reason(end);
    let out = json!({
        "id": ids::answer("msg_", reply.id.as_deref(), shown.request_id),
        "type": "message",
        "role": "assistant",
        "model": reply.model.as_deref().unwrap_or(shown.model),
        "content": content,
        "stop_reason": reason,
        "stop_sequence": text,
        "usage": usage(&reply.tokens),
    });
    exact::written(&out)
}
