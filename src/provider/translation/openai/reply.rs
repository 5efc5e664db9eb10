//! A whole chat completion, read.

use super::errors;
use super::read::arguments;
use crate::provider::conversation::{CutCall, End, Part, Reply, ToolCall};
use crate::provider::translation::refused::Unread;
use crate::provider::translation::{exact, ids};
use crate::provider::usage;
use crate::provider::wire::Endpoint;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Completion {
    id: Option<String>,
    model: Option<String>,
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Value>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<Value>,
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
    /// A JSON object as a string; some servers write the object itself.
    arguments: Option<Value>,
}

/// The text of `content`, which a few servers write as a list of parts.
pub(super) fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|p| p.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}

/// Why the answer ends; `None` if it is not said, or is not known to be a good end: some servers
/// name here what went wrong, such as `insufficient_system_resource` or `abort`. Some say `stop`
/// where tools are called.
pub(super) fn end(reason: Option<&str>, calls: bool) -> Option<End> {
    Some(match reason? {
        "length" | "max_tokens" | "model_length" => End::Length,
        "content_filter" => End::Filtered,
        "tool_calls" | "function_call" => End::ToolCalls,
        "stop" | "eos" | "eos_token" | "stop_sequence" | "end_turn" | "complete" => match calls {
            true => End::ToolCalls,
            false => End::Stop,
        },
        _ => return None,
    })
}

/// In error texts.
const NO_ARGUMENTS: &str = "the arguments of a tool call are no JSON object";

/// Reads an answer.
pub(super) fn read(body: &[u8]) -> Result<Reply, Unread> {
    if let Some(refused) = errors::stated(body) {
        return Err(Unread::Refused(refused));
    }
    let malformed = |what: &str| Unread::Malformed(what.to_owned());
    let completion: Completion = serde_json::from_slice(&exact::guarded(body))
        .map_err(|_| malformed("it is no chat completion"))?;
    let Some(choice) = completion.choices.into_iter().next() else {
        return Err(malformed("it has no choices"));
    };
    let message = choice.message;
    let mut parts = Vec::new();
    let thought = message.reasoning_content.or_else(|| message.reasoning.as_ref().map(content));
    if let Some(text) = thought.filter(|text| !text.is_empty()) {
        parts.push(Part::Thinking { text, signature: None });
    }
    let text = message.content.as_ref().map(content).unwrap_or_default();
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    parts.extend(message.refusal.filter(|why| !why.is_empty()).map(Part::Refusal));
    let calls = message.tool_calls.unwrap_or_default();
    let end = end(choice.finish_reason.as_deref(), !calls.is_empty())
        .ok_or_else(|| malformed("it does not say that it came to a good end"))?;
    let mut cut = None;
    let mut calls = calls.into_iter().peekable();
    while let Some(call) = calls.next() {
        // Only what came last may be cut, as the answer is.
        let may_be_cut = end == End::Length && calls.peek().is_none();
        let (read, text) = match call.function.arguments {
            None | Some(Value::Null) => (Some(Map::new()).filter(|_| !may_be_cut), String::new()),
            Some(Value::Object(map)) => (Some(map), String::new()),
            Some(Value::String(text)) if may_be_cut && text.trim().is_empty() => (None, text),
            Some(Value::String(text)) => (arguments(&text), text),
            Some(_) => return Err(malformed(NO_ARGUMENTS)),
        };
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(ids::made);
        let name = call.function.name;
        match read {
            Some(arguments) => parts.push(Part::ToolCall(ToolCall { id, name, arguments })),
            None if may_be_cut => cut = Some(CutCall { id, name, arguments: text }),
            None => return Err(malformed(NO_ARGUMENTS)),
        }
    }
    let tokens = usage::in_json(body, Endpoint::ChatCompletions).unwrap_or_default();
    Ok(Reply { id: completion.id, model: completion.model, parts, cut, end, tokens })
}
