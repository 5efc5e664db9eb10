//! A request for chat completions, read.

use crate::provider::conversation::{
    Conversation, Format, Image, Part, Role, Thinking, Tool, ToolCall, ToolChoice,
};
use crate::provider::translation::fields::{Fields, is_nothing};
use crate::provider::translation::refused::Untranslatable;
use crate::provider::translation::{exact, ids};
use serde_json::{Map, Value, json};

/// Reads a request.
pub(super) fn request(body: &[u8]) -> Result<Conversation, Untranslatable> {
    let mut fields = Fields::of_body(body)?;
    let mut out = Conversation::default();
    fields.hints(&["model", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"]);
    let messages = fields.list("messages")?.unwrap_or_default();
    for (n, message) in messages.into_iter().enumerate() {
        self::message(&mut out, Fields::of(message, format!("messages[{n}]"))?)?;
    }
    forget(&mut fields)?;
    limits(&mut fields, &mut out)?;
    for name in ["functions", "function_call"] {
        if fields.take(name).is_some_and(|value| !is_nothing(&value)) {
            return Err(fields.unsupported(name, "is the old way to name tools: use `tools`"));
        }
    }
    out.max_tokens = fields.count("max_tokens")?;
    if let Some(most) = fields.count("max_completion_tokens")? {
        out.max_tokens = Some(most);
    }
    out.top_k = fields.count("top_k")?;
    out.presence_penalty = fields.number("presence_penalty")?;
    out.frequency_penalty = fields.number("frequency_penalty")?;
    out.seed = fields.whole("seed")?;
    out.stop = fields.texts("stop")?;
    out.thinking = fields.text("reasoning_effort")?.map(effort);
    if let Some(options) = &mut fields.object("stream_options")? {
        out.stream_usage = options.flag("include_usage")?.unwrap_or(false);
    }
    if let Some(format) = fields.object("response_format")? {
        out.format = answer_format(format, Some("json_schema"))?;
    }
    for (n, tool) in fields.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        let mut tool = Fields::of(tool, format!("tools[{n}]"))?;
        if tool.need_text("type")? != "function" {
            return Err(tool.cannot("type"));
        }
        out.tools.push(function(tool.need_object("function")?)?);
        tool.end()?;
    }
    out.tool_choice = choice(&mut fields, Some("function"))?;
    fields.end()?;
    out.settle();
    Ok(out)
}

/// What this API has and no other: fine as long as it asks for what happens anyway.
pub(in super::super) fn forget(fields: &mut Fields) -> Result<(), Untranslatable> {
    fields.nothing_but("n", |n| n.as_u64() == Some(1))?;
    fields.nothing_but("modalities", |kinds| *kinds == json!(["text"]))?;
    let usual = ["auto", "default"];
    fields.nothing_but("service_tier", |t| t.as_str().is_some_and(|t| usual.contains(&t)))?;
    fields.nothing_but("verbosity", |v| v == "medium")?;
    for name in [
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "audio",
        "prediction",
        "store",
        "metadata",
        "web_search_options",
        "moderation",
    ] {
        fields.nothing_but(name, is_nothing)?;
    }
    Ok(())
}

/// What chat completions and responses have in common.
pub(in super::super) fn limits(
    fields: &mut Fields,
    out: &mut Conversation,
) -> Result<(), Untranslatable> {
    out.temperature = fields.up_to("temperature", 2)?;
    out.top_p = fields.up_to("top_p", 1)?;
    out.parallel_tool_calls = fields.flag("parallel_tool_calls")?;
    let user = fields.text("user")?;
    out.user = fields.text("safety_identifier")?.or(user);
    out.stream = fields.flag("stream")?.unwrap_or(false);
    Ok(())
}

pub(in super::super) fn effort(word: String) -> Thinking {
    match word.as_str() {
        "none" => Thinking::Off,
        _ => Thinking::Effort(word),
    }
}

/// `response_format`; the schema stands `below` a field of its own, or beside the type.
pub(in super::super) fn answer_format(
    mut format: Fields,
    below: Option<&str>,
) -> Result<Option<Format>, Untranslatable> {
    let kind = format.need_text("type")?;
    let read = match kind.as_str() {
        "text" => None,
        "json_object" => Some(Format::Json),
        "json_schema" => {
            let mut own = below.map(|below| format.need_object(below)).transpose()?;
            let named = own.as_mut().unwrap_or(&mut format);
            named.hints(&["description"]);
            let read = Format::Schema {
                name: named.text("name")?,
                strict: named.flag("strict")?,
                schema: named.take("schema").unwrap_or_else(|| json!({"type": "object"})),
            };
            own.map_or(Ok(()), Fields::end)?;
            Some(read)
        }
        _ => return Err(format.cannot("type")),
    };
    format.end()?;
    Ok(read)
}

/// A function that may be called.
pub(in super::super) fn function(mut fields: Fields) -> Result<Tool, Untranslatable> {
    let tool = Tool {
        name: fields.need_name("name")?,
        description: fields.text("description")?,
        parameters: fields
            .take("parameters")
            .unwrap_or_else(|| json!({"type": "object", "properties": {}})),
        strict: fields.flag("strict")?,
    };
    fields.end()?;
    Ok(tool)
}

/// `tool_choice`; the name of a function stands `below` a field of its own, or beside the type.
pub(in super::super) fn choice(
    fields: &mut Fields,
    below: Option<&str>,
) -> Result<Option<ToolChoice>, Untranslatable> {
    let place = fields.place("tool_choice");
    let Some(value) = fields.take("tool_choice") else { return Ok(None) };
    if let Value::String(word) = &value {
        return Ok(Some(match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            _ => {
                return Err(
                    fields.wrong("tool_choice", "must be `auto`, `none`, `required` or a function")
                );
            }
        }));
    }
    let mut named = Fields::of(value, place)?;
    if named.need_text("type")? != "function" {
        return Err(named.cannot("type"));
    }
    let name = match below {
        Some(below) => named.need_object(below)?.need_text("name")?,
        None => named.need_text("name")?,
    };
    Ok(Some(ToolChoice::Named(name)))
}

