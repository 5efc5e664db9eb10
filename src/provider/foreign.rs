//! Thoughts that one provider made, in a conversation that goes to another.
//!
//! A client sends back what it was told, thoughts included, and a route may lead to a provider of
//! another family the next time. What signs or seals a thought is for the provider that made it: all
//! others refuse the request in words that help nobody. So what was translated for the client, and
//! is not the own of the provider that is asked, is left out of bytes that pass else as they are.

use super::stream_usage::within;
use super::wire::Endpoint;
use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What the signatures of Gemini begin with at clients.
pub(super) const GOOGLE: &str = "google.";

/// Marks what is sealed here for clients of responses: a thought with its signature.
pub(super) const SEALED: &str = "ultra1.";

/// Whether a signature is none of Anthropic's.
pub(super) fn is_of_another(signature: &str) -> bool {
    signature.is_empty() || signature.starts_with(GOOGLE)
}

#[derive(Deserialize)]
struct Messages<'a> {
    #[serde(borrow)]
    messages: &'a RawValue,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Responses<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    encrypted_content: Option<Cow<'a, str>>,
}

/// The body without thoughts of others; `None` if it has none.
pub(crate) fn without(endpoint: Endpoint, body: &[u8]) -> Option<Bytes> {
    match endpoint {
        Endpoint::Messages | Endpoint::CountTokens if has_foreign_signature(body) => {
            messages(std::str::from_utf8(body).ok()?)
        }
        Endpoint::Responses if memmem::find(body, b"\"reasoning\"").is_some() => {
            responses(std::str::from_utf8(body).ok()?)
        }
        _ => None,
    }
}

/// Whether some signature may be that of another: nearly all bodies have none, and are not read.
fn has_foreign_signature(body: &[u8]) -> bool {
    const KEY: &[u8] = b"\"signature\"";
    memmem::find_iter(body, KEY).any(|at| {
        let value = body.get(at + KEY.len()..).unwrap_or_default().trim_ascii_start();
        let value = value.strip_prefix(b":").unwrap_or_default().trim_ascii_start();
        value
            .strip_prefix(b"\"")
            .is_some_and(|text| text.starts_with(b"\"") || text.starts_with(GOOGLE.as_bytes()))
    })
}

fn list(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

fn joined<'a>(items: impl Iterator<Item = Cow<'a, str>>) -> String {
    let items: Vec<Cow<'_, str>> = items.collect();
    format!("[{}]", items.join(","))
}

/// A message of the assistant without the thoughts of others.
enum Cleaned<'a> {
    /// It has none.
    Same(&'a str),
    /// This is left of it, and whether it begins with a thought still.
    Less(String, bool),
    /// It had nothing else.
    Nothing,
}

fn cleaned(raw: &RawValue) -> Cleaned<'_> {
    let text = raw.get();
    let less = || {
        let message: Message<'_> = serde_json::from_str(text).ok()?;
        let blocks = list(message.content).filter(|_| message.role == "assistant")?;
        let is_own = |block: &&&RawValue| match serde_json::from_str::<Block<'_>>(block.get()) {
            Ok(block) if block.kind == "thinking" => {
                !is_of_another(block.signature.as_deref().unwrap_or_default())
            }
            _ => true,
        };
        let own: Vec<&RawValue> = blocks.iter().filter(is_own).copied().collect();
        if own.len() == blocks.len() {
            return None;
        }
        let Some(first) = own.first() else { return Some(Cleaned::Nothing) };
        let first = serde_json::from_str::<Kind<'_>>(first.get());
        let thinks = first.is_ok_and(|b| matches!(&*b.kind, "thinking" | "redacted_thinking"));
        let at = within(text, message.content);
        let content = joined(own.iter().map(|block| Cow::Borrowed(block.get())));
        let (before, after) = (text.get(..at.start)?, text.get(at.end..)?);
        Some(Cleaned::Less([before, &content, after].concat(), thinks))
    };
    less().unwrap_or(Cleaned::Same(text))
}

