//! A request for chat completions, written.

use crate::provider::conversation::{
    Conversation, Format, Image, Part, Role, Thinking, Tool, ToolChoice, Turn,
};
use crate::provider::prices;
use crate::provider::translation::refused::Untranslatable;
use crate::provider::translation::{exact, ids};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The most texts at which an answer may end.
const MOST_STOPS: usize = 4;

/// The name of a schema that has none.
const NAMELESS: &str = "answer";

/// Writes a request.
pub(super) fn request(
    conversation: &Conversation,
    model: &str,
    counts_streams: bool,
) -> Result<Bytes, Untranslatable> {
    let mut out = Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            out.insert(name.to_owned(), value);
        }
    };
    set("model", model.into());
    set("messages", Value::Array(messages(conversation)?));
    let most = if is_of_openai(model) { "max_completion_tokens" } else { "max_tokens" };
    set(most, conversation.max_tokens.into());
    for (name, number) in [
        ("temperature", &conversation.temperature),
        ("top_p", &conversation.top_p),
        ("presence_penalty", &conversation.presence_penalty),
        ("frequency_penalty", &conversation.frequency_penalty),
    ] {
        set(name, number.clone().map_or(Value::Null, Value::Number));
    }
    // Not of OpenAI itself, which says so; most compatible servers know it.
    set("top_k", conversation.top_k.into());
    set("seed", conversation.seed.into());
    match conversation.stop.len() {
        0 => {}
        1..=MOST_STOPS => set("stop", json!(conversation.stop)),
        _ => {
            let message =
                format!("the provider of this model takes at most {MOST_STOPS} texts to stop at");
            return Err(Untranslatable::unsupported("stop_sequences", message));
        }
    }
    set("response_format", conversation.format.as_ref().map_or(Value::Null, format));
    set("reasoning_effort", effort(conversation.thinking.as_ref(), model).into());
    if !conversation.tools.is_empty() {
        set("tools", conversation.tools.iter().map(tool).collect());
        set("tool_choice", conversation.tool_choice.as_ref().map_or(Value::Null, choice));
        set("parallel_tool_calls", conversation.parallel_tool_calls.into());
    }
    set("user", conversation.user.clone().into());
    if conversation.stream {
        set("stream", true.into());
        if counts_streams {
            set("stream_options", json!({"include_usage": true}));
        }
    }
    Ok(exact::written(&Value::Object(out)))
}

/// Whether a model is one of OpenAI's own, by its name: those that reason take no `max_tokens`, and
/// compatible servers often nothing else.
pub(crate) fn is_of_openai(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let own = ["gpt-", "chatgpt-", "o1", "o3", "o4", "codex-"];
    own.iter().any(|prefix| name.starts_with(prefix)) && !name.starts_with("gpt-oss")
}

/// How much is to be thought, in the words of this API. A model that is known not to think is not
/// asked to.
fn effort(thinking: Option<&Thinking>, model: &str) -> Option<String> {
    let word = match thinking? {
        // What the model does by itself.
        Thinking::Off | Thinking::Adaptive => return None,
        Thinking::Budget(0..=4_096) => "low",
        Thinking::Budget(4_097..=16_384) => "medium",
        Thinking::Budget(_) => "high",
        Thinking::Effort(word) => word,
    };
    (prices::reasons("openai", model) != Some(false)).then(|| word.to_owned())
}

fn format(format: &Format) -> Value {
    match format {
        Format::Json => json!({"type": "json_object"}),
        Format::Schema { name, schema, strict } => {
            let name = name.as_deref().unwrap_or(NAMELESS);
            let mut own = json!({"name": name, "schema": schema});
            if let (Some(strict), Some(map)) = (strict, own.as_object_mut()) {
                map.insert("strict".to_owned(), Value::from(*strict));
            }
            json!({"type": "json_schema", "json_schema": own})
        }
    }
}

