//! What the mock does for one request: when its head comes, which bytes, with which pauses, and
//! how it ends.

use super::names::Act;
use super::{Draft, Piece, Put, refusals};
use crate::provider::wire::Endpoint;
use bytes::Bytes;
use std::time::Duration;

/// What the mock does for one request.
#[derive(Debug)]
pub(crate) struct Script {
    /// The time before it does anything.
    pub(crate) before: Duration,
    /// How it begins.
    pub(crate) lead: Lead,
    /// Status of the head.
    pub(crate) status: u16,
    /// `Content-Type` of the head.
    pub(crate) kind: &'static str,
    /// What the head says of when to come back.
    pub(crate) retry_after: Option<Duration>,
    /// The body.
    pub(crate) steps: Vec<Step>,
    /// The length of the body that the head announces; a body that is streamed has none.
    pub(crate) length: Option<u64>,
    /// Tokens of the conversation, if it is answered.
    pub(crate) input: u64,
    /// How it ends, if it comes to its last step.
    pub(crate) ending: Ending,
}

/// How it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// With the head of an answer.
    Head,
    /// The connection is reset.
    Reset,
    /// Never.
    Never,
}

/// A part of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Sends this.
    Say(Piece),
    /// Pauses.
    Wait(Duration),
    /// Sends nothing any more, and leaves the connection open.
    Silence,
    /// Closes the connection.
    Cut,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Whole and usable.
    Whole,
    /// As an error, or with something that is no answer.
    Error,
    /// Before its end.
    Truncated,
}

/// How often a stream that has nothing to say shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_millis(500);

/// The size of the pieces that drip.
const DROP: usize = 16;

/// The comment of a stream that has nothing to say (a line that begins with a colon).
const COMMENT: &[u8] = b": keep-alive\n\n";

const HTML: &[u8] = b"<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1><p>This page is from the mock.</p></body></html>\n";

const STREAM: &str = "text/event-stream; charset=utf-8";
const JSON: &str = "application/json";

/// The script of an answer that begins at once.
fn usual(stream: bool, pieces: Vec<Piece>, input: u64) -> Script {
    Script {
        before: Duration::ZERO,
        lead: Lead::Head,
        status: 200,
        kind: if stream { STREAM } else { JSON },
        retry_after: None,
        length: (!stream).then(|| super::count(pieces.iter().map(|p| p.bytes.len()).sum())),
        steps: pieces.into_iter().map(Step::Say).collect(),
        input,
        ending: Ending::Whole,
    }
}

fn saying(status: u16, kind: &'static str, body: Bytes) -> Script {
    let script = usual(false, vec![Piece { bytes: body, output: 0 }], 0);
    Script { status, kind, ending: Ending::Error, ..script }
}

/// The script of `act`; `pieces` are the usual answer.
pub(super) fn script(act: Act, put: &Put<'_>, draft: &Draft, pieces: Vec<Piece>) -> Script {
    let (endpoint, stream) = (put.endpoint, put.envelope.stream);
    let prefills = act != Act::NoPrefill || draft.prefilled;
    // In a stream that error comes later.
    let late = act == Act::StreamError && stream;
    if prefills
        && !late
        && let Some(refusal) = refusals::refusal(act, endpoint, put.request_id)
    {
        let script = saying(refusal.status, JSON, refusal.body);
        return Script { retry_after: refusal.retry_after, ..script };
    }
    let mut script = usual(stream, pieces, draft.metered());
    match act {
        Act::Latency(time) => script.before = time,
        Act::Reset => script.lead = Lead::Reset,
        Act::Hang => script.lead = Lead::Never,
        Act::Html(status) => return saying(status, "text/html; charset=utf-8", HTML.into()),
        Act::WrongType => {
            script.kind = "text/plain; charset=utf-8";
            script.ending = Ending::Error;
        }
        Act::Empty => {
            script.steps.clear();
            script.length = (!stream).then_some(0);
            (script.input, script.ending) = (0, unusable(stream));
        }
        Act::TokensPerSecond(rate) => {
            let pause = |tokens: u64| {
                Duration::from_secs(1) / rate.max(1) * u32::try_from(tokens).unwrap_or(u32::MAX)
            };
            if stream {
                pauses(&mut script.steps, |piece| pause(piece.output));
            } else {
                script.before = pause(draft.output());
            }
        }
        Act::FirstToken(time) => {
            let mut steps = waiting(time, stream);
            steps.append(&mut script.steps);
            script.steps = steps;
        }
        Act::Drip(time) => {
            script.steps = script.steps.into_iter().flat_map(drops).collect();
            pauses(&mut script.steps, |_| time);
        }
        Act::NoDone if stream => {
            drop(script.steps.pop());
            // The last event of a response is all of it.
            if endpoint == Endpoint::Responses {
                script.ending = Ending::Truncated;
            }
        }
        Act::Cut | Act::Stall(_) | Act::StreamError | Act::MalformedEvent | Act::Truncated => {
            midway(&mut script, act, put);
        }
        _ => {}
    }
    script
}

