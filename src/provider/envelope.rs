//! What the gateway must know of a request: read in place, everything else stays bytes.
//!
//! A body is checked once (UTF-8, JSON, nesting) and its few fields of interest are borrowed.
//! It is never written anew: where the model's name differs upstream, only the bytes of that
//! name are replaced ([`Envelope::for_provider`]), so fields nobody here knows survive as they are.

use super::stream_usage::{self, Patch};
use super::wire::Family;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

/// Deeper bodies are refused: nothing sensible nests so far, and parsers further on recurse.
const DEEPEST: usize = 128;

/// The greatest number of tokens that may be asked for: far above every model there is.
const MOST_TOKENS: u64 = 100_000_000;

/// The longest name of a model, in bytes. It goes into usage rows and error texts, and unknown ones
/// are compared with all that are known.
const LONGEST_MODEL: usize = 256;

/// What is wrong with a request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// The field, if it is one.
    pub(crate) param: Option<&'static str>,
    /// What is wrong: never quotes the body, which may be private.
    pub(crate) message: String,
}

/// The fields of interest of a request.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    /// The model that the client asks for.
    pub(crate) model: String,
    /// Whether the answer is wanted as a stream of events.
    pub(crate) stream: bool,
    /// Where the model's name stands in the body, with its quotes.
    model_at: Range<usize>,
    /// What has a provider count the tokens of a stream for which the client did not ask it to.
    count: Option<Patch>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "stream_usage::present")]
    stream_options: Option<&'a RawValue>,
    #[serde(borrow)]
    max_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    max_completion_tokens: Option<&'a RawValue>,
}

fn malformed(param: impl Into<Option<&'static str>>, message: impl Into<String>) -> Malformed {
    Malformed { param: param.into(), message: message.into() }
}

impl Envelope {
    /// Reads the envelope of a conversation's request.
    ///
    /// # Errors
    /// No UTF-8, no JSON object, nested too deeply, a field missing or of the wrong kind.
    pub(crate) fn read(body: &[u8], family: Family) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(body).map_err(|e| {
            malformed(None, format!("the body is not UTF-8 from byte {}", e.valid_up_to()))
        })?;
        shallow(body)?;
        let fields: Fields<'_> = serde_json::from_str(text).map_err(|e| no_json(&e))?;

        let Some(model_raw) = fields.model else {
            return Err(malformed("model", "`model` is missing"));
        };
        let model =
            string(model_raw).ok_or_else(|| malformed("model", "`model` must be a string"))?;
        if model.is_empty() {
            return Err(malformed("model", "`model` is empty"));
        }
        if model.len() > LONGEST_MODEL || model.chars().any(char::is_control) {
            let message =
                format!("`model` must be a name of at most {LONGEST_MODEL} bytes in one line");
            return Err(malformed("model", message));
        }
        match fields.messages.map(RawValue::get) {
            None => return Err(malformed("messages", "`messages` is missing")),
            Some(list) if !list.starts_with('[') => {
                return Err(malformed("messages", "`messages` must be an array"));
            }
            Some(list) if list.get(1..).is_some_and(|rest| rest.trim_start() == "]") => {
                return Err(malformed("messages", "`messages` is empty"));
            }
            Some(_) => {}
        }
        let stream = match fields.stream.map(RawValue::get) {
            None | Some("null" | "false") => false,
            Some("true") => true,
            Some(_) => return Err(malformed("stream", "`stream` must be `true` or `false`")),
        };
        for (name, raw) in [
            ("max_tokens", fields.max_tokens),
            ("max_completion_tokens", fields.max_completion_tokens),
        ] {
            token_limit(name, raw)?;
        }
        if family == Family::Anthropic && fields.max_tokens.is_none() {
            return Err(malformed("max_tokens", "`max_tokens` is missing"));
        }

        let count = (stream && family == Family::OpenAi)
            .then(|| stream_usage::patch(text, fields.stream_options))
            .flatten();
        let model_at = stream_usage::within(text, model_raw);
        Ok(Self { model: model.into_owned(), stream, model_at, count })
    }

    /// Whether a provider that counts streams is asked to, though the client did not: the event
    /// with the counts is not for the client.
    pub(crate) fn adds_usage(&self) -> bool {
        self.count.is_some()
    }

    /// The body with the model's name at the provider and, if the provider `counts` streams, asking
    /// for that: all other bytes are as they were. The body is the one that the envelope was read
    /// from.
    pub(crate) fn for_provider(&self, body: &Bytes, model: &str, counts: bool) -> Bytes {
        let literal = serde_json::Value::from(model).to_string();
        let renamed = (model != self.model).then(|| (self.model_at.clone(), literal.as_str()));
        let asked = self.count.as_ref().filter(|_| counts).map(|p| (p.at.clone(), p.with));
        stream_usage::patched(body, renamed.into_iter().chain(asked).collect())
    }
}

