//! Conversations as Cohere wants them asked.

use crate::provider::conversation::{
    Conversation, Format, Image, Part, Role, Thinking, ToolChoice, Turn,
};
use crate::provider::native::{cannot, plain_text, texts, within};
use crate::provider::translation::{Untranslatable, exact};
use serde_json::{Map, Value, json};

/// In error texts.
const NAME: &str = "Cohere";

/// The texts at which an answer may be told to end.
const STOPS: usize = 5;

/// The greatest share of nucleus sampling: the API has no way to say "all".
const MOST_P: f64 = 0.99;

/// The body of the request for `model`.
///
/// # Errors
/// Cohere has no such thing as what is asked for.
pub(super) fn write(asked: &Conversation, model: &str) -> Result<Value, Untranslatable> {
    let mut messages: Vec<Value> =
        asked.system.iter().map(|text| json!({"role": "system", "content": text})).collect();
    for turn in &asked.turns {
        match turn.role {
            Role::System => messages.push(json!({"role": "system", "content": texts(turn)})),
            Role::User => user(turn, &mut messages)?,
            Role::Assistant => messages.extend(assistant(turn)?),
        }
    }
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    body.insert("messages".to_owned(), Value::Array(messages));
    body.insert("stream".to_owned(), json!(asked.stream));
    tools(asked, &mut body)?;
    options(asked, &mut body)?;
    Ok(Value::Object(body))
}

fn tools(asked: &Conversation, body: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    if asked.tools.is_empty() {
        return Ok(());
    }
    if asked.parallel_tool_calls == Some(false) {
        let what = "may call several tools at once, and cannot be told not to";
        return Err(cannot("parallel_tool_calls", NAME, what));
    }
    let mut tools = asked.tools.iter().collect::<Vec<_>>();
    let choice = match &asked.tool_choice {
        None | Some(ToolChoice::Auto) => None,
        Some(ToolChoice::None) => Some("NONE"),
        Some(ToolChoice::Required) => Some("REQUIRED"),
        // With nothing else to choose from it is the same.
        Some(ToolChoice::Named(name)) => {
            tools.retain(|tool| tool.name == *name);
            if tools.is_empty() {
                return Err(cannot("tool_choice", NAME, "knows no tool of this name"));
            }
            Some("REQUIRED")
        }
    };
    let declared: Vec<Value> = tools
        .iter()
        .map(|tool| {
            let mut function = json!({"name": tool.name, "parameters": tool.parameters});
            if let (Some(text), Value::Object(fields)) = (&tool.description, &mut function) {
                fields.insert("description".to_owned(), json!(text));
            }
            json!({"type": "function", "function": function})
        })
        .collect();
    // It is for all tools or for none.
    if tools.iter().all(|tool| tool.strict == Some(true)) {
        body.insert("strict_tools".to_owned(), json!(true));
    }
    body.insert("tools".to_owned(), Value::Array(declared));
    if let Some(choice) = choice {
        body.insert("tool_choice".to_owned(), json!(choice));
    }
    Ok(())
}

