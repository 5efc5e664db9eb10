//! What the mock answers, before it has the shape of an endpoint: words, or a call, and counts.

use super::super::envelope::{Envelope, Malformed};
use super::super::wire::{Endpoint, Family};
use super::{count, text, tools};
use serde_json::Value;

/// What the shapes of all endpoints have in common.
pub(super) struct Draft {
    /// The endpoint that is asked.
    pub(super) endpoint: Endpoint,
    /// Seed of text, ids and time.
    pub(super) digest: text::Digest,
    /// The model that was asked for.
    pub(super) model: String,
    /// The answers, as words; more than one if so many were asked for.
    pub(super) choices: Vec<Choice>,
    /// Tokens of what is asked.
    pub(super) input: u64,
    /// Whether the conversation ends with a message of the assistant.
    pub(super) prefilled: bool,
}

/// One answer.
pub(super) struct Choice {
    /// Each begins with the blank before it, but for the first. Of a call, pieces of the arguments.
    pub(super) words: Vec<String>,
    /// Whether it was cut because no more tokens were allowed.
    pub(super) cut: bool,
    /// The tool that is called: its name and the end of the call's id.
    pub(super) call: Option<(String, String)>,
}

impl Draft {
    pub(super) fn output(&self) -> u64 {
        self.choices.iter().map(|c| count(c.words.len())).sum()
    }

    /// What of the input is metered.
    pub(super) fn metered(&self) -> u64 {
        if self.endpoint == Endpoint::CountTokens { 0 } else { self.input }
    }

    /// A fixed moment in the past, in seconds since 1970.
    pub(super) fn created(&self) -> u64 {
        1_700_000_000 + self.digest.number(0) % 10_000_000
    }
}

/// The most answers to one request.
const MOST_CHOICES: u64 = 16;

/// The most texts that are answered in one request, each `n` times.
const MOST_TEXTS: u64 = 128;

/// What is asked.
#[derive(Default)]
struct Said<'a> {
    /// What stands above it.
    above: Option<&'a Value>,
    /// The rest.
    all: Option<&'a Value>,
    /// Its tokens.
    input: u64,
    /// Whether it ends with what the assistant says.
    prefilled: bool,
    /// For how many texts an answer is wanted.
    texts: u64,
}

/// Drafts an answer; where `eager`, it calls a tool although nothing forces it to.
///
/// # Errors
/// The request is not written as the endpoint wants it.
pub(super) fn draft(
    endpoint: Endpoint,
    envelope: &Envelope,
    request: &Value,
    eager: bool,
) -> Result<Draft, Malformed> {
    let said = match endpoint {
        Endpoint::ChatCompletions | Endpoint::Messages | Endpoint::CountTokens => {
            conversation(request)?
        }
        Endpoint::Responses => items(request)?,
        Endpoint::Completions => texts(request.get("prompt")),
        Endpoint::Embeddings => texts(request.get("input")),
    };
    let digest = text::Digest::of(&[
        &Value::from(envelope.model.as_str()),
        said.above.unwrap_or(&Value::Null),
        said.all.unwrap_or(&Value::Null),
        request.get("seed").unwrap_or(&Value::Null),
    ]);
    let choices = match endpoint {
        Endpoint::Embeddings | Endpoint::CountTokens => Vec::new(),
        _ => choices(endpoint, envelope, request, &digest, said.texts, eager)?,
    };
    Ok(Draft {
        endpoint,
        digest,
        model: envelope.model.clone(),
        choices,
        input: said.input,
        prefilled: said.prefilled,
    })
}

