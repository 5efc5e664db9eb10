//! A request for messages, written.

use super::thinking;
use crate::provider::conversation::{
    Conversation, Format, Image, Part, Role, Tool, ToolChoice, Turn,
};
use crate::provider::translation::refused::Untranslatable;
use crate::provider::translation::{exact, ids};
use crate::provider::{foreign, prices};
use bytes::Bytes;
use serde_json::{Map, Number, Value, json};

/// The most tokens of an answer where the client names none and the model is not listed: this
/// family demands a number, and every model of it takes this one.
const MOST_TOKENS: u64 = 4_096;

/// Writes a request.
pub(super) fn request(conversation: &Conversation, model: &str) -> Result<Bytes, Untranslatable> {
    let mut out = Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            out.insert(name.to_owned(), value);
        }
    };
    let usual = || prices::most_output("anthropic", model).unwrap_or(MOST_TOKENS);
    let most = conversation.max_tokens.unwrap_or_else(usual);
    set("model", model.into());
    set("max_tokens", most.into());
    set("system", system(conversation));
    set("messages", Value::Array(messages(conversation)?));
    set("temperature", temperature(conversation.temperature.as_ref())?);
    set("top_p", conversation.top_p.clone().map_or(Value::Null, Value::Number));
    set("top_k", conversation.top_k.into());
    for (name, penalty) in [
        ("presence_penalty", &conversation.presence_penalty),
        ("frequency_penalty", &conversation.frequency_penalty),
    ] {
        if penalty.as_ref().is_some_and(|n| n.as_f64() != Some(0.0)) {
            return Err(cannot(name, "has no penalties"));
        }
    }
    if conversation.seed.is_some() {
        return Err(cannot("seed", "does not repeat its answers"));
    }
    if !conversation.stop.is_empty() {
        set("stop_sequences", json!(conversation.stop));
    }
    if !conversation.tools.is_empty() {
        set("tools", conversation.tools.iter().map(tool).collect());
        set("tool_choice", choice(conversation));
    }
    let (thinking, effort) = thinking::asked(conversation, model, most);
    set("thinking", thinking);
    set("output_config", output(conversation.format.as_ref(), effort)?);
    if let Some(user) = &conversation.user {
        set("metadata", json!({"user_id": user}));
    }
    if conversation.stream {
        set("stream", true.into());
    }
    Ok(exact::written(&Value::Object(out)))
}

fn cannot(param: &str, what: &str) -> Untranslatable {
    let message = format!("the provider of this model {what}: leave out `{param}`");
    Untranslatable::unsupported(param, message)
}

/// The instructions; those from the midst of the conversation come with them, as most models take
/// them nowhere else.
fn system(conversation: &Conversation) -> Value {
    let later = conversation.turns.iter().filter(|turn| turn.role == Role::System);
    let later = later.flat_map(|turn| &turn.parts).filter_map(|part| match part {
        Part::Text(text) => Some(text),
        _ => None,
    });
    let texts: Vec<&String> =
        conversation.system.iter().chain(later).filter(|text| !text.is_empty()).collect();
    match texts.as_slice() {
        [] => Value::Null,
        [text] => Value::from(text.as_str()),
        texts => texts.iter().map(|text| json!({"type": "text", "text": text})).collect(),
    }
}

/// The scale ends at 1 here, and what lies above is nothing that this family could do.
fn temperature(number: Option<&Number>) -> Result<Value, Untranslatable> {
    match number {
        None => Ok(Value::Null),
        Some(number) if number.as_f64().is_some_and(|n| n > 1.0) => {
            let message = "`temperature` is at most 1 at the provider of this model";
            Err(Untranslatable::unsupported("temperature", message))
        }
        Some(number) => Ok(Value::Number(number.clone())),
    }
}

fn tool(tool: &Tool) -> Value {
    let mut out = Map::new();
    out.insert("name".to_owned(), tool.name.as_str().into());
    if let Some(description) = &tool.description {
        out.insert("description".to_owned(), description.as_str().into());
    }
    let mut schema = tool.parameters.clone();
    if let Some(map) = schema.as_object_mut() {
        map.entry("type").or_insert_with(|| "object".into());
    }
    out.insert("input_schema".to_owned(), schema);
    if tool.strict == Some(true) {
        out.insert("strict".to_owned(), true.into());
    }
    Value::Object(out)
}

fn choice(conversation: &Conversation) -> Value {
    let single = conversation.parallel_tool_calls == Some(false);
    let mut choice = match &conversation.tool_choice {
        None if single => json!({"type": "auto"}),
        None => return Value::Null,
        Some(ToolChoice::None) => return json!({"type": "none"}),
        Some(ToolChoice::Auto) => json!({"type": "auto"}),
        Some(ToolChoice::Required) => json!({"type": "any"}),
        Some(ToolChoice::Named(name)) => json!({"type": "tool", "name": name}),
    };
    if let (true, Some(map)) = (single, choice.as_object_mut()) {
        map.insert("disable_parallel_tool_use".to_owned(), true.into());
    }
    choice
}

