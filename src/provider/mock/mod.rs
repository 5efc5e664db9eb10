//! The mock provider: answers made here, the same for the same request, in the exact wire shapes
//! of both families. It needs no network and costs nothing.
//!
//! An answer is a function of model, conversation and seed. Text, ids, times and counts follow
//! from a digest of those, so two servers, or two runs, answer alike. How it behaves otherwise,
//! well or badly, is said by the model's name ([`names`]).

mod anthropic;
mod counts;
mod ledger;
mod names;
mod openai;
mod refusals;
mod script;
mod text;
mod tools;

pub(crate) use counts::RUN;
pub(crate) use ledger::{Billed, Ledger};
pub(crate) use names::{Behaviour, MODEL, NAME, Named, about, is_own, listed, named};
pub(crate) use script::{Ending, Lead, Script, Step};

use super::envelope::{Envelope, Malformed};
use super::usage::Tokens;
use super::wire::Family;
use bytes::Bytes;
use serde_json::Value;
use std::time::Instant;

/// What the mock remembers.
#[derive(Debug, Default)]
pub(crate) struct Mock {
    /// What it has counted.
    pub(crate) ledger: Ledger,
    counts: counts::Counts,
}

/// What the mock answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// One piece for a plain answer; one for each event of a stream.
    pub(crate) pieces: Vec<Piece>,
    /// What it counted.
    pub(crate) tokens: Tokens,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// What is sent.
    pub(crate) bytes: Bytes,
    /// Tokens of the answer in it.
    pub(crate) output: u64,
}

/// A request as it is put to the mock.
#[derive(Debug)]
pub(crate) struct Put<'a> {
    /// The family of the API that is asked.
    pub(crate) family: Family,
    /// What is known of the body.
    pub(crate) envelope: &'a Envelope,
    /// The body.
    pub(crate) body: &'a [u8],
    /// Who asks.
    pub(crate) key_id: &'a str,
    /// The model's name here.
    pub(crate) model: &'a str,
    /// What the client calls its run, in the header [`RUN`].
    pub(crate) run: Option<&'a [u8]>,
    /// The request's id.
    pub(crate) request_id: &'a str,
}

/// What the shapes of both families have in common.
struct Draft {
    /// Seed of text, ids and time.
    digest: text::Digest,
    /// The model that was asked for.
    model: String,
    /// The answers, as words; more than one if so many were asked for.
    choices: Vec<Choice>,
    /// Tokens of the conversation.
    input: u64,
    /// Whether the conversation ends with a message of the assistant.
    prefilled: bool,
}

/// One answer.
struct Choice {
    /// Each begins with the blank before it, but for the first. Of a call, pieces of the arguments.
    words: Vec<String>,
    /// Whether it was cut because no more tokens were allowed.
    cut: bool,
    /// The tool that is called: its name and the end of the call's id.
    call: Option<(String, String)>,
}

impl Draft {
    fn output(&self) -> u64 {
        self.choices.iter().map(|c| count(c.words.len())).sum()
    }