fn choices(
    endpoint: Endpoint,
    envelope: &Envelope,
    request: &Value,
    digest: &text::Digest,
    texts: u64,
    eager: bool,
) -> Result<Vec<Choice>, Malformed> {
    let limits: &[&str] = match endpoint {
        Endpoint::Responses => &["max_output_tokens"],
        _ => &["max_completion_tokens", "max_tokens"],
    };
    let allowed = limits
        .iter()
        .find_map(|name| request.get(name).and_then(Value::as_u64))
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(usize::MAX);
    let wanted = match request.get("n") {
        None | Some(Value::Null) => 1,
        Some(_) if endpoint.family() == Family::Anthropic || endpoint == Endpoint::Responses => 1,
        Some(n) => n.as_u64().filter(|n| (1..=MOST_CHOICES).contains(n)).ok_or_else(|| {
            let message = format!("`n` must be a whole number from 1 to {MOST_CHOICES}");
            Malformed { param: Some("n"), message }
        })?,
    };
    if texts.saturating_mul(wanted) > MOST_TEXTS {
        let message = format!("`prompt` asks for more than {MOST_TEXTS} answers at once");
        return Err(Malformed { param: Some("prompt"), message });
    }
    let tool = match endpoint {
        Endpoint::Completions => None,
        _ => tools::wanted(endpoint, request, eager)?,
    };
    Ok((0..wanted.saturating_mul(texts))
        .map(|index| {
            let (mut words, call) = match tool.as_ref().map(|t| tools::call(t, digest, index)) {
                Some(call) => (call.fragments, Some((call.name, call.id))),
                None => (text::words(digest, index, &envelope.model), None),
            };
            let cut = words.len() > allowed;
            words.truncate(allowed);
            Choice { words, cut, call }
        })
        .collect())
}

/// Messages, and what the system says above them.
fn conversation(request: &Value) -> Result<Said<'_>, Malformed> {
    let above = request.get("system");
    let all = request.get("messages");
    let mut said =
        Said { above, all, input: above.map_or(0, text::tokens), prefilled: false, texts: 1 };
    for message in all.and_then(Value::as_array).into_iter().flatten() {
        let role = message.get("role").and_then(Value::as_str);
        if role.is_none_or(str::is_empty) {
            return Err(Malformed {
                param: Some("messages"),
                message: "every message must be an object with a `role`".to_owned(),
            });
        }
        said.prefilled = role == Some("assistant");
        // A few tokens frame each message.
        said.input += 3 + message.get("content").map_or(0, text::tokens);
    }
    Ok(said)
}

/// The input of a response: a text, or items.
fn items(request: &Value) -> Result<Said<'_>, Malformed> {
    let above = request.get("instructions");
    let all = request.get("input");
    let mut said =
        Said { above, all, input: above.map_or(0, text::tokens), prefilled: false, texts: 1 };
    match all {
        Some(text @ Value::String(_)) => said.input += 3 + text::tokens(text),
        Some(Value::Array(items)) => {
            for item in items {
                let word = |name: &str| item.get(name).and_then(Value::as_str);
                if word("role").or(word("type")).is_none_or(str::is_empty) {
                    return Err(Malformed {
                        param: Some("input"),
                        message: "every item must be an object with a `role` or a `type`"
                            .to_owned(),
                    });
                }
                said.prefilled = word("role") == Some("assistant");
                let parts = ["content", "output", "arguments"];
                let tokens = parts.iter().filter_map(|name| item.get(name)).map(text::tokens);
                said.input += 3 + tokens.sum::<u64>();
            }
        }
        _ => {}
    }
    Ok(said)
}

/// One text or several, each also as the numbers of its tokens.
fn texts(all: Option<&Value>) -> Said<'_> {
    let (input, texts) = match all {
        Some(Value::Array(list)) if list.iter().any(|item| !item.is_number()) => {
            (list.iter().map(tokens_of).sum(), count(list.len()))
        }
        Some(one) => (tokens_of(one), 1),
        None => (0, 1),
    };
    Said { all, input, texts, ..Said::default() }
}

/// The tokens of a text, or of a list of the numbers of tokens.
fn tokens_of(text: &Value) -> u64 {
    text.as_array().map_or_else(|| text::tokens(text), |numbers| count(numbers.len()))
}
