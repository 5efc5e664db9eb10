//! The events of a streamed message, written.

use super::errors::error;
use super::usage::usage;
use super::write::{reason, wants_thoughts};
use crate::provider::conversation::{End, Event};
use crate::provider::translation::ids;
use crate::provider::translation::refused::Refused;
use crate::provider::translation::seam::{Shown, WriteEvents};
use crate::provider::usage::Tokens;
use bytes::BytesMut;
use serde_json::{Value, json};

/// The block that has begun last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call(usize),
}

/// What has gone out of the stream.
#[derive(Debug)]
pub(super) struct Writer {
    id: Option<String>,
    model: String,
    request_id: String,
    thoughts: bool,
    begun: bool,
    open: Option<Open>,
    /// How many blocks have begun.
    blocks: usize,
    refuses: bool,
    tokens: Tokens,
    end: Option<End>,
}

impl Writer {
    pub(super) fn new(shown: &Shown<'_>) -> Self {
        Self {
            id: None,
            model: shown.model.to_owned(),
            request_id: shown.request_id.to_owned(),
            thoughts: wants_thoughts(shown.conversation),
            begun: false,
            open: None,
            blocks: 0,
            refuses: false,
            tokens: Tokens::default(),
            end: None,
        }
    }

    fn event(kind: &str, data: &Value, out: &mut BytesMut) {
        out.extend_from_slice(format!("event: {kind}\ndata: {data}\n\n").as_bytes());
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let message = json!({
            "id": ids::answer("msg_", self.id.as_deref(), &self.request_id),
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": usage(&self.tokens),
        });
        let data = json!({"type": "message_start", "message": message});
        Self::event("message_start", &data, out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        if self.open.take().is_some() {
            let index = self.blocks.saturating_sub(1);
            let data = json!({"type": "content_block_stop", "index": index});
            Self::event("content_block_stop", &data, out);
        }
    }

    /// Begins a block, and ends the one before.
    fn open(&mut self, kind: Open, block: &Value, out: &mut BytesMut) {
        self.begin(out);
        self.close(out);
        self.open = Some(kind);
        let data = json!({
            "type": "content_block_start", "index": self.blocks, "content_block": block,
        });
        Self::event("content_block_start", &data, out);
        self.blocks += 1;
    }

    /// More of the block that has begun last.
    fn delta(&self, delta: &Value, out: &mut BytesMut) {
        let index = self.blocks.saturating_sub(1);
        let data = json!({"type": "content_block_delta", "index": index, "delta": delta});
        Self::event("content_block_delta", &data, out);
    }

    fn text(&mut self, text: &str, out: &mut BytesMut) {
        if self.open != Some(Open::Text) {
            self.open(Open::Text, &json!({"type": "text", "text": ""}), out);
        }
        self.delta(&json!({"type": "text_delta", "text": text}), out);
    }

    fn think(&mut self, out: &mut BytesMut) {
        if self.open != Some(Open::Thinking) {
            let block = json!({"type": "thinking", "thinking": "", "signature": ""});
            self.open(Open::Thinking, &block, out);
        }
    }
}

impl WriteEvents for Writer {
    fn write(&mut self, event: Event, out: &mut BytesMut) -> Result<(), String> {
        if self.end.is_some() && !matches!(event, Event::Tokens(_) | Event::Over) {
            return Err("more came after the end".to_owned());
        }
        match event {
            Event::Begin { id, model } => {
                self.id = id;
                self.model = model.unwrap_or(std::mem::take(&mut self.model));
            }
            Event::Text(text) => self.text(&text, out),
            Event::Refusal(text) => {
                self.refuses = true;
                self.text(&text, out);
            }
            Event::Thinking(text) if self.thoughts => {
                self.think(out);
                self.delta(&json!({"type": "thinking_delta", "thinking": text}), out);
            }
            Event::Signature(signature) if self.thoughts => {
                self.think(out);
                self.delta(&json!({"type": "signature_delta", "signature": signature}), out);
                self.close(out);
            }
            Event::Thinking(_) | Event::Signature(_) => {}
            Event::Sealed(data) => {
                let block = json!({"type": "redacted_thinking", "data": data});
                // It has no deltas, and ends at once.
                self.open(Open::Thinking, &block, out);
                self.close(out);
            }
            Event::ToolCall { number, id, name } => {
                let block =
                    json!({"type": "tool_use", "id": ids::call(&id), "name": name, "input": {}});
                self.open(Open::Call(number), &block, out);
            }
            Event::Arguments { number, fragment } => {
                if self.open != Some(Open::Call(number)) {
                    return Err("parts of tool calls come one between the other".to_owned());
                }
                let delta = json!({"type": "input_json_delta", "partial_json": fragment});
                self.delta(&delta, out);
            }
            Event::Tokens(tokens) => self.tokens.update(tokens),
            Event::End(end) => {
                self.begin(out);
                self.close(out);
                self.end = Some(end);
            }
            Event::Over => {}
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut BytesMut) {
        self.begin(out);
        self.close(out);
        let end =
            if self.refuses { &End::Filtered } else { self.end.as_ref().unwrap_or(&End::Stop) };
        let (reason, text) = reason(end);
        let data = json!({
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": text},
            "usage": usage(&self.tokens),
        });
        Self::event("message_delta", &data, out);
        Self::event("message_stop", &json!({"type": "message_stop"}), out);
    }

    fn fail(&mut self, refused: &Refused, request_id: &str, out: &mut BytesMut) {
        let (_, body) = error(refused, request_id);
        Self::event("error", &body, out);
    }
}
