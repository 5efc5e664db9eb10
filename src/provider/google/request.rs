//! Conversations as Gemini wants them asked.

use super::reply::SIGNED;
use super::schema::for_google;
use crate::provider::conversation::{
    Conversation, Format, Image, Part, Role, Thinking, Tool, ToolChoice, Turn,
};
use crate::provider::native::{Calls, cannot, plain_text, texts};
use crate::provider::translation::{Untranslatable, exact};
use serde_json::{Map, Value, json};

/// In error texts.
const NAME: &str = "Gemini";

/// Stands in the place of a signature where the call was made by another provider, or by a client
/// whose API cannot carry one (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
const UNSIGNED: &str = "skip_thought_signature_validator";

/// The texts at which an answer may be told to end.
const STOPS: usize = 5;

/// The body of the request for `model`.
///
/// # Errors
/// Gemini has no such thing as what is asked for.
pub(super) fn write(asked: &Conversation, model: &str) -> Result<Value, Untranslatable> {
    let generation = Generation::of(model);
    let mut body = Map::new();
    // It has one place for what the application says, whenever it says it.
    let later = asked.turns.iter().filter(|turn| turn.role == Role::System).map(texts);
    let system: Vec<String> = asked.system.iter().cloned().chain(later).collect();
    if !system.is_empty() {
        let parts: Vec<Value> = system.iter().map(|text| json!({"text": text})).collect();
        body.insert("systemInstruction".to_owned(), json!({"parts": parts}));
    }
    body.insert("contents".to_owned(), Value::Array(contents(asked, generation)?));
    if !asked.tools.is_empty() {
        let functions: Vec<Value> = asked.tools.iter().map(declaration).collect();
        body.insert("tools".to_owned(), json!([{"functionDeclarations": functions}]));
        if asked.parallel_tool_calls == Some(false) {
            let what = "may call several tools at once, and cannot be told not to";
            return Err(cannot("parallel_tool_calls", NAME, what));
        }
        if let Some(choice) = &asked.tool_choice {
            let config = match choice {
                ToolChoice::Auto => json!({"mode": "AUTO"}),
                ToolChoice::None => json!({"mode": "NONE"}),
                ToolChoice::Required => json!({"mode": "ANY"}),
                ToolChoice::Named(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
            };
            body.insert("toolConfig".to_owned(), json!({"functionCallingConfig": config}));
        }
    }
    let config = config(asked, generation)?;
    if !config.is_empty() {
        body.insert("generationConfig".to_owned(), Value::Object(config));
    }
    Ok(Value::Object(body))
}

fn declaration(tool: &Tool) -> Value {
    let mut out = Map::new();
    out.insert("name".to_owned(), json!(tool.name));
    // It must be there.
    out.insert("description".to_owned(), json!(tool.description.as_deref().unwrap_or_default()));
    let parameters = for_google(&tool.parameters);
    // An object without properties is refused; without parameters the function takes none.
    let takes = parameters.get("properties").and_then(Value::as_object);
    let empty = takes.is_none_or(Map::is_empty)
        && ["anyOf", "oneOf", "$ref", "additionalProperties"]
            .iter()
            .all(|word| matches!(parameters.get(word), None | Some(Value::Bool(false))));
    if !empty {
        out.insert("parametersJsonSchema".to_owned(), parameters);
    }
    Value::Object(out)
}

/// What a model's name says of what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Generation {
    /// It does not think: 1.x and 2.0.
    Plain,
    /// It thinks for so many tokens: 2.5.
    Budgets,
    /// It thinks on a level, and wants its signatures back: 3 and later, and what has no number.
    Levels,
}

impl Generation {
    fn of(model: &str) -> Self {
        let model = model.rsplit('/').next().unwrap_or(model);
        let Some(version) = model.strip_prefix("gemini-") else { return Self::Plain };
        let mut numbers = version.split('-').next().unwrap_or_default().split('.');
        let major = numbers.next().and_then(|n| n.parse::<u32>().ok());
        let minor = numbers.next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
        match (major, minor) {
            (Some(2), 5..) => Self::Budgets,
            (Some(0..=2), _) => Self::Plain,
            _ => Self::Levels,
        }
    }
}

fn config(asked: &Conversation, model: Generation) -> Result<Map<String, Value>, Untranslatable> {
    if asked.stop.len() > STOPS {
        return Err(cannot("stop", NAME, "takes at most five texts to stop at"));
    }
    if asked.seed.is_some_and(|seed| i32::try_from(seed).is_err()) {
        return Err(cannot("seed", NAME, "takes a seed of 32 bits"));
    }
    let mut config = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    let number = |number: &Option<serde_json::Number>| number.clone().map(Value::Number);
    set("maxOutputTokens", asked.max_tokens.map(Value::from));
    set("temperature", number(&asked.temperature));
    set("topP", number(&asked.top_p));
    set("topK", asked.top_k.map(Value::from));
    set("presencePenalty", number(&asked.presence_penalty));
    set("frequencyPenalty", number(&asked.frequency_penalty));
    set("seed", asked.seed.map(Value::from));
    set("stopSequences", (!asked.stop.is_empty()).then(|| json!(asked.stop)));
    if let Some(format) = &asked.format {
        set("responseMimeType", Some(json!("application/json")));
        if let Format::Schema { schema, .. } = format {
            set("responseJsonSchema", Some(for_google(schema)));
        }
    }
    set("thinkingConfig", asked.thinking.as_ref().and_then(|thinking| thought(thinking, model)));
    Ok(config)
}

