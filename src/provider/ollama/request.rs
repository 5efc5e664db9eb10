//! Conversations as Ollama wants them asked.

use crate::provider::conversation::{
    Conversation, Format, Image, Part, Role, Thinking, ToolChoice, Turn,
};
use crate::provider::native::{Calls, cannot, plain_text, texts};
use crate::provider::translation::Untranslatable;
use serde_json::{Map, Value, json};

/// In error texts.
const NAME: &str = "Ollama";

/// The body of the request for `model`.
///
/// # Errors
/// Ollama has no such thing as what is asked for.
pub(super) fn write(asked: &Conversation, model: &str) -> Result<Value, Untranslatable> {
    let calls = Calls::of(asked);
    let mut messages: Vec<Value> =
        asked.system.iter().map(|text| json!({"role": "system", "content": text})).collect();
    for turn in &asked.turns {
        match turn.role {
            Role::System => messages.push(json!({"role": "system", "content": texts(turn)})),
            Role::User => user(turn, &calls, &mut messages)?,
            Role::Assistant => messages.push(assistant(turn)?),
        }
    }
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    body.insert("messages".to_owned(), Value::Array(messages));
    body.insert("stream".to_owned(), json!(asked.stream));
    if let Some(tools) = tools(asked)? {
        body.insert("tools".to_owned(), tools);
    }
    if let Some(format) = &asked.format {
        let format = match format {
            Format::Json => json!("json"),
            Format::Schema { schema, .. } => schema.clone(),
        };
        body.insert("format".to_owned(), format);
    }
    let think = match &asked.thinking {
        None => None,
        Some(Thinking::Off) => Some(json!(false)),
        Some(Thinking::Adaptive) => Some(json!(true)),
        Some(Thinking::Effort(word)) => Some(match word.as_str() {
            "minimal" | "low" => json!("low"),
            "medium" => json!("medium"),
            _ => json!("high"),
        }),
        Some(Thinking::Budget(_)) => {
            return Err(cannot("thinking", NAME, "cannot be told for how many tokens to think"));
        }
    };
    if let Some(think) = think {
        body.insert("think".to_owned(), think);
    }
    let options = options(asked);
    if !options.is_empty() {
        body.insert("options".to_owned(), Value::Object(options));
    }
    Ok(Value::Object(body))
}

fn tools(asked: &Conversation) -> Result<Option<Value>, Untranslatable> {
    match &asked.tool_choice {
        // Without tools it can call none.
        Some(ToolChoice::None) => return Ok(None),
        Some(ToolChoice::Required | ToolChoice::Named(_)) => {
            return Err(cannot("tool_choice", NAME, "cannot be made to call a tool"));
        }
        None | Some(ToolChoice::Auto) => {}
    }
    if asked.tools.is_empty() {
        return Ok(None);
    }
    if asked.parallel_tool_calls == Some(false) {
        let what = "may call several tools at once, and cannot be told not to";
        return Err(cannot("parallel_tool_calls", NAME, what));
    }
    let declared: Vec<Value> = asked
        .tools
        .iter()
        .map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name,
                "description": tool.description.as_deref().unwrap_or_default(),
                "parameters": tool.parameters,
            }})
        })
        .collect();
    Ok(Some(Value::Array(declared)))
}

fn options(asked: &Conversation) -> Map<String, Value> {
    let number = |number: &Option<serde_json::Number>| number.clone().map(Value::Number);
    [
        ("num_predict", asked.max_tokens.map(Value::from)),
        ("temperature", number(&asked.temperature)),
        ("top_p", number(&asked.top_p)),
        ("top_k", asked.top_k.map(Value::from)),
        ("presence_penalty", number(&asked.presence_penalty)),
        ("frequency_penalty", number(&asked.frequency_penalty)),
        ("seed", asked.seed.map(Value::from)),
        ("stop", (!asked.stop.is_empty()).then(|| json!(asked.stop))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// What the user says: results of tools are messages of their own.
fn user(turn: &Turn, calls: &Calls<'_>, messages: &mut Vec<Value>) -> Result<(), Untranslatable> {
    let (mut text, mut images, mut says) = (String::new(), Vec::new(), false);
    for part in &turn.parts {
        match part {
            Part::ToolResult { id, content, failed } => {
                let Some(result) = plain_text(content) else {
                    return Err(cannot(
                        "messages",
                        NAME,
                        "takes only text in the result of a tool",
                    ));
                };
                // It has no other way to say so.
                let result = if *failed { json!({"error": result}).to_string() } else { result };
                let mut message = json!({"role": "tool", "content": result, "tool_call_id": id});
                if let (Value::Object(fields), Some(name)) = (&mut message, calls.function(id)) {
                    fields.insert("tool_name".to_owned(), json!(name));
                }
                messages.push(message);
                continue;
            }
            Part::Text(more) | Part::Refusal(more) => text.push_str(more),
            Part::Image(Image::Inline { data, .. }) => images.push(json!(data)),
            Part::Image(Image::Url(_)) => {
                let what = "fetches no pictures: send them in the request, as base64";
                return Err(cannot("messages", NAME, what));
            }
            Part::File { .. } => {
                return Err(cannot("messages", NAME, "takes no documents"));
            }
            Part::Thinking { .. } | Part::Sealed(_) | Part::ToolCall(_) => continue,
        }
        says = true;
    }
    if says {
        let mut message = json!({"role": "user", "content": text});
        if let (Value::Object(fields), false) = (&mut message, images.is_empty()) {
            fields.insert("images".to_owned(), Value::Array(images));
        }
        messages.push(message);
    }
    Ok(())
}

/// What the model has said.
fn assistant(turn: &Turn) -> Result<Value, Untranslatable> {
    let (mut text, mut thought, mut calls) = (String::new(), String::new(), Vec::new());
    for part in &turn.parts {
        match part {
            Part::Text(more) | Part::Refusal(more) => text.push_str(more),
            Part::Thinking { text, .. } => thought.push_str(text),
            // Of another provider, which alone can read it.
            Part::Sealed(_) => {}
            Part::ToolCall(call) => calls.push(json!({
                "id": call.id,
                "function": {"name": call.name, "arguments": call.arguments},
            })),
            Part::Image(_) | Part::File { .. } | Part::ToolResult { .. } => {
                return Err(cannot("messages", NAME, "takes only texts and calls of the model"));
            }
        }
    }
    let mut message = json!({"role": "assistant", "content": text});
    if let Value::Object(fields) = &mut message {
        if !thought.is_empty() {
            fields.insert("thinking".to_owned(), json!(thought));
        }
        if !calls.is_empty() {
            fields.insert("tool_calls".to_owned(), Value::Array(calls));
        }
    }
    Ok(message)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