fn message(out: &mut Conversation, mut fields: Fields) -> Result<(), Untranslatable> {
    let role = fields.need_text("role")?;
    fields.nothing_but("name", |name| name == "")?;
    match role.as_str() {
        "system" | "developer" => {
            for text in texts(&mut fields)? {
                if out.turns.is_empty() {
                    out.system.push(text);
                } else {
                    out.say(Role::System, [Part::Text(text)]);
                }
            }
        }
        "user" => {
            if !fields.has("content") {
                return Err(fields.wrong("content", "is missing"));
            }
            out.say(Role::User, content(&mut fields)?);
        }
        "assistant" => assistant(out, &mut fields)?,
        "tool" => {
            let id = fields.need_text("tool_call_id")?;
            let content = texts(&mut fields)?.into_iter().map(Part::Text).collect();
            out.say(Role::User, [Part::ToolResult { id, content, failed: false }]);
        }
        _ => {
            return Err(fields
                .wrong("role", "must be `system`, `developer`, `user`, `assistant` or `tool`"));
        }
    }
    fields.end()
}

fn assistant(out: &mut Conversation, fields: &mut Fields) -> Result<(), Untranslatable> {
    // What an answer has, and its message when it is sent back.
    fields.hints(&["annotations"]);
    fields.nothing_but("audio", is_nothing)?;
    fields.nothing_but("function_call", is_nothing)?;
    let mut thought = fields.text("reasoning_content")?;
    thought = fields.text("reasoning")?.or(thought);
    let blocks = fields.list("thinking_blocks")?.unwrap_or_default();
    let place = fields.place("thinking_blocks");
    let mut parts = Vec::new();
    if blocks.is_empty()
        && let Some(text) = thought.filter(|text| !text.is_empty())
    {
        parts.push(Part::Thinking { text, signature: None });
    }
    for (n, block) in blocks.into_iter().enumerate() {
        parts.push(thinking(Fields::of(block, format!("{place}[{n}]"))?)?);
    }
    parts.extend(content(fields)?);
    parts.extend(fields.text("refusal")?.map(Part::Refusal));
    for (n, call) in fields.list("tool_calls")?.unwrap_or_default().into_iter().enumerate() {
        let mut call = Fields::of(call, format!("{}[{n}]", fields.place("tool_calls")))?;
        call.hints(&["index"]);
        if call.text("type")?.is_some_and(|kind| kind != "function") {
            return Err(call.cannot("type"));
        }
        let id = call.need_text("id")?;
        let mut function = call.need_object("function")?;
        let name = function.need_name("name")?;
        let text = function.text("arguments")?.unwrap_or_default();
        let Some(arguments) = arguments(&text) else {
            return Err(function.wrong("arguments", "must be a JSON object as a string"));
        };
        function.end()?;
        call.end()?;
        parts.push(Part::ToolCall(ToolCall { id, name, arguments }));
    }
    out.say(Role::Assistant, parts);
    Ok(())
}

