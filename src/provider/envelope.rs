//! What the gateway must know of a request: read in place, everything else stays bytes.
//!
//! A body is checked once (UTF-8, JSON, nesting) and its few fields of interest are borrowed.
//! It is never written anew: where the model's name differs upstream, only the bytes of that
//! name are replaced ([`Envelope::for_provider`]), so fields nobody here knows survive as they are.

use super::response_request;
use super::stream_usage::{self, Patch};
use super::wire::Endpoint;
use crate::settings::profile::{LONGEST_MODEL, is_model_name};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

/// Deeper bodies are refused: nothing sensible nests so far, and parsers further on recurse.
const DEEPEST: usize = 128;

/// The greatest number of tokens that may be asked for: far above every model there is.
const MOST_TOKENS: u64 = 100_000_000;

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
    /// Whether a provider that may have begun with it must not be asked again, nor another: it
    /// does more there than be answered.
    pub(crate) once: bool,
    /// Whether the answer may have more than one choice.
    pub(crate) several: bool,
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
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "stream_usage::present")]
    stream_options: Option<&'a RawValue>,
    #[serde(borrow)]
    max_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    max_completion_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    n: Option<&'a RawValue>,
}

pub(super) fn malformed(
    param: impl Into<Option<&'static str>>,
    message: impl Into<String>,
) -> Malformed {
    Malformed { param: param.into(), message: message.into() }
}

impl Envelope {
    /// Reads the envelope of a request to `endpoint`.
    ///
    /// # Errors
    /// No UTF-8, no JSON object, nested too deeply, a field missing or of the wrong kind.
    pub(crate) fn read(body: &[u8], endpoint: Endpoint) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(body).map_err(|e| {
            malformed(None, format!("the body is not UTF-8 from byte {}", e.valid_up_to()))
        })?;
        shallow(body)?;
        let fields: Fields<'_> = serde_json::from_str(text).map_err(|e| no_json(&e, text))?;
        if !is_object(text) {
            return Err(malformed(None, NO_OBJECT));
        }

        let Some(model_raw) = fields.model else {
            return Err(malformed("model", "`model` is missing"));
        };
        let model =
            string(model_raw).ok_or_else(|| malformed("model", "`model` must be a string"))?;
        if model.is_empty() {
            return Err(malformed("model", "`model` is empty"));
        }
        if !is_model_name(&model) {
            let message =
                format!("`model` must be a name of at most {LONGEST_MODEL} bytes in one line");
            return Err(malformed("model", message));
        }
        let stream = match fields.stream.map(RawValue::get).filter(|_| endpoint.streams()) {
            None | Some("null" | "false") => false,
            Some("true") => true,
            Some(_) => return Err(malformed("stream", "`stream` must be `true` or `false`")),
        };
        let once = fields.check(endpoint, text)?;
        let several = fields.asks_for_several(endpoint);

        let counts = matches!(endpoint, Endpoint::ChatCompletions | Endpoint::Completions);
        let count =
            (stream && counts).then(|| stream_usage::patch(text, fields.stream_options)).flatten();
        let model_at = stream_usage::within(text, model_raw);
        Ok(Self { model: model.into_owned(), stream, once, several, model_at, count })
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
        let literal = (model != self.model).then(|| serde_json::Value::from(model).to_string());
        let renamed = literal.as_deref().map(|literal| (self.model_at.clone(), literal));
        let asked = self.count.as_ref().filter(|_| counts).map(|p| (p.at.clone(), p.with));
        stream_usage::patched(body, renamed.into_iter().chain(asked).collect())
    }
}

impl Fields<'_> {
    /// Whether the answer may have more than one choice: `n` of them, or one for each of several
    /// prompts. A prompt may also be a list of tokens, which is not worth telling apart.
    fn asks_for_several(&self, endpoint: Endpoint) -> bool {
        let many = self.n.is_some_and(|n| !matches!(n.get(), "1" | "null"));
        let prompts = endpoint == Endpoint::Completions
            && self.prompt.is_some_and(|prompt| prompt.get().starts_with('['));
        many || prompts
    }

    /// What the endpoint demands besides a model; whether it must be asked only once.
    fn check(&self, endpoint: Endpoint, text: &str) -> Result<bool, Malformed> {
        // Whoever only wants the probabilities of the prompt asks for no token.
        let least = u64::from(endpoint != Endpoint::Completions);
        for (name, raw) in
            [("max_tokens", self.max_tokens), ("max_completion_tokens", self.max_completion_tokens)]
        {
            token_limit(name, raw, least)?;
        }
        match endpoint {
            Endpoint::ChatCompletions | Endpoint::Messages | Endpoint::CountTokens => {
                match self.messages.map(RawValue::get) {
                    None => return Err(malformed("messages", "`messages` is missing")),
                    Some(list) if !list.starts_with('[') => {
                        return Err(malformed("messages", "`messages` must be an array"));
                    }
                    Some(list) if is_empty(list) => {
                        return Err(malformed("messages", "`messages` is empty"));
                    }
                    Some(_) => {}
                }
                if endpoint == Endpoint::Messages && self.max_tokens.is_none() {
                    return Err(malformed("max_tokens", "`max_tokens` is missing"));
                }
            }
            Endpoint::Embeddings => text_or_list("input", self.input)?,
            Endpoint::Completions => text_or_list("prompt", self.prompt)?,
            Endpoint::Responses => return response_request::check(text, self.input),
        }
        Ok(false)
    }
}

/// Whether an array has nothing in it.
pub(super) fn is_empty(list: &str) -> bool {
    list.strip_prefix('[').is_some_and(|rest| rest.trim_start() == "]")
}