    /// A fixed moment in the past, in seconds since 1970.
    fn created(&self) -> u64 {
        1_700_000_000 + self.digest.number(0) % 10_000_000
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Answers a request whose envelope has been read.
///
/// # Errors
/// The conversation is not written as the family wants it.
pub(crate) fn answer(
    family: Family,
    envelope: &Envelope,
    body: &[u8],
) -> Result<Answer, Malformed> {
    let request = parse(body)?;
    let draft = draft(family, envelope, &request, false)?;
    let tokens =
        Tokens { input: Some(draft.input), output: Some(draft.output()), ..Tokens::default() };
    Ok(Answer { pieces: pieces(family, envelope.stream, &draft, &request), tokens })
}

impl Mock {
    /// What is done for a request to a model that does more than answer.
    ///
    /// # Errors
    /// The conversation is not written as the family wants it.
    pub(crate) fn script(&self, behaviour: Behaviour, put: &Put<'_>) -> Result<Script, Malformed> {
        let request = parse(put.body)?;
        let eager = behaviour.act == names::Act::ToolCall;
        let draft = draft(put.family, put.envelope, &request, eager)?;
        let (before, since) = match (behaviour.often, put.run, user(put.family, &request)) {
            (names::Often::Always, ..) => Default::default(),
            (_, Some(run), _) => self.count(put, (0, run)),
            (_, None, Some(user)) => self.count(put, (1, user.as_bytes())),
            (_, None, None) => self.count(put, (2, draft.digest.id().as_bytes())),
        };
        let act =
            if behaviour.often.holds(before, since) { behaviour.act } else { names::Act::Chat };
        let pieces = pieces(put.family, put.envelope.stream, &draft, &request);
        Ok(script::script(act, put, &draft, pieces))
    }

    fn count(&self, put: &Put<'_>, run: (u8, &[u8])) -> (u64, std::time::Duration) {
        self.counts.next((put.key_id, put.family, put.model, run), Instant::now())
    }
}

fn parse(body: &[u8]) -> Result<Value, Malformed> {
    serde_json::from_slice(body)
        .map_err(|_| Malformed { param: None, message: "the body is not valid JSON".to_owned() })
}

/// The user that a request names.
fn user(family: Family, request: &Value) -> Option<&str> {
    let user = match family {
        Family::OpenAi => request.get("user"),
        Family::Anthropic => request.pointer("/metadata/user_id"),
    };
    user.and_then(Value::as_str).filter(|user| !user.is_empty())
}

fn pieces(family: Family, stream: bool, draft: &Draft, request: &Value) -> Vec<Piece> {
    let whole = |bytes| vec![Piece { bytes, output: draft.output() }];
    match (family, stream) {
        (Family::OpenAi, false) => whole(openai::plain(draft)),
        (Family::OpenAi, true) => openai::stream(draft, request),
        (Family::Anthropic, false) => whole(anthropic::plain(draft)),
        (Family::Anthropic, true) => anthropic::stream(draft),
    }
}

/// The most answers to one request.
const MOST_CHOICES: u64 = 16;

fn draft(
    family: Family,
    envelope: &Envelope,
    request: &Value,
    eager: bool,
) -> Result<Draft, Malformed> {
    let messages = request.get("messages").and_then(Value::as_array);
    let (mut input, mut prefilled) = (0, false);
    for message in messages.into_iter().flatten() {
        let role = message.get("role").and_then(Value::as_str);
        if role.is_none_or(str::is_empty) {
            return Err(Malformed {
                param: Some("messages"),
                message: "every message must be an object with a `role`".to_owned(),
            });
        }
        prefilled = role == Some("assistant");
        // A few tokens frame each message.
        input += 3 + message.get("content").map_or(0, text::tokens);
    }
    let system = request.get("system");
    input += system.map_or(0, text::tokens);

    let digest = text::Digest::of(&[
        &Value::from(envelope.model.as_str()),
        system.unwrap_or(&Value::Null),
        request.get("messages").unwrap_or(&Value::Null),
        request.get("seed").unwrap_or(&Value::Null),
    ]);
    let allowed = ["max_completion_tokens", "max_tokens"]
        .iter()
        .find_map(|name| request.get(name).and_then(Value::as_u64))
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(usize::MAX);
    let wanted = match request.get("n") {
        None | Some(Value::Null) => 1,
        Some(_) if family == Family::Anthropic => 1,
        Some(n) => {
            n.as_u64().filter(|n| (1..=MOST_CHOICES).contains(n)).ok_or_else(|| Malformed {
                param: Some("n"),
                message: format!("`n` must be a whole number from 1 to {MOST_CHOICES}"),
            })?
        }
    };
    let tool = tools::wanted(family, request, eager)?;
    let choices = (0..wanted)
        .map(|index| {
            let (mut words, call) = match tool.as_ref().map(|t| tools::call(t, &digest, index)) {
                Some(call) => (call.fragments, Some((call.name, call.id))),
                None => (text::words(&digest, index, &envelope.model), None),
            };
            let cut = words.len() > allowed;
            words.truncate(allowed);
            Choice { words, cut, call }
        })
        .collect();
    Ok(Draft { digest, model: envelope.model.clone(), choices, input, prefilled })
}

#[cfg(test)]
mod tests;