/// The text of a JSON string, borrowed if nothing in it is escaped; `None` for any other value.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(text).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

fn token_limit(name: &'static str, raw: Option<&RawValue>) -> Result<(), Malformed> {
    match raw.map(RawValue::get) {
        None | Some("null") => Ok(()),
        Some(text) if text.parse::<u64>().is_ok_and(|n| (1..=MOST_TOKENS).contains(&n)) => Ok(()),
        Some(_) => {
            Err(malformed(name, format!("`{name}` must be a whole number from 1 to {MOST_TOKENS}")))
        }
    }
}

/// Only the position: the parser's message may quote the body.
fn no_json(error: &serde_json::Error) -> Malformed {
    let (line, column) = (error.line(), error.column());
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the body is JSON that ends too early",
        serde_json::error::Category::Data => {
            "the body is not a JSON object, or names a field twice"
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            "the body is not valid JSON"
        }
    };
    malformed(None, format!("{what} (line {line}, column {column})"))
}

/// Refuses bodies that nest too deeply. Brackets within strings do not count.
fn shallow(body: &[u8]) -> Result<(), Malformed> {
    // Few brackets cannot nest deeply, and counting them is much cheaper than following strings.
    if memchr::memchr2_iter(b'[', b'{', body).count() <= DEEPEST {
        return Ok(());
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(malformed(
                        None,
                        format!("the body nests more than {DEEPEST} levels deep"),
                    ));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Envelope, Malformed> {
        Envelope::read(body.as_bytes(), Family::OpenAi)
    }

    #[test]
    fn only_the_models_name_is_replaced() {
        let body = Bytes::from_static(
            br#"{"x":1.50,  "model" : "gpt\u002d4o","messages":[{"role":"user","content":"\"model\":\"no\""}],"zz":null}"#,
        );
        let envelope = Envelope::read(&body, Family::OpenAi).unwrap();
        assert_eq!(envelope.model, "gpt-4o");
        assert_eq!(
            envelope.for_provider(&body, "a\"b", true),
            r#"{"x":1.50,  "model" : "a\"b","messages":[{"role":"user","content":"\"model\":\"no\""}],"zz":null}"#
        );
        assert_eq!(envelope.for_provider(&body, "gpt-4o", true), body);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let param = |body: &str| read(body).unwrap_err().param;
        assert_eq!(param(r#"{"messages":[{}]}"#), Some("model"));
        assert_eq!(param(r#"{"model":5,"messages":[{}]}"#), Some("model"));
        assert_eq!(param(r#"{"model":"a\nb","messages":[{}]}"#), Some("model"));
        let named = |length| format!(r#"{{"model":"{}","messages":[{{}}]}}"#, "m".repeat(length));
        assert_eq!(param(&named(LONGEST_MODEL + 1)), Some("model"));
        assert!(read(&named(LONGEST_MODEL)).is_ok());
        assert_eq!(param(r#"{"model":"m"}"#), Some("messages"));
        assert_eq!(param(r#"{"model":"m","messages":"hi"}"#), Some("messages"));
        assert_eq!(param(r#"{"model":"m","messages":[ ]}"#), Some("messages"));
        assert_eq!(param(r#"{"model":"m","messages":[{}],"stream":"yes"}"#), Some("stream"));
        assert_eq!(param(r#"{"model":"m","messages":[{}],"max_tokens":-1}"#), Some("max_tokens"));
        assert_eq!(
            Envelope::read(br#"{"model":"m","messages":[{}]}"#, Family::Anthropic)
                .unwrap_err()
                .param,
            Some("max_tokens")
        );
    }

    #[test]
    fn broken_bodies_are_refused_without_quoting_them() {
        for body in [
            "",
            "{",
            "[]",
            "nonsense-canary",
            r#"{"model":"canary"#,
            "\"canary\"",
            r#"{"model":"a","model":"canary"}"#,
        ] {
            let error = read(body).unwrap_err();
            assert!(!error.message.contains("canary"), "{}", error.message);
        }
        assert!(Envelope::read(b"{\"model\":\"\xff\"}", Family::OpenAi).is_err());
    }

    #[test]
    fn nesting_is_bounded_and_strings_do_not_count() {
        let deep = |n: usize| {
            format!(r#"{{"model":"m","messages":[{{}}],"x":{}{}}}"#, "[".repeat(n), "]".repeat(n))
        };
        assert!(read(&deep(DEEPEST - 1)).is_ok());
        assert!(read(&deep(DEEPEST)).is_err());
        assert!(read(&deep(100_000)).is_err());
        let text = format!(r#"{{"model":"m","messages":[{{"content":"{}"}}]}}"#, "[".repeat(5_000));
        assert!(read(&text).is_ok());
    }
}
