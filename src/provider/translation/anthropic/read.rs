//! A request for messages, read.

use super::blocks;
use crate::provider::conversation::{Conversation, Format, Part, Role, Thinking, Tool, ToolChoice};
use crate::provider::translation::fields::{Fields, is_nothing};
use crate::provider::translation::refused::Untranslatable;
use serde_json::{Value, json};

/// Reads a request.
pub(super) fn request(body: &[u8]) -> Result<Conversation, Untranslatable> {
    let mut fields = Fields::of_body(body)?;
    // Where a cache may cut, and what is told about it.
    fields.hints(&["model", "cache_control", "diagnostics"]);
    let mut out = Conversation {
        max_tokens: fields.count("max_tokens")?,
        temperature: fields.up_to("temperature", 1)?,
        top_p: fields.up_to("top_p", 1)?,
        top_k: fields.count("top_k")?,
        stop: stops(&mut fields)?,
        stream: fields.flag("stream")?.unwrap_or(false),
        // This family tells the counts always.
        stream_usage: true,
        ..Conversation::default()
    };
    out.system = match fields.take("system") {
        None => Vec::new(),
        Some(system) => texts(system, "system")?,
    };
    let messages = fields.list("messages")?.unwrap_or_default();
    for (n, message) in messages.into_iter().enumerate() {
        self::message(&mut out, Fields::of(message, format!("messages[{n}]"))?)?;
    }
    for (n, tool) in fields.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        out.tools.push(self::tool(Fields::of(tool, format!("tools[{n}]"))?)?);
    }
    if let Some(choice) = fields.object("tool_choice")? {
        self::choice(&mut out, choice)?;
    }
    if let Some(thinking) = fields.object("thinking")? {
        out.thinking = self::thinking(thinking)?;
    }
    if let Some(mut config) = fields.object("output_config")? {
        if let Some(effort) = config.text("effort")?
            && out.thinking != Some(Thinking::Off)
        {
            out.thinking = Some(Thinking::Effort(effort));
        }
        out.format = config.object("format")?.map(format).transpose()?;
        config.end()?;
    }
    // As it was called while it was tried out.
    if let Some(own) = fields.object("output_format")? {
        out.format = Some(format(own)?);
    }
    if let Some(mut metadata) = fields.object("metadata")? {
        out.user = metadata.text("user_id")?;
        metadata.end()?;
    }
    // What only this family has: fine as long as it asks for what happens anyway.
    fields.nothing_but("service_tier", |t| t == "auto" || t == "standard_only")?;
    fields.nothing_but("speed", |speed| speed == "standard")?;
    fields.nothing_but("context_management", drops_thoughts_only)?;
    for name in ["container", "mcp_servers", "inference_geo", "user_profile_id", "prefill"] {
        fields.nothing_but(name, is_nothing)?;
    }
    fields.end()?;
    out.settle();
    Ok(out)
}

/// Whether what is to be taken out of the conversation are thoughts, which do not cross anyway.
fn drops_thoughts_only(management: &Value) -> bool {
    let kind = |edit: &Value| {
        edit.get("type").and_then(Value::as_str).is_some_and(|t| t.starts_with("clear_thinking"))
    };
    let edits = management.get("edits").and_then(Value::as_array);
    is_nothing(management) || edits.is_some_and(|edits| edits.iter().all(kind))
}

/// Texts at which the answer ends: this family takes a list only.
fn stops(fields: &mut Fields) -> Result<Vec<String>, Untranslatable> {
    let texts = fields.list("stop_sequences")?.unwrap_or_default();
    let texts: Option<_> = texts.iter().map(|text| text.as_str().map(str::to_owned)).collect();
    texts.ok_or_else(|| fields.wrong("stop_sequences", "must be an array of strings"))
}

/// Texts: a string, or blocks of text.
fn texts(value: Value, at: &str) -> Result<Vec<String>, Untranslatable> {
    let parts = blocks::content(value, at)?;
    let text = |part| match part {
        Part::Text(text) => Ok(text),
        _ => Err(Untranslatable::malformed(at, format!("`{at}` must be text"))),
    };
    parts.into_iter().map(text).collect()
}

fn message(out: &mut Conversation, mut fields: Fields) -> Result<(), Untranslatable> {
    let place = fields.place("content");
    let content = fields.take("content").ok_or_else(|| fields.wrong("content", "is missing"))?;
    match fields.need_text("role")?.as_str() {
        "user" => out.say(Role::User, blocks::content(content, &place)?),
        "assistant" => out.say(Role::Assistant, blocks::content(content, &place)?),
        "system" => {
            for text in texts(content, &place)? {
                if out.turns.is_empty() {
                    out.system.push(text);
                } else {
                    out.say(Role::System, [Part::Text(text)]);
                }
            }
        }
        _ => return Err(fields.wrong("role", "must be `user` or `assistant`")),
    }
    fields.end()
}

fn tool(mut fields: Fields) -> Result<Tool, Untranslatable> {
    fields.hints(&["cache_control", "eager_input_streaming"]);
    if fields.text("type")?.is_some_and(|kind| kind != "custom") {
        return Err(fields.unsupported("type", "is a tool that only Anthropic runs or knows"));
    }
    fields.nothing_but("defer_loading", is_nothing)?;
    fields.nothing_but("allowed_callers", |callers| *callers == json!(["direct"]))?;
    fields.nothing_but("input_examples", is_nothing)?;
    let tool = Tool {
        name: fields.need_name("name")?,
        description: fields.text("description")?,
        parameters: fields
            .take("input_schema")
            .ok_or_else(|| fields.wrong("input_schema", "is missing"))?,
        strict: fields.flag("strict")?,
    };
    fields.end()?;
    Ok(tool)
}

fn choice(out: &mut Conversation, mut fields: Fields) -> Result<(), Untranslatable> {
    out.tool_choice = Some(match fields.need_text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(fields.need_text("name")?),
        _ => return Err(fields.wrong("type", "must be `auto`, `any`, `tool` or `none`")),
    });
    out.parallel_tool_calls = fields.flag("disable_parallel_tool_use")?.map(|disabled| !disabled);
    fields.end()
}

fn thinking(mut fields: Fields) -> Result<Option<Thinking>, Untranslatable> {
    // How thoughts are shown: as they come.
    fields.hints(&["display"]);
    let thinking = match fields.need_text("type")?.as_str() {
        "disabled" => Thinking::Off,
        "adaptive" | "between_tools" => Thinking::Adaptive,
        "enabled" => {
            let budget = fields.count("budget_tokens")?;
            Thinking::Budget(budget.ok_or_else(|| fields.wrong("budget_tokens", "is missing"))?)
        }
        _ => return Err(fields.cannot("type")),
    };
    fields.end()?;
    Ok(Some(thinking))
}

/// What this family promises of a schema is what the other one calls strict.
fn format(mut fields: Fields) -> Result<Format, Untranslatable> {
    if fields.need_text("type")? != "json_schema" {
        return Err(fields.cannot("type"));
    }
    let schema = fields.take("schema").ok_or_else(|| fields.wrong("schema", "is missing"))?;
    fields.end()?;
    Ok(Format::Schema { name: None, schema, strict: Some(true) })
}