/// How much to think. Those that do not think take no such thing, and need none for `Off`.
fn thought(thinking: &Thinking, model: Generation) -> Option<Value> {
    let levels = model == Generation::Levels;
    Some(match thinking {
        Thinking::Off if model == Generation::Plain => return None,
        Thinking::Off if levels => json!({"thinkingLevel": "minimal"}),
        Thinking::Off => json!({"thinkingBudget": 0}),
        Thinking::Adaptive if levels => json!({"includeThoughts": true}),
        Thinking::Adaptive => json!({"thinkingBudget": -1, "includeThoughts": true}),
        Thinking::Budget(tokens) => json!({"thinkingBudget": tokens, "includeThoughts": true}),
        Thinking::Effort(word) if levels => {
            let level = match word.as_str() {
                "xhigh" | "max" => "high",
                word => word,
            };
            json!({"thinkingLevel": level, "includeThoughts": true})
        }
        // As Google itself counts the words of the OpenAI API.
        Thinking::Effort(word) => {
            let budget = match word.as_str() {
                "minimal" | "low" => 1024,
                "medium" => 8192,
                _ => 24576,
            };
            json!({"thinkingBudget": budget, "includeThoughts": true})
        }
    })
}

/// The turns, those of one side that follow each other as one.
fn contents(asked: &Conversation, model: Generation) -> Result<Vec<Value>, Untranslatable> {
    let calls = Calls::of(asked);
    let mut contents: Vec<(Role, Vec<Value>)> = Vec::new();
    for turn in asked.turns.iter().filter(|turn| turn.role != Role::System) {
        let parts = parts(turn, &calls, model)?;
        match contents.last_mut() {
            Some((role, before)) if *role == turn.role => before.extend(parts),
            _ => contents.push((turn.role, parts)),
        }
    }
    let content = |(role, parts)| {
        let role = if role == Role::User { "user" } else { "model" };
        json!({"role": role, "parts": parts})
    };
    Ok(contents.into_iter().filter(|(_, parts)| !parts.is_empty()).map(content).collect())
}

fn parts(turn: &Turn, calls: &Calls<'_>, model: Generation) -> Result<Vec<Value>, Untranslatable> {
    let mut out = Vec::new();
    // Pictures of results come after all results: these must follow their calls one by one.
    let mut pictures = Vec::new();
    let mut signature: Option<&str> = None;
    let mut called = false;
    for part in &turn.parts {
        let mut value = match part {
            Part::Text(text) | Part::Refusal(text) if text.is_empty() => continue,
            Part::Text(text) | Part::Refusal(text) => json!({"text": text}),
            Part::Image(image) => picture(image),
            Part::File { media_type, data, .. } => {
                json!({"inlineData": {"mimeType": media_type, "data": data}})
            }
            // Of another provider, which alone can read it.
            Part::Sealed(_) => continue,
            Part::Thinking { signature: signed, .. } => {
                // Only what Gemini has signed: it does not take the signatures of others.
                signature = signed.as_deref().and_then(|s| s.strip_prefix(SIGNED)).or(signature);
                continue;
            }
            Part::ToolCall(call) => {
                if model == Generation::Levels && !called {
                    signature = signature.or(Some(UNSIGNED));
                }
                called = true;
                json!({"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}})
            }
            Part::ToolResult { id, content, failed } => {
                let name = calls.function(id).ok_or_else(|| {
                    Untranslatable::malformed(
                        "messages",
                        "a result belongs to no tool call of the conversation",
                    )
                })?;
                let (response, images) = result(content, *failed);
                pictures.extend(images);
                json!({"functionResponse": {"id": id, "name": name, "response": response}})
            }
        };
        if let (Role::Assistant, Some(signed), Value::Object(fields)) =
            (turn.role, signature.take(), &mut value)
        {
            fields.insert("thoughtSignature".to_owned(), json!(signed));
        }
        out.push(value);
    }
    if let (Role::Assistant, Some(signed)) = (turn.role, signature) {
        out.push(json!({"text": "", "thoughtSignature": signed}));
    }
    out.extend(pictures);
    if out.is_empty() && turn.role == Role::User {
        out.push(json!({"text": ""}));
    }
    Ok(out)
}

/// A result as the object that it must be, and the pictures that it has.
fn result(content: &[Part], failed: bool) -> (Value, Vec<Value>) {
    let texts: Vec<Part> =
        content.iter().filter(|part| matches!(part, Part::Text(_))).cloned().collect();
    let text = plain_text(&texts).unwrap_or_default();
    let response = match exact::object(&text) {
        Some(object) if !failed => Value::Object(object),
        _ => json!({(if failed { "error" } else { "output" }): text}),
    };
    let other = content.iter().filter_map(|part| match part {
        Part::Image(image) => Some(picture(image)),
        Part::File { media_type, data, .. } => {
            Some(json!({"inlineData": {"mimeType": media_type, "data": data}}))
        }
        _ => None,
    });
    (response, other.collect())
}

fn picture(image: &Image) -> Value {
    match image {
        Image::Inline { media_type, data } => {
            json!({"inlineData": {"mimeType": media_type, "data": data}})
        }
        Image::Url(url) => {
            let path = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
            let kind = match path.rsplit('.').next() {
                Some("jpg" | "jpeg") => Some("image/jpeg"),
                Some("png") => Some("image/png"),
                Some("webp") => Some("image/webp"),
                Some("heic") => Some("image/heic"),
                Some("heif") => Some("image/heif"),
                _ => None,
            };
            match kind {
                Some(kind) => json!({"fileData": {"mimeType": kind, "fileUri": url}}),
                None => json!({"fileData": {"fileUri": url}}),
            }
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
