//! Answers of Cohere, whole and in pieces.

use super::failure::refused;
use crate::provider::conversation::{CutCall, End, Event, Part, Reply, ToolCall};
use crate::provider::native::{by_status, call_id, parse, unreadable};
use crate::provider::translation::{Refused, Unread, exact};
use crate::provider::usage::Tokens;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Map;

/// In error texts.
const NAME: &str = "Cohere";

#[derive(Deserialize)]
struct Wire {
    id: Option<String>,
    finish_reason: String,
    message: Message,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Vec<Content>>,
    tool_plan: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Content {
    text: Option<String>,
    thinking: Option<String>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
struct Usage {
    billed_units: Option<Counts>,
    tokens: Option<Counts>,
}

#[derive(Clone, Copy, Deserialize)]
struct Counts {
    // They come as `7.0` too.
    input_tokens: Option<f64>,
    output_tokens: Option<f64>,
}

impl Usage {
    /// What is billed, as that is what prices are for; else what was counted.
    fn tokens(&self) -> Tokens {
        // Below that every whole number can be told from the next.
        let whole = |count: f64| (0.0..=9e15).contains(&count).then(|| count.round() as u64);
        let of = |count: fn(&Counts) -> Option<f64>| {
            let billed = self.billed_units.as_ref().and_then(count);
            billed.or(self.tokens.as_ref().and_then(count)).and_then(whole)
        };
        Tokens {
            input: of(|counts| counts.input_tokens),
            output: of(|counts| counts.output_tokens),
            ..Tokens::default()
        }
    }
}

/// Why an answer ends, in the word of Cohere.
fn end(word: &str) -> Result<End, Unread> {
    Ok(match word {
        "COMPLETE" => End::Stop,
        "STOP_SEQUENCE" => End::StopText(None),
        "MAX_TOKENS" => End::Length,
        "TOOL_CALL" => End::ToolCalls,
        "ERROR_TOXIC" => End::Filtered,
        "ERROR_LIMIT" => End::Length,
        "TIMEOUT" => return Err(unreadable(NAME, "the model took too long")),
        _ => return Err(unreadable(NAME, "the model broke")),
    })
}

/// What an answer, or the event at the end of a stream, says was counted, whatever else is in it.
pub(super) fn counted(json: &[u8]) -> Option<Tokens> {
    #[derive(Deserialize)]
    struct Counted {
        usage: Option<Usage>,
        delta: Option<Ending>,
    }
    #[derive(Deserialize)]
    struct Ending {
        usage: Option<Usage>,
    }
    let counted: Counted = serde_json::from_slice(json).ok()?;
    let usage = counted.usage.or(counted.delta.and_then(|delta| delta.usage))?;
    Some(usage.tokens())
}

/// The whole answer in a body.
///
/// # Errors
/// The body is no answer of the API.
pub(super) fn read(body: &[u8]) -> Result<Reply, Unread> {
    let wire: Wire = parse(NAME, body)?;
    let mut parts = Vec::new();
    for content in wire.message.content.into_iter().flatten() {
        let thought = content.thinking.filter(|text| !text.is_empty());
        parts.extend(thought.map(|text| Part::Thinking { text, signature: None }));
        parts.extend(content.text.filter(|text| !text.is_empty()).map(Part::Text));
    }
    let plan = wire.message.tool_plan.filter(|plan| !plan.is_empty());
    parts.extend(plan.map(|text| Part::Thinking { text, signature: None }));
    let end = end(&wire.finish_reason)?;
    let mut cut = None;
    let mut calls = wire.message.tool_calls.into_iter().flatten().peekable();
    while let Some(call) = calls.next() {
        let name = call.function.name.ok_or_else(|| unreadable(NAME, "a call has no name"))?;
        let text = call.function.arguments.unwrap_or_default();
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(call_id);
        let read = match text.trim() {
            // The answer was cut before they came.
            "" if end == End::Length && calls.peek().is_none() => None,
            "" => Some(Map::new()),
            text => exact::object(text),
        };
        match read {
            Some(arguments) => parts.push(Part::ToolCall(ToolCall { id, name, arguments })),
            None if end == End::Length && calls.peek().is_none() => {
                cut = Some(CutCall { id, name, arguments: text });
            }
            None => return Err(unreadable(NAME, "the arguments of a call are no object")),
        }
    }
    Ok(Reply {
        id: wire.id,
        model: None,
        parts,
        cut,
        end,
        tokens: wire.usage.as_ref().map(Usage::tokens).unwrap_or_default(),
    })
}

#[derive(Deserialize)]
struct WireEvent {
    #[serde(rename = "type")]
    kind: Option<String>,
    id: Option<String>,
    delta: Option<Delta>,
    message: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Delta {
    message: Option<MessageDelta>,
    finish_reason: Option<String>,
    usage: Option<Usage>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct MessageDelta {
    content: Option<OneOrMany<Content>>,
    tool_plan: Option<String>,
    tool_calls: Option<OneOrMany<Call>>,
}

/// In some events it is one, in others a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn first(self) -> Option<T> {
        match self {
            Self::One(one) => Some(one),
            Self::Many(many) => many.into_iter().next(),
        }
    }
}

/// Reads a stream, one event after the other.
#[derive(Debug, Default)]
pub(super) struct Stream {
    calls: usize,
}

impl Stream {
    /// What an event says; its data is the JSON after `data:`.
    ///
    /// # Errors
    /// It is no event of the API, or says that the provider failed.
    pub(super) fn event(&mut self, data: &[u8]) -> Result<Vec<Event>, Unread> {
        if data == b"[DONE]" {
            return Ok(Vec::new());
        }
        let event: WireEvent = parse(NAME, data)?;
        let Some(kind) = event.kind.as_deref() else {
            return match event.message {
                Some(message) if message.is_string() => {
                    Err(Unread::Refused(refused(StatusCode::INTERNAL_SERVER_ERROR, data)))
                }
                _ => Err(unreadable(NAME, "an event has no type")),
            };
        };
        let delta = event.delta;
        let message = |delta: Option<Delta>| delta.and_then(|delta| delta.message);
        let mut events = Vec::new();
        match kind {
            "message-start" => events.push(Event::Begin { id: event.id, model: None }),
            "content-start" | "content-delta" => {
                let content = message(delta).and_then(|m| m.content).and_then(OneOrMany::first);
                if let Some(content) = content {
                    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
                    events.extend(some(content.thinking).map(Event::Thinking));
                    events.extend(some(content.text).map(Event::Text));
                }
            }
            "tool-plan-delta" => {
                let plan = message(delta).and_then(|m| m.tool_plan);
                events.extend(plan.filter(|plan| !plan.is_empty()).map(Event::Thinking));
            }
            "tool-call-start" | "tool-call-delta" => {
                let call = message(delta).and_then(|m| m.tool_calls).and_then(OneOrMany::first);
                self.call(kind == "tool-call-start", call, &mut events)?;
            }
            "message-end" => {
                let Some(delta) = delta else { return Err(unreadable(NAME, "its end is empty")) };
                if let Some(error) = delta.error {
                    let status = StatusCode::INTERNAL_SERVER_ERROR;
                    return Err(Unread::Refused(Refused { message: error, ..by_status(status) }));
                }
                events.extend(delta.usage.map(|usage| Event::Tokens(usage.tokens())));
                events.push(Event::End(end(&delta.finish_reason.unwrap_or_default())?));
                events.push(Event::Over);
            }
            // Ends of parts, citations, and what may come to be.
            _ => {}
        }
        Ok(events)
    }

    fn call(
        &mut self,
        begins: bool,
        call: Option<Call>,
        events: &mut Vec<Event>,
    ) -> Result<(), Unread> {
        let Some(call) = call else { return Ok(()) };
        if begins {
            let name = call.function.name.ok_or_else(|| unreadable(NAME, "a call has no name"))?;
            let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(call_id);
            events.push(Event::ToolCall { number: self.calls, id, name });
            self.calls += 1;
        }
        let fragment = call.function.arguments.filter(|text| !text.is_empty());
        match (fragment, self.calls.checked_sub(1)) {
            (Some(fragment), Some(number)) => events.push(Event::Arguments { number, fragment }),
            (Some(_), None) => return Err(unreadable(NAME, "arguments come before their call")),
            (None, _) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
