//! Answers of Ollama, whole and in pieces: each line of a stream is an answer so far.

use super::failure::in_body;
use crate::provider::conversation::{End, Event, Part, Reply, ToolCall};
use crate::provider::native::{call_id, parse, unreadable};
use crate::provider::translation::{Unread, exact};
use crate::provider::usage::Tokens;
use serde::Deserialize;
use serde_json::{Map, Value};

/// In error texts.
const NAME: &str = "Ollama";

#[derive(Deserialize)]
struct Wire {
    model: Option<String>,
    message: Option<Message>,
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    thinking: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: Option<Map<String, Value>>,
}

impl Wire {
    /// A count of zero is left out: what was in memory from before is not counted.
    fn tokens(&self) -> Tokens {
        let counted = self.prompt_eval_count.is_some() || self.eval_count.is_some();
        let count = |count: Option<u64>| counted.then(|| count.unwrap_or(0));
        Tokens {
            input: count(self.prompt_eval_count),
            output: count(self.eval_count),
            ..Tokens::default()
        }
    }

    /// Why it ends; `None` while it does not.
    fn end(&self, called: bool) -> Result<Option<End>, Unread> {
        if !self.done {
            return Ok(None);
        }
        Ok(Some(match self.done_reason.as_deref() {
            Some("length") => End::Length,
            Some("load" | "unload") => return Err(unreadable(NAME, "there was nothing to answer")),
            _ if called => End::ToolCalls,
            _ => End::Stop,
        }))
    }
}

/// What an answer or a piece of one says was counted, whatever else is in it.
pub(super) fn counted(json: &[u8]) -> Option<Tokens> {
    serde_json::from_slice::<Wire>(json).ok().map(|wire| wire.tokens())
}

/// The whole answer in a body.
///
/// # Errors
/// The body is no answer of the API, or says that the provider failed.
pub(super) fn read(body: &[u8]) -> Result<Reply, Unread> {
    if let Some(refused) = in_body(body) {
        return Err(Unread::Refused(refused));
    }
    let wire: Wire = parse(NAME, body)?;
    let tokens = wire.tokens();
    let message = wire.message.as_ref();
    let called = message.is_some_and(|m| m.tool_calls.as_ref().is_some_and(|c| !c.is_empty()));
    let end = wire.end(called)?.ok_or_else(|| unreadable(NAME, "it does not end"))?;
    let mut parts = Vec::new();
    if let Some(message) = wire.message {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let thought = some(message.thinking);
        parts.extend(thought.map(|text| Part::Thinking { text, signature: None }));
        parts.extend(some(message.content).map(Part::Text));
        parts.extend(message.tool_calls.into_iter().flatten().map(|call| {
            let (id, name, arguments) = call.parts();
            Part::ToolCall(ToolCall { id, name, arguments })
        }));
    }
    Ok(Reply { id: None, model: wire.model, parts, cut: None, end, tokens })
}

impl Call {
    fn parts(self) -> (String, String, Map<String, Value>) {
        let id = self.id.filter(|id| !id.is_empty()).unwrap_or_else(call_id);
        (id, self.function.name, self.function.arguments.unwrap_or_default())
    }
}

/// Reads a stream, one line after the other.
#[derive(Debug, Default)]
pub(super) struct Stream {
    begun: bool,
    calls: usize,
}

impl Stream {
    /// What a line says.
    ///
    /// # Errors
    /// It is no piece of an answer, or says that the provider failed.
    pub(super) fn event(&mut self, line: &[u8]) -> Result<Vec<Event>, Unread> {
        if let Some(refused) = in_body(line) {
            return Err(Unread::Refused(refused));
        }
        let mut wire: Wire = parse(NAME, line)?;
        let mut events = Vec::new();
        if !self.begun {
            self.begun = true;
            events.push(Event::Begin { id: None, model: wire.model.take() });
        }
        if let Some(message) = wire.message.take() {
            let some = |text: Option<String>| text.filter(|text| !text.is_empty());
            events.extend(some(message.thinking).map(Event::Thinking));
            events.extend(some(message.content).map(Event::Text));
            for call in message.tool_calls.into_iter().flatten() {
                let number = self.calls;
                self.calls += 1;
                let (id, name, arguments) = call.parts();
                events.push(Event::ToolCall { number, id, name });
                let fragment = exact::text(&arguments);
                events.push(Event::Arguments { number, fragment });
            }
        }
        if let Some(end) = wire.end(self.calls > 0)? {
            events.push(Event::Tokens(wire.tokens()));
            events.push(Event::End(end));
            events.push(Event::Over);
        }
        Ok(events)
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
