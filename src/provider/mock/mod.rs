//! The mock provider: answers made here, the same for the same request, in the exact wire shapes
//! of both families. It needs no network and costs nothing.
//!
//! An answer is a function of model, conversation and seed. Text, ids, times and counts follow
//! from a digest of those, so two servers, or two runs, answer alike. How it behaves otherwise,
//! well or badly, is said by the model's name ([`names`]).

mod anthropic;
mod completions;
mod counts;
mod draft;
mod embeddings;
mod ledger;
mod names;
mod openai;
mod refusals;
mod responses;
mod script;
mod text;
mod tools;

pub(crate) use counts::RUN;
pub(crate) use ledger::{Billed, Ledger};
pub(crate) use names::{Behaviour, MODEL, NAME, Named, about, is_own, listed, named};
pub(crate) use script::{Ending, Lead, Script, Step};

use super::envelope::{Envelope, Malformed};
use super::usage::Tokens;
use super::wire::{Endpoint, Family};
use bytes::Bytes;
use draft::{Choice, Draft, draft};
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
    /// The endpoint that is asked.
    pub(crate) endpoint: Endpoint,
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

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Answers a request whose envelope has been read.
///
/// # Errors
/// The conversation is not written as the family wants it.
pub(crate) fn answer(
    endpoint: Endpoint,
    envelope: &Envelope,
    body: &[u8],
) -> Result<Answer, Malformed> {
    let request = parse(body)?;
    let draft = draft(endpoint, envelope, &request, false)?;
    let tokens =
        Tokens { input: Some(draft.input), output: Some(draft.output()), ..Tokens::default() };
    let pieces = pieces(envelope.stream, &draft, &request)?;
    Ok(Answer { pieces, tokens: tokens.at(endpoint) })
}

impl Mock {
    /// What is done for a request to a model that does more than answer.
    ///
    /// # Errors
    /// The conversation is not written as the family wants it.
    pub(crate) fn script(&self, behaviour: Behaviour, put: &Put<'_>) -> Result<Script, Malformed> {
        let request = parse(put.body)?;
        let eager = behaviour.act == names::Act::ToolCall;
        let draft = draft(put.endpoint, put.envelope, &request, eager)?;
        let named = user(put.endpoint.family(), &request);
        let (before, since) = match (behaviour.often, put.run, named) {
            (names::Often::Always, ..) => Default::default(),
            (_, Some(run), _) => self.count(put, (0, run)),
            (_, None, Some(user)) => self.count(put, (1, user.as_bytes())),
            (_, None, None) => self.count(put, (2, draft.digest.id().as_bytes())),
        };
        let act =
            if behaviour.often.holds(before, since) { behaviour.act } else { names::Act::Chat };
        let pieces = pieces(put.envelope.stream, &draft, &request)?;
        Ok(script::script(act, put, &draft, pieces))
    }

    fn count(&self, put: &Put<'_>, run: (u8, &[u8])) -> (u64, std::time::Duration) {
        self.counts.next((put.key_id, put.endpoint.family(), put.model, run), Instant::now())
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

fn pieces(stream: bool, draft: &Draft, request: &Value) -> Result<Vec<Piece>, Malformed> {
    let whole = |bytes| vec![Piece { bytes, output: draft.output() }];
    Ok(match (draft.endpoint, stream) {
        (Endpoint::ChatCompletions, false) => whole(openai::plain(draft)),
        (Endpoint::ChatCompletions, true) => openai::stream(draft, request),
        (Endpoint::Completions, false) => whole(completions::plain(draft)),
        (Endpoint::Completions, true) => completions::stream(draft, request),
        (Endpoint::Responses, false) => whole(responses::plain(draft, request)),
        (Endpoint::Responses, true) => responses::stream(draft, request),
        (Endpoint::Embeddings, _) => whole(embeddings::plain(draft, request)?),
        (Endpoint::Messages, false) => whole(anthropic::plain(draft)),
        (Endpoint::Messages, true) => anthropic::stream(draft),
        (Endpoint::CountTokens, _) => whole(anthropic::count(draft)),
    })
}

#[cfg(test)]
mod tests;
