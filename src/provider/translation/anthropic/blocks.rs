//! Blocks of content, read.

use crate::provider::conversation::{Image, Part, ToolCall};
use crate::provider::translation::fields::{Fields, is_nothing};
use crate::provider::translation::ids;
use crate::provider::translation::refused::Untranslatable;
use serde_json::Value;

/// Content: a string, or blocks.
pub(super) fn content(value: Value, at: &str) -> Result<Vec<Part>, Untranslatable> {
    match value {
        Value::String(text) => Ok(vec![Part::Text(text)]),
        Value::Array(blocks) => blocks
            .into_iter()
            .enumerate()
            .map(|(n, block)| self::block(Fields::of(block, format!("{at}[{n}]"))?))
            .collect(),
        _ => Err(Untranslatable::malformed(at, format!("`{at}` must be a string or an array"))),
    }
}

fn block(mut fields: Fields) -> Result<Part, Untranslatable> {
    fields.hints(&["cache_control"]);
    let part = match fields.need_text("type")?.as_str() {
        "text" => {
            // Where the text of an earlier answer came from.
            fields.hints(&["citations"]);
            Part::Text(fields.need_text("text")?)
        }
        "image" => {
            fields.nothing_but("transformations", is_nothing)?;
            image(fields.need_object("source")?)?
        }
        "document" => document(&mut fields)?,
        "thinking" => Part::Thinking {
            text: fields.text("thinking")?.unwrap_or_default(),
            signature: fields.text("signature")?.filter(|signature| !signature.is_empty()),
        },
        "redacted_thinking" => Part::Sealed(fields.need_text("data")?),
        "tool_use" => {
            fields.hints(&["caller"]);
            let id = fields.need_text("id")?;
            let name = fields.need_name("name")?;
            let arguments = match fields.take("input") {
                None => serde_json::Map::new(),
                Some(Value::Object(map)) => map,
                Some(_) => return Err(fields.wrong("input", "must be an object")),
            };
            Part::ToolCall(ToolCall { id, name, arguments })
        }
        "tool_result" => {
            let id = fields.need_text("tool_use_id")?;
            let failed = fields.flag("is_error")?.unwrap_or(false);
            let place = fields.place("content");
            let content = match fields.take("content") {
                None => Vec::new(),
                Some(value) => result(content(value, &place)?, &place)?,
            };
            Part::ToolResult { id, content, failed }
        }
        _ => return Err(fields.cannot("type")),
    };
    fields.end()?;
    Ok(part)
}

/// What a tool may give back.
fn result(parts: Vec<Part>, place: &str) -> Result<Vec<Part>, Untranslatable> {
    let fits = |part: &Part| matches!(part, Part::Text(_) | Part::Image(_) | Part::File { .. });
    if parts.iter().all(fits) {
        return Ok(parts);
    }
    let message = format!("`{place}` may be text, images and documents only");
    Err(Untranslatable::malformed(place, message))
}

fn image(mut source: Fields) -> Result<Part, Untranslatable> {
    let image = match source.need_text("type")?.as_str() {
        "base64" => Image::Inline {
            media_type: source.need_text("media_type")?,
            data: base64(&mut source)?,
        },
        "url" => {
            let url = source.need_text("url")?;
            if !ids::is_fetched(&url) {
                return Err(source.wrong("url", "must be an `https:` URL"));
            }
            Image::Url(url)
        }
        _ => return Err(source.cannot("type")),
    };
    source.end()?;
    Ok(Part::Image(image))
}

/// Data of a source.
fn base64(source: &mut Fields) -> Result<String, Untranslatable> {
    let data = source.need_text("data")?;
    if ids::is_base64(&data) { Ok(data) } else { Err(source.wrong("data", "must be base64")) }
}

fn document(fields: &mut Fields) -> Result<Part, Untranslatable> {
    let place = fields.place("citations");
    if let Some(citations) = fields.take("citations") {
        let mut citations = Fields::of(citations, place)?;
        citations.nothing_but("enabled", is_nothing)?;
        citations.end()?;
    }
    fields.nothing_but("context", |context| context == "")?;
    let name = fields.text("title")?;
    let mut source = fields.need_object("source")?;
    let (media_type, data) = match source.need_text("type")?.as_str() {
        "base64" => (source.need_text("media_type")?, base64(&mut source)?),
        "text" => {
            source.hints(&["media_type"]);
            let text = source.need_text("data")?;
            ("text/plain".to_owned(), data_encoding::BASE64.encode(text.as_bytes()))
        }
        _ => return Err(source.cannot("type")),
    };
    source.end()?;
    Ok(Part::File { media_type, data, name })
}
