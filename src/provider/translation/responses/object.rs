//! A response, written.

use super::items;
use super::read::shown_choice;
use crate::provider::conversation::{Conversation, End, Format, Part, Reply, Thinking};
use crate::provider::translation::openai::counted;
use crate::provider::translation::seam::Shown;
use crate::provider::translation::{exact, ids};
use crate::provider::usage::Tokens;
use serde_json::{Map, Value, json};

/// What of a response follows from its request.
pub(super) fn asked(conversation: &Conversation) -> Map<String, Value> {
    let tools: Vec<Value> = conversation
        .tools
        .iter()
        .map(|tool| {
            json!({
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": tool.strict.unwrap_or(false),
            })
        })
        .collect();
    let format = match &conversation.format {
        None => json!({"type": "text"}),
        Some(Format::Json) => json!({"type": "json_object"}),
        Some(Format::Schema { name, schema, strict }) => json!({
            "type": "json_schema", "name": name, "schema": schema, "strict": strict,
        }),
    };
    let effort = match &conversation.thinking {
        Some(Thinking::Effort(word)) => Some(word.as_str()),
        Some(Thinking::Off) => Some("none"),
        _ => None,
    };
    let number = |number: &Option<serde_json::Number>| {
        number.clone().map_or_else(|| json!(1.0), Value::Number)
    };
    let fields = json!({
        "background": false,
        "error": null,
        "instructions": null,
        "max_output_tokens": conversation.max_tokens,
        "max_tool_calls": null,
        "metadata": {},
        "parallel_tool_calls": conversation.parallel_tool_calls.unwrap_or(true),
        "previous_response_id": null,
        "reasoning": {"effort": effort, "summary": null},
        "service_tier": "default",
        "store": false,
        "temperature": number(&conversation.temperature),
        "text": {"format": format},
        "tool_choice": shown_choice(conversation),
        "tools": tools,
        "top_logprobs": 0,
        "top_p": number(&conversation.top_p),
        "truncation": "disabled",
        "user": conversation.user,
    });
    match fields {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A response; `end` is left out while it is on its way.
pub(super) fn response(
    asked: &Map<String, Value>,
    id: &str,
    model: &str,
    created: u64,
    output: Vec<Value>,
    end: Option<&End>,
    tokens: &Tokens,
) -> Value {
    let (status, why) = match end {
        None => ("in_progress", Value::Null),
        // There is no word for a pause; this is the one for an answer that is not all there.
        Some(End::Length | End::Paused) => ("incomplete", json!({"reason": "max_output_tokens"})),
        Some(End::Filtered) => ("incomplete", json!({"reason": "content_filter"})),
        Some(End::Stop | End::StopText(_) | End::ToolCalls) => ("completed", Value::Null),
    };
    let usage =
        counted(tokens).filter(|_| end.is_some()).map(|[input, read, written, out, thought]| {
            json!({
                "input_tokens": input,
                "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
                "output_tokens": out,
                "output_tokens_details": {"reasoning_tokens": thought},
                "total_tokens": input.saturating_add(out),
            })
        });
    let mut map = asked.clone();
    let mut set = |name: &str, value: Value| map.insert(name.to_owned(), value);
    set("id", id.into());
    set("object", "response".into());
    set("created_at", created.into());
    set("status", status.into());
    set("incomplete_details", why);
    set("model", model.into());
    set("output", Value::Array(output));
    set("usage", usage.unwrap_or(Value::Null));
    Value::Object(map)
}

/// A whole answer as a response. A refusal is said in a part of its own, and no end of its kind.
pub(super) fn reply(reply: &Reply, shown: &Shown<'_>) -> Value {
    let id = ids::answer("resp_", reply.id.as_deref(), shown.request_id);
    let mut output = Vec::new();
    for part in &reply.parts {
        let number = output.len();
        let item = match part {
            Part::Text(text) | Part::Refusal(text) => {
                let content = items::text_part(text, matches!(part, Part::Refusal(_)));
                items::message(&items::id("msg", &id, number), "completed", &json!([content]))
            }
            Part::Thinking { text, .. } => {
                items::reasoning(&items::id("rs", &id, number), text, items::sealed(part))
            }
            Part::Sealed(_) => {
                items::reasoning(&items::id("rs", &id, number), "", items::sealed(part))
            }
            Part::ToolCall(call) => {
                let arguments = exact::text(&call.arguments);
                let id = items::id("fc", &id, number);
                items::call(&id, "completed", &call.id, &call.name, &arguments)
            }
            Part::Image(_) | Part::File { .. } | Part::ToolResult { .. } => continue,
        };
        output.push(item);
    }
    if let Some(call) = &reply.cut {
        let id = items::id("fc", &id, output.len());
        output.push(items::call(&id, "completed", &call.id, &call.name, &call.arguments));
    }
    // What an answer was cut in is as incomplete as itself; a thought has no such word.
    let last = output.last_mut().filter(|_| reply.end.is_cut());
    if let Some(status) = last.and_then(|item| item.get_mut("status")) {
        *status = "incomplete".into();
    }
    let model = reply.model.as_deref().unwrap_or(shown.model);
    let asked = asked(shown.conversation);
    response(&asked, &id, model, shown.created, output, Some(&reply.end), &reply.tokens)
}
