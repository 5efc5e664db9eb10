//! The chunks of a streamed chat completion, written.

use super::errors::error;
use super::usage::usage;
use super::write::{reason, sealed, thought};
use crate::provider::conversation::{End, Event};
use crate::provider::translation::ids;
use crate::provider::translation::refused::Refused;
use crate::provider::translation::seam::{Shown, WriteEvents};
use crate::provider::usage::Tokens;
use bytes::BytesMut;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The longest thought that is kept for what will sign it.
const LONGEST_THOUGHT: usize = 8 << 20;

/// What has gone out of the stream.
#[derive(Debug)]
pub(super) struct Writer {
    id: Option<String>,
    model: String,
    request_id: String,
    created: u64,
    with_usage: bool,
    begun: bool,
    /// The thought so far, for what will sign it.
    thought: String,
    /// The call that has begun without any arguments yet.
    bare: Option<usize>,
    /// Calls of which it is told that they have none.
    filled: BTreeSet<usize>,
    tokens: Tokens,
    end: Option<End>,
}

impl Writer {
    pub(super) fn new(shown: &Shown<'_>) -> Self {
        Self {
            id: None,
            model: shown.model.to_owned(),
            request_id: shown.request_id.to_owned(),
            created: shown.created,
            with_usage: shown.conversation.stream_usage,
            begun: false,
            thought: String::new(),
            bare: None,
            filled: BTreeSet::new(),
            tokens: Tokens::default(),
            end: None,
        }
    }

    fn chunk(&self, choices: &Value, usage: Option<Value>, out: &mut BytesMut) {
        let mut chunk = json!({
            "id": ids::answer("chatcmpl-", self.id.as_deref(), &self.request_id),
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        // Where counts were asked for, every chunk has the field, and only the last a value.
        if self.with_usage
            && let Some(map) = chunk.as_object_mut()
        {
            map.insert("usage".to_owned(), usage.unwrap_or(Value::Null));
        }
        out.extend_from_slice(format!("data: {chunk}\n\n").as_bytes());
    }

    fn delta(&mut self, delta: &Value, reason: Option<&str>, out: &mut BytesMut) {
        if !self.begun {
            self.begun = true;
            let role = json!({"role": "assistant", "content": "", "refusal": null});
            self.delta(&role, None, out);
        }
        let choice = json!({
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason,
        });
        self.chunk(&Value::Array(vec![choice]), None, out);
    }
}

impl Writer {
    fn arguments(&mut self, number: usize, fragment: &str, out: &mut BytesMut) {
        let call = json!({"index": number, "function": {"arguments": fragment}});
        self.delta(&json!({"tool_calls": [call]}), None, out);
    }

    /// Clients read the arguments of every call as JSON, which an empty text is not.
    fn fill(&mut self, out: &mut BytesMut) {
        if let Some(number) = self.bare.take() {
            self.filled.insert(number);
            self.arguments(number, "{}", out);
        }
    }
}

impl WriteEvents for Writer {
    fn write(&mut self, event: Event, out: &mut BytesMut) -> Result<(), String> {
        if self.end.is_some() && !matches!(event, Event::Tokens(_) | Event::Over) {
            return Err("more came after the end".to_owned());
        }
        match &event {
            Event::Begin { .. } | Event::Tokens(_) | Event::Over => {}
            Event::Arguments { number, .. } if self.filled.contains(number) => {
                return Err("parts of tool calls come one between the other".to_owned());
            }
            Event::Arguments { number, .. } if self.bare == Some(*number) => self.bare = None,
            // What was cut had perhaps some.
            Event::End(end) if end.is_cut() => self.bare = None,
            _ => self.fill(out),
        }
        match event {
            Event::Begin { id, model } => {
                self.id = id;
                self.model = model.unwrap_or(std::mem::take(&mut self.model));
            }
            Event::Text(text) => self.delta(&json!({"content": text}), None, out),
            Event::Thinking(text) => {
                if self.thought.len() + text.len() > LONGEST_THOUGHT {
                    return Err(format!("a thought has more than {LONGEST_THOUGHT} bytes"));
                }
                self.thought.push_str(&text);
                self.delta(&json!({"reasoning_content": text}), None, out);
            }
            Event::Signature(signature) => {
                let block = thought(&std::mem::take(&mut self.thought), &signature);
                self.delta(&json!({"thinking_blocks": [block]}), None, out);
            }
            Event::Sealed(data) => {
                self.delta(&json!({"thinking_blocks": [sealed(&data)]}), None, out);
            }
            Event::Refusal(why) => self.delta(&json!({"refusal": why}), None, out),
            Event::ToolCall { number, id, name } => {
                let function = json!({"name": name, "arguments": ""});
                let call = json!({
                    "index": number, "id": id, "type": "function", "function": function,
                });
                self.delta(&json!({"tool_calls": [call]}), None, out);
                self.bare = Some(number);
            }
            Event::Arguments { number, fragment } => self.arguments(number, &fragment, out),
            Event::Tokens(tokens) => self.tokens.update(tokens),
            Event::End(end) => {
                self.delta(&json!({}), Some(reason(&end)), out);
                self.end = Some(end);
            }
            Event::Over => {}
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut BytesMut) {
        if self.with_usage {
            self.chunk(&json!([]), Some(usage(&self.tokens)), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn fail(&mut self, refused: &Refused, _request_id: &str, out: &mut BytesMut) {
        let (_, body) = error(refused);
        out.extend_from_slice(format!("data: {body}\n\n").as_bytes());
    }
}
