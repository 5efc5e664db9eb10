//! The chunks of a streamed chat completion, read.

use super::errors;
use super::reply::{content, end};
use crate::provider::conversation::Event;
use crate::provider::translation::ids;
use crate::provider::translation::refused::Unread;
use crate::provider::translation::seam::ReadEvents;
use crate::provider::usage;
use crate::provider::wire::Endpoint;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// More calls in one answer are no answer.
const MOST_CALLS: u64 = 1024;

/// What has come of the stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    begun: bool,
    /// Whether it has said why it ends.
    ended: bool,
    /// The last call that has begun under each number that the provider gives them.
    calls: BTreeMap<u64, Begun>,
    /// How many have begun.
    count: usize,
}

/// A call that has begun.
#[derive(Debug)]
struct Begun {
    number: usize,
    /// The provider's own.
    id: Option<String>,
}

impl Begun {
    /// Whether a piece under the same number, with this id and this name, begins another call. Some
    /// servers give all calls one number and send each whole; some say name and id with every piece.
    fn is_over(&self, id: Option<&str>, name: Option<&str>) -> bool {
        name.is_some() && id.is_some() && self.id.as_deref() != id
    }
}

#[derive(Deserialize)]
struct Chunk {
    id: Option<String>,
    model: Option<String>,
    choices: Option<Vec<Choice>>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<Value>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<Value>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    index: Option<u64>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<Value>,
}

fn broken(why: &str) -> Unread {
    Unread::Broken(why.to_owned())
}

impl ReadEvents for Reader {
    fn read(&mut self, _name: Option<&str>, data: &str) -> Result<Vec<Event>, Unread> {
        if data == "[DONE]" {
            return Ok(vec![Event::Over]);
        }
        if let Some(refused) = errors::stated(data.as_bytes()) {
            return Err(Unread::Refused(refused));
        }
        let chunk: Chunk = serde_json::from_str(data)
            .map_err(|_| Unread::event(data, "an event is no chunk of a completion"))?;
        let mut out = Vec::new();
        if !self.begun {
            self.begun = true;
            out.push(Event::Begin { id: chunk.id, model: chunk.model });
        }
        // One answer is all that was asked for.
        if let Some(choice) = chunk.choices.into_iter().flatten().next() {
            if let Some(delta) = choice.delta {
                self.delta(delta, &mut out)?;
            }
            // A few servers write an empty word where others write none, and a few say it again
            // beside the counts.
            let reason = choice.finish_reason.filter(|reason| !reason.is_empty());
            if let Some(reason) = reason.filter(|_| !self.ended) {
                let end = end(Some(&reason), !self.calls.is_empty());
                let end = end.ok_or_else(|| broken("it ends for a reason that is no good end"))?;
                self.ended = true;
                out.push(Event::End(end));
            }
        }
        out.extend(usage::in_json(data.as_bytes(), Endpoint::ChatCompletions).map(Event::Tokens));
        Ok(out)
    }
}

impl Reader {
    fn delta(&mut self, delta: Delta, out: &mut Vec<Event>) -> Result<(), Unread> {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let thought = delta.reasoning_content.or_else(|| delta.reasoning.as_ref().map(content));
        out.extend(thought.and_then(some).map(Event::Thinking));
        out.extend(delta.content.as_ref().map(content).and_then(some).map(Event::Text));
        out.extend(delta.refusal.and_then(some).map(Event::Refusal));
        for call in delta.tool_calls.into_iter().flatten() {
            self.call(call, out)?;
        }
        Ok(())
    }

    fn call(&mut self, call: Call, out: &mut Vec<Event>) -> Result<(), Unread> {
        let (name, arguments) = call.function.map_or((None, None), |f| (f.name, f.arguments));
        let name = name.filter(|name| !name.is_empty());
        let id = call.id.filter(|id| !id.is_empty());
        // A few servers leave the number out, and send each call whole.
        let new = u64::try_from(self.count).unwrap_or(u64::MAX);
        let last = self.calls.last_key_value().map_or(0, |(index, _)| *index);
        let index = call.index.unwrap_or(if name.is_some() { new } else { last });
        if index >= MOST_CALLS || new >= MOST_CALLS {
            return Err(broken("the number of a tool call is too great"));
        }
        let known = self.calls.get(&index);
        let number = match known.filter(|call| !call.is_over(id.as_deref(), name.as_deref())) {
            Some(call) => call.number,
            None => {
                let Some(name) = name else {
                    return Err(broken("a tool call begins without a name"));
                };
                let number = self.count;
                self.count += 1;
                self.calls.insert(index, Begun { number, id: id.clone() });
                let id = id.unwrap_or_else(ids::made);
                out.push(Event::ToolCall { number, id, name });
                number
            }
        };
        let fragment = match arguments {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::String(fragment)) => fragment,
            Some(other) => other.to_string(),
        };
        if !fragment.is_empty() {
            out.push(Event::Arguments { number, fragment });
        }
        Ok(())
    }
}