/// A thought as it was told to the client, which sends it back.
fn thinking(mut block: Fields) -> Result<Part, Untranslatable> {
    block.hints(&["cache_control"]);
    let part = match block.need_text("type")?.as_str() {
        "thinking" => Part::Thinking {
            text: block.text("thinking")?.unwrap_or_default(),
            signature: block.text("signature")?.filter(|s| !s.is_empty()),
        },
        "redacted_thinking" => Part::Sealed(block.need_text("data")?),
        _ => return Err(block.cannot("type")),
    };
    block.end()?;
    Ok(part)
}

/// The arguments of a call from their text; none at all are an empty object.
pub(in super::super) fn arguments(text: &str) -> Option<Map<String, Value>> {
    if text.trim().is_empty() {
        return Some(Map::new());
    }
    exact::object(text)
}

/// Content that is made of texts only.
fn texts(fields: &mut Fields) -> Result<Vec<String>, Untranslatable> {
    content(fields)?
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => Ok(text),
            _ => Err(fields.wrong("content", "must be text")),
        })
        .collect()
}

fn content(fields: &mut Fields) -> Result<Vec<Part>, Untranslatable> {
    let place = fields.place("content");
    match fields.take("content") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::Text(text)]),
        Some(Value::Array(parts)) => parts
            .into_iter()
            .enumerate()
            .map(|(n, part)| self::part(Fields::of(part, format!("{place}[{n}]"))?))
            .collect(),
        Some(_) => Err(fields.wrong("content", "must be a string or an array")),
    }
}

fn part(mut fields: Fields) -> Result<Part, Untranslatable> {
    // Where a cache may cut, which changes nothing about the answer.
    fields.hints(&["cache_control", "prompt_cache_breakpoint"]);
    let part = match fields.need_text("type")?.as_str() {
        "text" => Part::Text(fields.need_text("text")?),
        "refusal" => Part::Refusal(fields.need_text("refusal")?),
        "image_url" => {
            let mut image = fields.need_object("image_url")?;
            image.hints(&["detail"]);
            let url = image.need_text("url")?;
            let part = Part::Image(self::image(url).ok_or_else(|| image.wrong("url", IMAGE))?);
            image.end()?;
            part
        }
        "file" => file(fields.need_object("file")?)?,
        _ => return Err(fields.cannot("type")),
    };
    fields.end()?;
    Ok(part)
}

/// What the address of a picture must be.
pub(in super::super) const IMAGE: &str = "must be an `https:` or base64 `data:` URL";

/// A picture from its address.
pub(in super::super) fn image(url: String) -> Option<Image> {
    if let Some((media_type, data)) = ids::data_url(&url) {
        return Some(Image::Inline { media_type, data });
    }
    ids::is_fetched(&url).then_some(Image::Url(url))
}

/// A document in the request.
pub(in super::super) fn file(mut fields: Fields) -> Result<Part, Untranslatable> {
    for name in ["file_id", "file_url"] {
        if fields.take(name).is_some() {
            return Err(fields.unsupported(
                name,
                "cannot be read by the provider of this model: send `file_data`",
            ));
        }
    }
    let name = fields.text("filename")?;
    let data = fields.need_text("file_data")?;
    let Some((media_type, data)) = ids::data_url(&data) else {
        return Err(fields.wrong("file_data", "must be a base64 `data:` URL"));
    };
    fields.end()?;
    Ok(Part::File { media_type, data, name })
}