fn output(format: Option<&Format>, effort: Value) -> Result<Value, Untranslatable> {
    let mut out = Map::new();
    if !effort.is_null() {
        out.insert("effort".to_owned(), effort);
    }
    match format {
        None => {}
        Some(Format::Json) => {
            let message =
                "the provider of this model answers in JSON only by a schema: use `json_schema`";
            return Err(Untranslatable::unsupported("response_format", message));
        }
        Some(Format::Schema { schema, .. }) => {
            out.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema}));
        }
    }
    Ok(if out.is_empty() { Value::Null } else { Value::Object(out) })
}

fn messages(conversation: &Conversation) -> Result<Vec<Value>, Untranslatable> {
    let mut out: Vec<(&str, Vec<Value>)> = Vec::new();
    for turn in &conversation.turns {
        let role = match turn.role {
            Role::System => continue,
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let content = content(turn)?;
        // Turns with nothing in them are none here.
        if content.is_empty() && turn.role == Role::Assistant {
            continue;
        }
        match out.last_mut().filter(|(last, _)| *last == role) {
            Some((_, before)) => before.extend(content),
            None => out.push((role, content)),
        }
    }
    let message = |(role, content): (&str, Vec<Value>)| json!({"role": role, "content": content});
    Ok(out.into_iter().map(message).collect())
}

fn content(turn: &Turn) -> Result<Vec<Value>, Untranslatable> {
    let mut out = Vec::new();
    for part in &turn.parts {
        match part {
            // Empty ones are refused, and what is not signed is not known there.
            Part::Text(text) | Part::Refusal(text) if text.is_empty() => {}
            Part::Thinking { signature: None, .. } => {}
            Part::Thinking { signature: Some(signature), .. }
                if foreign::is_of_another(signature) => {}
            Part::Image(_) | Part::File { .. } | Part::ToolResult { .. }
                if turn.role == Role::Assistant =>
            {
                let message = "the provider of this model takes only texts, thoughts and calls of \
                               tools in messages of the assistant";
                return Err(Untranslatable::unsupported("messages", message));
            }
            part => out.push(self::part(part)?),
        }
    }
    Ok(out)
}

fn part(part: &Part) -> Result<Value, Untranslatable> {
    Ok(match part {
        Part::Text(text) | Part::Refusal(text) => json!({"type": "text", "text": text}),
        Part::Image(Image::Url(url)) => {
            json!({"type": "image", "source": {"type": "url", "url": url}})
        }
        Part::Image(Image::Inline { media_type, data }) => {
            json!({"type": "image", "source": base64(media_type, data)})
        }
        Part::File { media_type, data, name } => {
            let source = if media_type.starts_with("text/") {
                let text = data_encoding::BASE64.decode(data.as_bytes()).ok();
                let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
                let text =
                    text.ok_or_else(|| document("a text document is not UTF-8 in base64"))?;
                json!({"type": "text", "media_type": "text/plain", "data": text})
            } else if media_type == "application/pdf" {
                base64(media_type, data)
            } else {
                return Err(document(
                    "the provider of this model reads documents in PDF and text only",
                ));
            };
            let mut block = json!({"type": "document", "source": source});
            if let (Some(name), Some(map)) = (name, block.as_object_mut()) {
                map.insert("title".to_owned(), name.as_str().into());
            }
            block
        }
        Part::Thinking { text, signature } => {
            json!({"type": "thinking", "thinking": text, "signature": signature})
        }
        Part::Sealed(data) => json!({"type": "redacted_thinking", "data": data}),
        Part::ToolCall(call) => json!({
            "type": "tool_use",
            "id": ids::call(&call.id),
            "name": call.name,
            "input": call.arguments,
        }),
        Part::ToolResult { id, content, failed } => {
            let mut parts = Vec::new();
            for part in content {
                if !matches!(part, Part::Text(text) if text.is_empty()) {
                    parts.push(self::part(part)?);
                }
            }
            let mut block = json!({"type": "tool_result", "tool_use_id": ids::call(id)});
            if let Some(map) = block.as_object_mut() {
                match content.as_slice() {
                    [Part::Text(text)] => map.insert("content".to_owned(), text.as_str().into()),
                    _ => map.insert("content".to_owned(), Value::Array(parts)),
                };
                if *failed {
                    map.insert("is_error".to_owned(), true.into());
                }
            }
            block
        }
    })
}

fn base64(media_type: &str, data: &str) -> Value {
    json!({"type": "base64", "media_type": media_type, "data": data})
}

fn document(what: &str) -> Untranslatable {
    Untranslatable::unsupported("messages", what)
}