fn messages(text: &str) -> Option<Bytes> {
    let request: Messages<'_> = serde_json::from_str(text).ok()?;
    let all = list(request.messages)?;
    let mut left: Vec<Cow<'_, str>> = Vec::with_capacity(all.len());
    let (mut changed, mut lacks_thought) = (false, false);
    for message in &all {
        match cleaned(message) {
            Cleaned::Same(text) => {
                // Whether the last one of the assistant lost what it thought.
                lacks_thought &= !text.contains("\"assistant\"");
                left.push(Cow::Borrowed(text));
            }
            Cleaned::Less(text, thinks) => {
                (changed, lacks_thought) = (true, !thinks);
                left.push(Cow::Owned(text));
            }
            Cleaned::Nothing => changed = true,
        }
    }
    if !changed {
        return None;
    }
    let mut patches = vec![(within(text, request.messages), joined(left.into_iter()))];
    // A model that is to think, and gets the result of a tool, wants what it thought before the
    // call. It cannot have that, so this once it answers without.
    let returns = all.last().is_some_and(|last| last.get().contains("\"tool_result\""));
    if let Some(thinking) = request.thinking.filter(|_| lacks_thought && returns)
        && serde_json::from_str::<Kind<'_>>(thinking.get()).is_ok_and(|t| t.kind == "enabled")
    {
        patches.push((within(text, thinking), r#"{"type":"disabled"}"#.to_owned()));
    }
    patches.sort_by_key(|(at, _)| at.start);
    let (mut out, mut copied) = (String::with_capacity(text.len()), 0);
    for (at, with) in patches {
        out.push_str(text.get(copied..at.start)?);
        out.push_str(&with);
        copied = at.end;
    }
    out.push_str(text.get(copied..)?);
    Some(Bytes::from(out))
}

fn responses(text: &str) -> Option<Bytes> {
    let request: Responses<'_> = serde_json::from_str(text).ok()?;
    let items = list(request.input)?;
    let is_own = |item: &&&RawValue| {
        let Ok(item) = serde_json::from_str::<Item<'_>>(item.get()) else { return true };
        item.kind.as_deref() != Some("reasoning")
            || match &item.encrypted_content {
                Some(sealed) => !sealed.starts_with(SEALED),
                None => !item.id.as_deref().is_some_and(is_made_here),
            }
    };
    let own: Vec<&RawValue> = items.iter().filter(is_own).copied().collect();
    if own.len() == items.len() {
        return None;
    }
    let at = within(text, request.input);
    let input = joined(own.iter().map(|item| Cow::Borrowed(item.get())));
    let (before, after) = (text.get(..at.start)?, text.get(at.end..)?);
    Some(Bytes::from([before, &input, after].concat()))
}

/// Whether the id of a thought was made here: after that of the answer it has its number.
fn is_made_here(id: &str) -> bool {
    let number = id.strip_prefix("rs_").and_then(|id| id.rsplit_once('_'));
    number.is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sent(endpoint: Endpoint, body: &Value) -> Option<Value> {
        let text = body.to_string();
        without(endpoint, text.as_bytes()).map(|body| serde_json::from_slice(&body).unwrap())
    }

    fn asking(content: &Value, thinking: &Value) -> Value {
        json!({
            "model": "m", "max_tokens": 9, "thinking": thinking,
            "messages": [
                {"role": "user", "content": "look"},
                {"role": "assistant", "content": content},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c"}]},
            ],
            "last": 1.10,
        })
    }

    #[test]
    fn thoughts_of_others_are_left_out_and_all_else_stays() {
        let call = json!({"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}});
        let own = json!({"type": "thinking", "thinking": "mine", "signature": "EqQB"});
        let enabled = json!({"type": "enabled", "budget_tokens": 1024});
        for foreign in ["", "google.abc"] {
            let foreign = json!({"type": "thinking", "thinking": "theirs", "signature": foreign});
            let asked = asking(&json!([foreign, call]), &enabled);
            let wanted = asking(&json!([call]), &json!({"type": "disabled"}));
            assert_eq!(sent(Endpoint::Messages, &asked), Some(wanted));
            let adaptive = json!({"type": "adaptive"});
            let asked = asking(&json!([foreign, call]), &adaptive);
            assert_eq!(
                sent(Endpoint::CountTokens, &asked),
                Some(asking(&json!([call]), &adaptive))
            );
            let asked = asking(&json!([own, foreign, call]), &enabled);
            let wanted = asking(&json!([own, call]), &enabled);
            assert_eq!(sent(Endpoint::Messages, &asked), Some(wanted));
            // A message with nothing else goes with it.
            let asked = asking(&json!([foreign]), &enabled);
            let left = sent(Endpoint::Messages, &asked).unwrap();
            assert_eq!(left["messages"].as_array().unwrap().len(), 2);
        }
        for same in
            [asking(&json!([own, call]), &enabled), asking(&json!("\"signature\":\"\""), &enabled)]
        {
            assert_eq!(sent(Endpoint::Messages, &same), None);
        }
    }

    #[test]
    fn an_earlier_thought_of_another_does_not_keep_a_model_from_thinking() {
        let foreign = json!({"type": "thinking", "thinking": "theirs", "signature": ""});
        let own = json!({"type": "thinking", "thinking": "mine", "signature": "EqQB"});
        let mut asked = asking(&json!([own]), &json!({"type": "enabled", "budget_tokens": 1024}));
        let text = json!({"type": "text", "text": "x"});
        let earlier = json!({"role": "assistant", "content": [foreign, text]});
        asked["messages"].as_array_mut().unwrap().insert(1, earlier);
        let left = sent(Endpoint::Messages, &asked).unwrap();
        assert_eq!(left["messages"][1]["content"], json!([text]));
        assert_eq!(left["thinking"]["type"], "enabled");
    }

    #[test]
    fn what_is_sealed_here_never_goes_to_openai() {
        let message = json!({"type": "message", "role": "user", "content": "x"});
        let own = json!({"type": "reasoning", "id": "rs_68af", "encrypted_content": "gAAA", "summary": []});
        let kept = json!({"type": "reasoning", "id": "rs_68af", "summary": []});
        let sealed = json!({"type": "reasoning", "id": "rs_1_0", "encrypted_content": "ultra1.e30", "summary": []});
        let shown = json!({"type": "reasoning", "id": "rs_1_2", "summary": []});
        let asked = json!({"model": "m", "input": [message, sealed, own, shown, kept], "n": 1.10});
        let wanted = json!({"model": "m", "input": [message, own, kept], "n": 1.10});
        assert_eq!(sent(Endpoint::Responses, &asked), Some(wanted.clone()));
        assert_eq!(sent(Endpoint::Responses, &wanted), None);
        assert_eq!(sent(Endpoint::ChatCompletions, &asked), None);
    }
}