fn options(asked: &Conversation, body: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    if asked.stop.len() > STOPS {
        return Err(cannot("stop", NAME, "takes at most five texts to stop at"));
    }
    for (param, number) in [
        ("presence_penalty", &asked.presence_penalty),
        ("frequency_penalty", &asked.frequency_penalty),
    ] {
        within(param, NAME, number.as_ref(), 0.0, 1.0)?;
    }
    if asked.seed.is_some_and(i64::is_negative) {
        return Err(cannot("seed", NAME, "takes no negative seed"));
    }
    if asked.top_k.is_some_and(|k| k > 500) {
        return Err(cannot("top_k", NAME, "takes 0 to 500"));
    }
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let number = |number: &Option<serde_json::Number>| number.clone().map(Value::Number);
    set("max_tokens", asked.max_tokens.map(Value::from));
    set("temperature", number(&asked.temperature));
    let p = asked.top_p.as_ref().map(|p| match p.as_f64() {
        Some(all) if all > MOST_P => json!(MOST_P),
        _ => Value::Number(p.clone()),
    });
    set("p", p);
    set("k", asked.top_k.map(Value::from));
    set("presence_penalty", number(&asked.presence_penalty));
    set("frequency_penalty", number(&asked.frequency_penalty));
    set("seed", asked.seed.map(Value::from));
    set("stop_sequences", (!asked.stop.is_empty()).then(|| json!(asked.stop)));
    set(
        "response_format",
        asked.format.as_ref().map(|format| match format {
            Format::Json => json!({"type": "json_object"}),
            Format::Schema { schema, .. } => {
                json!({"type": "json_object", "json_schema": schema})
            }
        }),
    );
    let thinking = match &asked.thinking {
        None => None,
        Some(Thinking::Off) => Some(json!({"type": "disabled"})),
        Some(Thinking::Budget(tokens)) => Some(json!({"type": "enabled", "token_budget": tokens})),
        // It knows no degrees.
        Some(Thinking::Adaptive | Thinking::Effort(_)) => Some(json!({"type": "enabled"})),
    };
    set("thinking", thinking);
    Ok(())
}

/// What the user says: results of tools are messages of their own.
fn user(turn: &Turn, messages: &mut Vec<Value>) -> Result<(), Untranslatable> {
    let mut blocks = Vec::new();
    for part in &turn.parts {
        match part {
            Part::ToolResult { id, content, failed } => {
                let Some(text) = plain_text(content) else {
                    return Err(cannot(
                        "messages",
                        NAME,
                        "takes only text in the result of a tool",
                    ));
                };
                // It has no other way to say so.
                let text = if *failed { json!({"error": text}).to_string() } else { text };
                messages.push(json!({"role": "tool", "tool_call_id": id, "content": text}));
            }
            Part::Text(text) | Part::Refusal(text) => {
                blocks.push(json!({"type": "text", "text": text}));
            }
            Part::Image(image) => {
                let url = match image {
                    Image::Url(url) => url.clone(),
                    Image::Inline { media_type, data } => {
                        format!("data:{media_type};base64,{data}")
                    }
                };
                blocks.push(json!({"type": "image_url", "image_url": {"url": url}}));
            }
            Part::File { .. } => {
                return Err(cannot("messages", NAME, "takes no documents in a message"));
            }
            Part::Thinking { .. } | Part::Sealed(_) | Part::ToolCall(_) => {}
        }
    }
    if !blocks.is_empty() {
        let content = match plain_text(&turn.parts) {
            Some(text) => json!(text),
            None => Value::Array(blocks),
        };
        messages.push(json!({"role": "user", "content": content}));
    }
    Ok(())
}

/// What the model has said. What it thought before it called tools is its plan.
fn assistant(turn: &Turn) -> Result<Option<Value>, Untranslatable> {
    let (mut text, mut plan, mut calls) = (String::new(), String::new(), Vec::new());
    for part in &turn.parts {
        match part {
            Part::Text(more) | Part::Refusal(more) => text.push_str(more),
            Part::Thinking { text, .. } => plan.push_str(text),
            // Of another provider, which alone can read it.
            Part::Sealed(_) => {}
            Part::ToolCall(call) => calls.push(json!({
                "id": call.id, "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": exact::text(&call.arguments),
                },
            })),
            Part::Image(_) | Part::File { .. } | Part::ToolResult { .. } => {
                return Err(cannot("messages", NAME, "takes only texts and calls of the model"));
            }
        }
    }
    if calls.is_empty() {
        return Ok((!text.is_empty()).then(|| json!({"role": "assistant", "content": text})));
    }
    let mut message = json!({"role": "assistant", "tool_calls": calls});
    if let Value::Object(fields) = &mut message {
        if !text.is_empty() {
            fields.insert("content".to_owned(), json!(text));
        }
        if !plan.is_empty() {
            fields.insert("tool_plan".to_owned(), json!(plan));
        }
    }
    Ok(Some(message))
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
