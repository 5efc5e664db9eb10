//! Answers of Gemini, whole and in pieces.

use super::failure::in_body;
use crate::provider::conversation::{End, Event, Part, Reply, ToolCall};
use crate::provider::native::{call_id, parse, unreadable};
use crate::provider::translation::{Unread, exact};
use crate::provider::usage::Tokens;
use serde::Deserialize;
use serde_json::{Map, Value};

/// In error texts.
const NAME: &str = "Gemini";

/// What its signatures begin with at clients, so that they are known when they come back.
pub(super) use crate::provider::foreign::GOOGLE as SIGNED;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Usage>,
    model_version: Option<String>,
    response_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    parts: Option<Vec<WirePart>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePart {
    text: Option<String>,
    thought: Option<bool>,
    thought_signature: Option<String>,
    function_call: Option<Call>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    name: String,
    args: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    prompt_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
}

impl Usage {
    /// Cached ones are counted in the prompt, thoughts beside the answer.
    fn tokens(&self) -> Tokens {
        let cached = self.cached_content_token_count;
        let prompt = self.prompt_token_count.map(|prompt| {
            prompt
                .saturating_add(self.tool_use_prompt_token_count.unwrap_or(0))
                .saturating_sub(cached.unwrap_or(0))
        });
        let thoughts = self.thoughts_token_count;
        // A count that is zero is left out.
        let output = self.candidates_token_count.or(thoughts.or(prompt).map(|_| 0));
        Tokens {
            input: prompt,
            cache_read: cached,
            output: output.map(|output| output.saturating_add(thoughts.unwrap_or(0))),
            reasoning: thoughts,
            ..Tokens::default()
        }
    }
}

/// Why an answer ends, in the word of Gemini.
fn end(word: &str, called: bool) -> Result<End, Unread> {
    Ok(match word {
        "STOP" | "FINISH_REASON_UNSPECIFIED" if called => End::ToolCalls,
        "STOP" | "FINISH_REASON_UNSPECIFIED" => End::Stop,
        "MAX_TOKENS" => End::Length,
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MALFORMED_RESPONSE"
        | "MISSING_THOUGHT_SIGNATURE" => {
            return Err(unreadable(NAME, "the model's call of a tool is broken"));
        }
        // Safety, recitation, terms on a list, personal data, a language: it was held back.
        _ => End::Filtered,
    })
}

/// What an answer or a piece of one says was counted, whatever else is in it.
pub(super) fn counted(json: &[u8]) -> Option<Tokens> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Counted {
        usage_metadata: Option<Usage>,
    }
    let counted: Counted = serde_json::from_slice(json).ok()?;
    counted.usage_metadata.map(|usage| usage.tokens())
}

/// The whole answer in a body.
///
/// # Errors
/// The body is no answer of the API.
pub(super) fn read(body: &[u8]) -> Result<Reply, Unread> {
    if let Some(refused) = in_body(body) {
        return Err(Unread::Refused(refused));
    }
    let mut stream = Stream::default();
    let events = stream.take(parse(NAME, body)?)?;
    let mut reply = Reply {
        id: None,
        model: None,
        parts: Vec::new(),
        cut: None,
        end: End::Stop,
        tokens: Tokens::default(),
    };
    let mut ended = false;
    for event in events {
        match event {
            Event::Begin { id, model } => (reply.id, reply.model) = (id, model),
            Event::Text(text) => match reply.parts.last_mut() {
                Some(Part::Text(before)) => before.push_str(&text),
                _ => reply.parts.push(Part::Text(text)),
            },
            Event::Thinking(text) => match reply.parts.last_mut() {
                Some(Part::Thinking { text: before, signature: None }) => before.push_str(&text),
                _ => reply.parts.push(Part::Thinking { text, signature: None }),
            },
            Event::Signature(signed) => match reply.parts.last_mut() {
                Some(Part::Thinking { signature: signature @ None, .. }) => {
                    *signature = Some(signed);
                }
                _ => reply
                    .parts
                    .push(Part::Thinking { text: String::new(), signature: Some(signed) }),
            },
            Event::ToolCall { id, name, .. } => {
                reply.parts.push(Part::ToolCall(ToolCall { id, name, arguments: Map::new() }));
            }
            Event::Arguments { fragment, .. } => {
                if let Some(Part::ToolCall(call)) = reply.parts.last_mut() {
                    call.arguments = exact::object(&fragment).unwrap_or_default();
                }
            }
            Event::Tokens(tokens) => reply.tokens = tokens,
            Event::End(end) => (reply.end, ended) = (end, true),
            Event::Refusal(_) | Event::Sealed(_) | Event::Over => {}
        }
    }
    if ended { Ok(reply) } else { Err(unreadable(NAME, "it does not say why it ends")) }
}

/// Reads a stream, one event after the other.
#[derive(Debug, Default)]
pub(super) struct Stream {
    begun: bool,
    calls: usize,
}

impl Stream {
    /// What an event says; its data is the JSON after `data:`.
    ///
    /// # Errors
    /// It is no event of the API, or says that the provider failed.
    pub(super) fn event(&mut self, data: &[u8]) -> Result<Vec<Event>, Unread> {
        match in_body(data) {
            Some(refused) => Err(Unread::Refused(refused)),
            None => self.take(parse(NAME, data)?),
        }
    }

    fn take(&mut self, wire: Wire) -> Result<Vec<Event>, Unread> {
        let mut events = Vec::new();
        let blocked = wire.prompt_feedback.is_some_and(|f| f.block_reason.is_some());
        let candidate = wire.candidates.into_iter().flatten().next();
        if candidate.is_none() && !blocked && wire.usage_metadata.is_none() {
            return Err(unreadable(
                NAME,
                "it has neither an answer nor a reason why there is none",
            ));
        }
        if !self.begun {
            self.begun = true;
            events.push(Event::Begin { id: wire.response_id, model: wire.model_version });
        }
        let mut reason = None;
        if let Some(candidate) = candidate {
            reason = candidate.finish_reason;
            for part in candidate.content.and_then(|content| content.parts).into_iter().flatten() {
                self.part(part, &mut events);
            }
        }
        events.extend(wire.usage_metadata.map(|usage| Event::Tokens(usage.tokens())));
        if let Some(reason) = reason {
            events.push(Event::End(end(&reason, self.calls > 0)?));
        } else if blocked {
            events.push(Event::End(End::Filtered));
        }
        Ok(events)
    }

    fn part(&mut self, part: WirePart, events: &mut Vec<Event>) {
        let text = part.text.filter(|text| !text.is_empty());
        let thought = part.thought == Some(true);
        if thought {
            events.extend(text.map(Event::Thinking));
            events.extend(part.thought_signature.as_deref().map(signed));
            return;
        }
        // It signs what was thought before the text or the call in which it stands.
        events.extend(part.thought_signature.as_deref().map(signed));
        events.extend(text.map(Event::Text));
        if let Some(call) = part.function_call {
            let number = self.calls;
            self.calls += 1;
            let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(call_id);
            events.push(Event::ToolCall { number, id, name: call.name });
            let fragment = exact::text(&call.args.unwrap_or_default());
            events.push(Event::Arguments { number, fragment });
        }
    }
}

fn signed(signature: &str) -> Event {
    Event::Signature(format!("{SIGNED}{signature}"))
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