/// What is no answer is an error where it was to be one object, and an end too early in a stream.
fn unusable(stream: bool) -> Ending {
    if stream { Ending::Truncated } else { Ending::Error }
}

/// Something happens in the middle of the body.
fn midway(script: &mut Script, act: Act, put: &Put<'_>) {
    let stream = put.envelope.stream;
    if act == Act::MalformedEvent && !stream {
        return;
    }
    let rest = if stream { half(&mut script.steps) } else { half_of_one(&mut script.steps) };
    match act {
        Act::Stall(Some(time)) => {
            script.steps.push(Step::Wait(time));
            script.steps.extend(rest);
        }
        Act::Stall(None) => script.steps.push(Step::Silence),
        Act::MalformedEvent => {
            script.steps.push(say(malformed(put.endpoint), 0));
            script.steps.extend(rest);
        }
        Act::StreamError => {
            let number = super::count(script.steps.len());
            let event = refusals::event(put.endpoint, put.request_id, number).unwrap_or_default();
            script.steps.push(say(event, 0));
            script.ending = Ending::Error;
        }
        Act::Truncated => {
            if stream && let Some(Step::Say(piece)) = rest.first() {
                let (bytes, _) = halves(&piece.bytes);
                script.steps.push(say(bytes, 0));
            }
            script.ending = unusable(stream);
            script.length = (!stream).then(|| {
                let said = |step: &Step| match step {
                    Step::Say(piece) => piece.bytes.len(),
                    _ => 0,
                };
                super::count(script.steps.iter().map(said).sum())
            });
        }
        _ => {
            script.steps.push(Step::Cut);
            script.ending = Ending::Truncated;
        }
    }
}

fn say(bytes: Bytes, output: u64) -> Step {
    Step::Say(Piece { bytes, output })
}

fn output(step: &Step) -> u64 {
    match step {
        Step::Say(piece) => piece.output,
        _ => 0,
    }
}

/// Leaves the first half of a stream's events, with at least one token, and gives back the others.
fn half(steps: &mut Vec<Step>) -> Vec<Step> {
    let first = steps.iter().position(|step| output(step) > 0).map_or(0, |at| at + 1);
    let at = first.max(steps.len() / 2).min(steps.len());
    steps.split_off(at)
}

fn halves(bytes: &Bytes) -> (Bytes, Bytes) {
    let at = bytes.len() / 2;
    (bytes.slice(..at), bytes.slice(at..))
}

/// Cuts the one piece of a plain answer in two; its tokens go with its last byte.
fn half_of_one(steps: &mut Vec<Step>) -> Vec<Step> {
    let Some(Step::Say(piece)) = steps.pop() else { return Vec::new() };
    let (one, other) = halves(&piece.bytes);
    steps.push(say(one, 0));
    vec![say(other, piece.output)]
}

/// Pauses before every piece, as long as `before` says.
fn pauses(steps: &mut Vec<Step>, before: impl Fn(&Piece) -> Duration) {
    let all = std::mem::take(steps);
    for step in all {
        if let Step::Say(piece) = &step {
            let pause = before(piece);
            if !pause.is_zero() {
                steps.push(Step::Wait(pause));
            }
        }
        steps.push(step);
    }
}

/// The step in small pieces; its tokens go with its last byte.
fn drops(step: Step) -> Vec<Step> {
    let Step::Say(piece) = step else { return vec![step] };
    let mut rest = piece.bytes;
    let mut steps = Vec::with_capacity(rest.len().div_ceil(DROP));
    while rest.len() > DROP {
        steps.push(say(rest.split_to(DROP), 0));
    }
    steps.push(say(rest, piece.output));
    steps
}

/// A long wait, in which a stream shows that it lives.
fn waiting(mut time: Duration, stream: bool) -> Vec<Step> {
    if !stream {
        return vec![Step::Wait(time)];
    }
    let mut steps = Vec::new();
    loop {
        steps.push(say(Bytes::from_static(COMMENT), 0));
        let pause = time.min(KEEP_ALIVE);
        steps.push(Step::Wait(pause));
        time = time.saturating_sub(pause);
        if time.is_zero() {
            return steps;
        }
    }
}

/// An event that is no JSON.
fn malformed(endpoint: Endpoint) -> Bytes {
    Bytes::from_static(match endpoint {
        Endpoint::Responses => b"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\n\n",
        Endpoint::Completions => b"data: {\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\n\n",
        Endpoint::ChatCompletions | Endpoint::Embeddings => b"data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\n\n",
        Endpoint::Messages | Endpoint::CountTokens => b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\n\n",
    })
}
