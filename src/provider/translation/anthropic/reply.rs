//! A whole message, read.

use super::errors;
use crate::provider::conversation::{CutCall, End, Part, Reply, ToolCall};
use crate::provider::translation::exact;
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
        text: Option<String>,
    },
    Thinking {
        thinking: Option<String>,
        signature: Option<String>,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        input: Option<Map<String, Value>>,
    },
    /// What comes of tools that only this family runs, which nobody can have asked for.
    #[serde(other)]
    Other,
}

/// Why an answer ends; `None` if it is not said, or is not known to be a good end.
pub(super) fn end(reason: Option<&str>, text: Option<String>) -> Option<End> {
    Some(match reason? {
        "end_turn" => End::Stop,
        "max_tokens" | "model_context_window_exceeded" => End::Length,
        "stop_sequence" => End::StopText(text),
        "tool_use" => End::ToolCalls,
        "refusal" => End::Filtered,
        "pause_turn" => End::Paused,
        _ => return None,
    })
}

fn is_bare(part: &Part) -> bool {
    matches!(part, Part::ToolCall(call) if call.arguments.is_empty())
}

/// Reads an answer.
pub(super) fn read(body: &[u8]) -> Result<Reply, Unread> {
    if let Some(refused) = errors::stated(body) {
        return Err(Unread::Refused(refused));
    }
    let malformed = |what: &str| Unread::Malformed(what.to_owned());
    let message: Message =
        serde_json::from_slice(&exact::guarded(body)).map_err(|_| malformed("it is no message"))?;
    let end = end(message.stop_reason.as_deref(), message.stop_sequence)
        .ok_or_else(|| malformed("it does not say that it came to a good end"))?;
    let mut parts = Vec::new();
    for block in message.content {
        match block {
            Block::Text { text } => parts.push(Part::Text(text.unwrap_or_default())),
            Block::Thinking { thinking, signature } => {
                let signature = signature.filter(|signature| !signature.is_empty());
                parts.push(Part::Thinking { text: thinking.unwrap_or_default(), signature });
            }
            Block::RedactedThinking { data } => parts.push(Part::Sealed(data)),
            Block::ToolUse { id, name, input } => {
                let arguments = input.unwrap_or_default();
                parts.push(Part::ToolCall(ToolCall { id, name, arguments }));
            }
            Block::Other => {}
        }
    }
    // What it was cut in is handed on as a call without arguments.
    let cut = match parts.pop_if(|part| end == End::Length && is_bare(part)) {
        Some(Part::ToolCall(ToolCall { id, name, .. })) => {
            Some(CutCall { id, name, arguments: String::new() })
        }
        _ => None,
    };
    Ok(Reply {
        id: message.id,
        model: message.model,
        parts,
        cut,
        end,
        tokens: usage::in_json(body, Endpoint::Messages).unwrap_or_default(),
    })
}
