//! A request for a response, read.

use super::items;
use crate::provider::conversation::{Conversation, Image, Part, Role, ToolCall};
use crate::provider::translation::fields::{Fields, is_nothing};
use crate::provider::translation::openai::{
    IMAGE, answer_format, arguments, choice, effort, file, forget, function, image, limits,
};
use crate::provider::translation::refused::Untranslatable;
use serde_json::{Value, json};

/// Reads a request.
pub(super) fn request(body: &[u8]) -> Result<Conversation, Untranslatable> {
    let mut fields = Fields::of_body(body)?;
    let mut out = Conversation { stream_usage: true, ..Conversation::default() };
    fields.hints(&["model", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"]);
    fields.hints(&["stream_options"]);
    out.system.extend(fields.text("instructions")?);
    match fields.take("input") {
        None => {}
        Some(Value::String(text)) => out.say(Role::User, [Part::Text(text)]),
        Some(Value::Array(items)) => {
            for (n, item) in items.into_iter().enumerate() {
                self::item(&mut out, Fields::of(item, format!("input[{n}]"))?)?;
            }
        }
        Some(_) => return Err(fields.wrong("input", "must be a string or an array")),
    }
    for name in ["previous_response_id", "conversation"] {
        if fields.take(name).is_some() {
            let what = "names what is kept elsewhere: the provider of this model needs the whole conversation as `input`";
            return Err(fields.unsupported(name, what));
        }
    }
    forget(&mut fields)?;
    limits(&mut fields, &mut out)?;
    for name in ["background", "prompt", "max_tool_calls", "context_management", "access_programs"]
    {
        fields.nothing_but(name, is_nothing)?;
    }
    fields.nothing_but("truncation", |how| how == "disabled")?;
    let sealed = |what: &Value| what == "reasoning.encrypted_content";
    fields.nothing_but("include", |list| list.as_array().is_some_and(|l| l.iter().all(sealed)))?;
    out.max_tokens = fields.count("max_output_tokens")?;
    if let Some(mut reasoning) = fields.object("reasoning")? {
        reasoning.hints(&["summary", "generate_summary"]);
        out.thinking = reasoning.text("effort")?.map(effort);
        reasoning.end()?;
    }
    if let Some(mut text) = fields.object("text")? {
        text.nothing_but("verbosity", |v| v == "medium")?;
        if let Some(format) = text.object("format")? {
            out.format = answer_format(format, None)?;
        }
        text.end()?;
    }
    for (n, tool) in fields.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        let mut tool = Fields::of(tool, format!("tools[{n}]"))?;
        if tool.need_text("type")? != "function" {
            return Err(
                tool.unsupported("type", "is a tool that the provider of this model does not have")
            );
        }
        out.tools.push(function(tool)?);
    }
    out.tool_choice = choice(&mut fields, None)?;
    fields.end()?;
    out.settle();
    Ok(out)
}

fn item(out: &mut Conversation, mut fields: Fields) -> Result<(), Untranslatable> {
    fields.hints(&["id", "status", "phase"]);
    match fields.text("type")?.as_deref() {
        None | Some("message") => message(out, &mut fields)?,
        Some("function_call") => {
            fields.hints(&["caller"]);
            let id = fields.need_text("call_id")?;
            let name = fields.need_name("name")?;
            let text = fields.text("arguments")?.unwrap_or_default();
            let Some(arguments) = arguments(&text) else {
                return Err(fields.wrong("arguments", "must be a JSON object as a string"));
            };
            out.say(Role::Assistant, [Part::ToolCall(ToolCall { id, name, arguments })]);
        }
        Some("function_call_output") => {
            fields.hints(&["caller"]);
            let id = fields.need_text("call_id")?;
            let content = content(&mut fields, "output")?;
            out.say(Role::User, [Part::ToolResult { id, content, failed: false }]);
        }
        Some("reasoning") => {
            let sealed = fields.text("encrypted_content")?;
            let mut text = String::new();
            for name in ["summary", "content"] {
                for part in fields.list(name)?.unwrap_or_default() {
                    text.push_str(part.get("text").and_then(Value::as_str).unwrap_or_default());
                }
            }
            let part = sealed.as_deref().and_then(items::unsealed);
            let unsigned = || Part::Thinking { text, signature: None };
            out.say(Role::Assistant, [part.unwrap_or_else(unsigned)]);
        }
        Some(_) => return Err(fields.cannot("type")),
    }
    fields.end()
}

fn message(out: &mut Conversation, fields: &mut Fields) -> Result<(), Untranslatable> {
    let role = fields.need_text("role")?;
    let parts = content(fields, "content")?;
    match role.as_str() {
        "user" => out.say(Role::User, parts),
        "assistant" => out.say(Role::Assistant, parts),
        "system" | "developer" => {
            for part in parts {
                let Part::Text(text) = part else {
                    return Err(fields.wrong("content", "must be text"));
                };
                if out.turns.is_empty() {
                    out.system.push(text);
                } else {
                    out.say(Role::System, [Part::Text(text)]);
                }
            }
        }
        _ => {
            return Err(
                fields.wrong("role", "must be `user`, `assistant`, `system` or `developer`")
            );
        }
    }
    Ok(())
}

fn content(fields: &mut Fields, name: &str) -> Result<Vec<Part>, Untranslatable> {
    let place = fields.place(name);
    match fields.take(name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::Text(text)]),
        Some(Value::Array(parts)) => parts
            .into_iter()
            .enumerate()
            .map(|(n, part)| self::part(Fields::of(part, format!("{place}[{n}]"))?))
            .collect(),
        Some(_) => Err(fields.wrong(name, "must be a string or an array")),
    }
}

fn part(mut fields: Fields) -> Result<Part, Untranslatable> {
    fields.hints(&["prompt_cache_breakpoint", "detail"]);
    let part = match fields.need_text("type")?.as_str() {
        "input_text" => Part::Text(fields.need_text("text")?),
        "output_text" => {
            fields.hints(&["annotations", "logprobs"]);
            Part::Text(fields.need_text("text")?)
        }
        "refusal" => Part::Refusal(fields.need_text("refusal")?),
        "input_image" => {
            if fields.take("file_id").is_some() {
                return Err(fields.cannot("file_id"));
            }
            let image: Option<Image> = image(fields.need_text("image_url")?);
            Part::Image(image.ok_or_else(|| fields.wrong("image_url", IMAGE))?)
        }
        "input_file" => return file(fields),
        _ => return Err(fields.cannot("type")),
    };
    fields.end()?;
    Ok(part)
}

/// The names of what the client may choose, for showing them in the answer.
pub(super) fn shown_choice(conversation: &Conversation) -> Value {
    use crate::provider::conversation::ToolChoice;
    match &conversation.tool_choice {
        None | Some(ToolChoice::Auto) => "auto".into(),
        Some(ToolChoice::None) => "none".into(),
        Some(ToolChoice::Required) => "required".into(),
        Some(ToolChoice::Named(name)) => json!({"type": "function", "name": name}),
    }
}
