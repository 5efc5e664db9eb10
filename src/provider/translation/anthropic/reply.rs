//! A whole message, read.

use super::errors;
use crate::provider::conversation::{End, Part, Reply, ToolCall};
use crate::provider::translation::refused::Unread;
use crate::provider::usage;
use crate::provider::wire::Endpoint;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    model: Option<String>,
    content: Vec<Block>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
}

/// A block of an answer.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Map<String, Value>,
    },
    /// What comes of tools that only this family runs, which nobody can have asked for.
    #[serde(other)]
    Other,
}

/// Why an answer ends.
pub(super) fn end(reason: Option<&str>, text: Option<String>) -> End {
    match reason {
        Some("max_tokens" | "model_context_window_exceeded") => End::Length,
        Some("stop_sequence") => End::StopText(text),
        Some("tool_use") => End::ToolCalls,
        Some("refusal") => End::Filtered,
        Some("pause_turn") => End::Paused,
        _ => End::Stop,
    }
}

/// Reads an answer.
pub(super) fn read(body: &[u8]) -> Result<Reply, Unread> {
    if let Some(refused) = errors::stated(body) {
        return Err(Unread::Refused(refused));
    }
    let message: Message = serde_json::from_slice(body)
        .map_err(|_| Unread::Malformed("it is no message".to_owned()))?;
    let mut parts = Vec::new();
    for block in message.content {
        match block {
            Block::Text { text } => parts.push(Part::Text(text)),
            Block::Thinking { thinking, signature } => {
                let signature = Some(signature).filter(|signature| !signature.is_empty());
                parts.push(Part::Thinking { text: thinking, signature });
            }
            Block::RedactedThinking { data } => parts.push(Part::Sealed(data)),
            Block::ToolUse { id, name, input } => {
                parts.push(Part::ToolCall(ToolCall { id, name, arguments: input }));
            }
            Block::Other => {}
        }
    }
    Ok(Reply {
        id: message.id,
        model: message.model,
        parts,
        end: end(message.stop_reason.as_deref(), message.stop_sequence),
        tokens: usage::in_json(body, Endpoint::Messages).unwrap_or_default(),
    })
}