/// A text, or a list with something in it.
pub(super) fn text_or_list(name: &'static str, raw: Option<&RawValue>) -> Result<(), Malformed> {
    match raw.map(RawValue::get) {
        None | Some("null") => Err(malformed(name, format!("`{name}` is missing"))),
        Some(list) if is_empty(list) => Err(malformed(name, format!("`{name}` is empty"))),
        Some(value) if value.starts_with(['"', '[']) => Ok(()),
        Some(_) => Err(malformed(name, format!("`{name}` must be a string or an array"))),
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

/// A number of tokens, at least `least`.
pub(super) fn token_limit(
    name: &'static str,
    raw: Option<&RawValue>,
    least: u64,
) -> Result<(), Malformed> {
    let in_range = |n| (least..=MOST_TOKENS).contains(&n);
    match raw.map(RawValue::get) {
        None | Some("null") => Ok(()),
        Some(text) if text.parse().is_ok_and(in_range) => Ok(()),
        Some(_) => {
            let message = format!("`{name}` must be a whole number from {least} to {MOST_TOKENS}");
            Err(malformed(name, message))
        }
    }
}

const NO_OBJECT: &str = "the body is not a JSON object";

/// Whether JSON is an object: what reads one would take the values of an array for its fields.
fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Only the position: the parser's message may quote the body.
fn no_json(error: &serde_json::Error, text: &str) -> Malformed {
    let (line, column) = (error.line(), error.column());
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the body is JSON that ends too early",
        // Any field may have any value here.
        serde_json::error::Category::Data if is_object(text) => "the body names a field twice",
        serde_json::error::Category::Data => return malformed(None, NO_OBJECT),
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
        Envelope::read(body.as_bytes(), Endpoint::ChatCompletions)
    }

    #[test]
    fn only_the_models_name_is_replaced() {
        let body = Bytes::from_static(
            br#"{"x":1.50,  "model" : "gpt\u002d4o","messages":[{"role":"user","content":"\"model\":\"no\""}],"zz":null}"#,
        );
        let envelope = Envelope::read(&body, Endpoint::ChatCompletions).unwrap();
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
            Envelope::read(br#"{"model":"m","messages":[{}]}"#, Endpoint::Messages)
                .unwrap_err()
                .param,
            Some("max_tokens")
        );
    }

    #[test]
    fn each_endpoint_demands_its_own_fields() {
        let read = |endpoint, fields: &str| {
            let body = format!(r#"{{"model":"m"{fields}}}"#);
            Envelope::read(body.as_bytes(), endpoint).map_err(|e| e.param)
        };
        for (endpoint, param, good) in [
            (Endpoint::Embeddings, "input", r#","input":"a""#),
            (Endpoint::Embeddings, "input", r#","input":[[1,2]]"#),
            (Endpoint::Completions, "prompt", r#","prompt":["a"],"max_tokens":0"#),
            (Endpoint::Responses, "input", r#","input":[{}]"#),
            (Endpoint::Responses, "input", r#","previous_response_id":"resp_1""#),
            (Endpoint::CountTokens, "messages", r#","messages":[{}]"#),
        ] {
            assert!(read(endpoint, good).is_ok(), "{good}");
            assert_eq!(read(endpoint, "").unwrap_err(), Some(param), "{good}");
            for wrong in ["5", "{}", "[]", "null"] {
                let field = format!(r#","{param}":{wrong}"#);
                assert_eq!(read(endpoint, &field).unwrap_err(), Some(param), "{field}");
            }
        }
        assert_eq!(read(Endpoint::Embeddings, r#","messages":[{}]"#).unwrap_err(), Some("input"));
        let never = read(Endpoint::Embeddings, r#","input":"a","stream":true"#).unwrap();
        assert!(!never.stream, "there are no streams of these");
        let stream = read(Endpoint::Completions, r#","prompt":"a","stream":true"#).unwrap();
        assert!(stream.stream && stream.adds_usage());
        let stream = read(Endpoint::Responses, r#","input":"a","stream":true"#).unwrap();
        assert!(stream.stream && !stream.adds_usage(), "it counts by itself");
    }

    #[test]
    fn several_choices_are_those_of_one_prompt_or_of_several() {
        let several = |endpoint, fields: &str| {
            let body = format!(r#"{{"model":"m","messages":[{{}}]{fields}}}"#);
            Envelope::read(body.as_bytes(), endpoint).unwrap().several
        };
        for one in ["", r#","n":1"#, r#","n": null"#, r#","prompt":["a","b"]"#] {
            assert!(!several(Endpoint::ChatCompletions, one), "{one}");
        }
        assert!(several(Endpoint::ChatCompletions, r#","n": 2"#));
        assert!(!several(Endpoint::Completions, r#","prompt":"a""#));
        assert!(several(Endpoint::Completions, r#","prompt":"a","n":3"#));
        assert!(several(Endpoint::Completions, r#","prompt": ["a","b"]"#));
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
            r#"["canary",[{}],null,null,null,null,null,null]"#,
        ] {
            let error = read(body).unwrap_err();
            assert!(!error.message.contains("canary"), "{}", error.message);
        }
        assert!(Envelope::read(b"{\"model\":\"\xff\"}", Endpoint::ChatCompletions).is_err());
        let said = |body: &str| read(body).unwrap_err().message;
        for body in ["null", " [] ", "\"x\"", "5"] {
            assert_eq!(said(body), "the body is not a JSON object", "{body}");
        }
        assert!(said(r#"{"model":"a","model":"b"}"#).contains("names a field twice (line 1"));
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