fn tool(tool: &Tool) -> Value {
    let mut function = Map::new();
    function.insert("name".to_owned(), tool.name.as_str().into());
    if let Some(description) = &tool.description {
        function.insert("description".to_owned(), description.as_str().into());
    }
    function.insert("parameters".to_owned(), tool.parameters.clone());
    if let Some(strict) = tool.strict {
        function.insert("strict".to_owned(), strict.into());
    }
    json!({"type": "function", "function": function})
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

fn messages(conversation: &Conversation) -> Result<Vec<Value>, Untranslatable> {
    let last = conversation.turns.last();
    if last.is_some_and(|turn| turn.role == Role::Assistant) {
        let message = "the conversation ends with a message of the assistant, which the provider of \
                       this model cannot go on with";
        return Err(Untranslatable::unsupported("messages", message));
    }
    let system = |text: &String| json!({"role": "system", "content": text});
    let mut out: Vec<Value> = conversation.system.iter().map(system).collect();
    for turn in &conversation.turns {
        match turn.role {
            Role::System => {
                out.extend(turn.parts.iter().filter_map(|part| match part {
                    Part::Text(text) => Some(system(text)),
                    _ => None,
                }));
            }
            Role::User => user(turn, &mut out)?,
            Role::Assistant => out.push(assistant(turn)?),
        }
    }
    Ok(out)
}

/// Results of tools have messages of their own, right after the calls.
fn user(turn: &Turn, out: &mut Vec<Value>) -> Result<(), Untranslatable> {
    let mut said = Vec::new();
    for part in &turn.parts {
        let Part::ToolResult { id, content, failed } = part else { continue };
        let id = ids::call(id);
        // A result may be text only: pictures come after all results.
        let mut text = if *failed { "Error: ".to_owned() } else { String::new() };
        let mut others = Vec::new();
        for part in content {
            match part {
                Part::Text(more) => text.push_str(more),
                _ => others.push(self::part(part)?),
            }
        }
        if !others.is_empty() {
            said.push(json!({"type": "text", "text": format!("The tool call {id} gave back:")}));
            said.append(&mut others);
        }
        out.push(json!({"role": "tool", "tool_call_id": id, "content": text}));
    }
    let results = said.len();
    for part in &turn.parts {
        if !matches!(part, Part::ToolResult { .. }) {
            said.push(self::part(part)?);
        }
    }
    match (said.as_slice(), turn.parts.as_slice()) {
        ([], [_, ..]) => {}
        (_, [Part::Text(text)]) if results == 0 => {
            out.push(json!({"role": "user", "content": text}));
        }
        _ => out.push(json!({"role": "user", "content": said})),
    }
    Ok(())
}

fn part(part: &Part) -> Result<Value, Untranslatable> {
    let cannot = |what: &str| {
        let message = format!("the provider of this model takes no {what}");
        Err(Untranslatable::unsupported("messages", message))
    };
    Ok(match part {
        Part::Text(text) | Part::Refusal(text) => json!({"type": "text", "text": text}),
        Part::Image(Image::Url(url)) => json!({"type": "image_url", "image_url": {"url": url}}),
        Part::Image(Image::Inline { media_type, data }) => {
            let url = format!("data:{media_type};base64,{data}");
            json!({"type": "image_url", "image_url": {"url": url}})
        }
        Part::File { media_type, data, name } if media_type.starts_with("text/") => {
            let decoded = data_encoding::BASE64.decode(data.as_bytes()).ok();
            let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else {
                return cannot("text that is not UTF-8");
            };
            let title = name.as_ref().map(|name| format!("{name}:\n")).unwrap_or_default();
            json!({"type": "text", "text": format!("{title}{text}")})
        }
        Part::File { media_type, data, name } => {
            let url = format!("data:{media_type};base64,{data}");
            let name = name.as_deref().unwrap_or("document.pdf");
            json!({"type": "file", "file": {"filename": name, "file_data": url}})
        }
        Part::Thinking { .. } | Part::Sealed(_) | Part::ToolCall(_) | Part::ToolResult { .. } => {
            return cannot("such content here");
        }
    })
}

/// What the model thought is for the provider that made it.
fn assistant(turn: &Turn) -> Result<Value, Untranslatable> {
    let (mut text, mut refusal, mut calls) = (String::new(), None, Vec::new());
    for part in &turn.parts {
        match part {
            Part::Text(more) => text.push_str(more),
            Part::Refusal(why) => refusal = Some(why),
            Part::ToolCall(call) => calls.push(json!({
                "id": ids::call(&call.id),
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": exact::text(&call.arguments),
                },
            })),
            Part::Thinking { .. } | Part::Sealed(_) => {}
            Part::Image(_) | Part::File { .. } | Part::ToolResult { .. } => {
                let message = "the provider of this model takes only texts and calls of tools in \
                               messages of the assistant";
                return Err(Untranslatable::unsupported("messages", message));
            }
        }
    }
    let silent = text.is_empty() && (refusal.is_some() || !calls.is_empty());
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    message.insert("content".to_owned(), if silent { Value::Null } else { text.into() });
    if let Some(refusal) = refusal {
        message.insert("refusal".to_owned(), refusal.as_str().into());
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    Ok(Value::Object(message))
}
