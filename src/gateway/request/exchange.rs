//! One request to one target with one key, judged by what comes back.

use super::answer::AnswerBody;
use super::attempt::{Attempt, Meter};
use super::crossing::Crossing;
use super::forward::Call;
use super::later::Later;
use super::missed::{Kind, Missed, is_json};
use crate::base::Joined;
use crate::base::apart::{LARGE, apart};
use crate::gateway::error::GatewayError;
use crate::gateway::resilience::breaker::Permit;
use crate::gateway::resilience::places::Place;
use crate::gateway::routes::{Limits, Target};
use crate::gateway::slots::InFlight;
use crate::provider::client::root_cause;
use crate::provider::failure::Phase;
use crate::provider::{
    Class, Client, Endpoint, Envelope, Failure, Received, Tokens, failure, foreign, headers, shape,
    usage,
};
use crate::settings::profile::StreamCommit;
use crate::store::Outcome;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use std::sync::Arc;
use std::time::Instant;
use tokio::time::timeout_at;

/// The largest plain answer that is passed on.
const LARGEST_ANSWER: usize = 64 << 20;

/// The largest error body that is read.
const LARGEST_ERROR: usize = 256 << 10;

/// Room for the provider's headers and ours, made once instead of grown.
const HEADERS: usize = 32;

/// One request to one target with one key.
pub(super) struct Exchange<'a> {
    pub(super) client: &'a Client,
    pub(super) meter: &'a Arc<dyn Meter>,
    /// Names this instance in [`headers::HOP`].
    pub(super) instance: &'a HeaderValue,
    pub(super) target: &'a Target,
    pub(super) uri: &'a Uri,
    /// The endpoint that is asked there: how the answer reads follows from it.
    pub(super) endpoint: Endpoint,
    /// What is put to it instead, if it is of another family.
    pub(super) crossing: Option<&'a Crossing>,
    pub(super) limits: &'a Limits,
    pub(super) call: &'a Call,
    /// Which attempt of the request, from 1.
    pub(super) number: u32,
    /// The targets that may be asked after it: without any it may take as long as it likes for its
    /// first event.
    pub(super) later: Option<&'a Later<'a>>,
    /// When a stream begins.
    pub(super) commit: StreamCommit,
}

/// What an exchange has with it until its answer, or its stream, has ended.
pub(super) struct Held {
    /// For the breaker, which hears how it ends.
    pub(super) permit: Option<Permit>,
    /// Among the requests that the target is asked.
    pub(super) place: Option<Place>,
}

impl Exchange<'_> {
    /// Asks, and judges what comes back; the breaker hears of it, of a stream when that ends. A
    /// stream keeps the place. Where it is for another key to try, `next` gets what was held: nobody
    /// else comes between.
    pub(super) async fn run(
        &self,
        slot: &InFlight,
        mut held: Held,
        next: &mut Option<Held>,
    ) -> Result<Response<AnswerBody>, Missed> {
        let began = Instant::now();
        let outcome = self.ask(slot, &mut held).await;
        if matches!(&outcome, Err(missed) if missed.kind.is_of_key()) {
            // A stream that was whole before it was refused has taken it.
            *next = held.place.is_some().then_some(held);
            return outcome;
        }
        let Held { permit, place } = held;
        let mut too_many = false;
        if let Some(place) = place {
            match &outcome {
                Ok(_) => place.answered(),
                Err(missed) if missed.shows_overload() => too_many = place.overloaded(),
                Err(_) => {}
            }
        }
        let failed = match &outcome {
            Ok(_) => false,
            Err(missed) => match missed.kind {
                // It works, and has more to do than it can.
                Kind::Overloaded if too_many && !permit.as_ref().is_some_and(Permit::finds_out) => {
                    return outcome;
                }
                Kind::Unreached
                | Kind::Unanswered
                | Kind::Broken
                | Kind::Overloaded
                | Kind::Useless => true,
                // It was silent for most of the time, and not asked too late.
                Kind::Final if began.elapsed() >= self.limits.total / 2 => {
                    matches!(&*missed.told, Err(GatewayError::Failed { .. }))
                }
                // They say nothing about how well it is.
                _ => return outcome,
            },
        };
        // A stream has it with it.
        if let Some(permit) = permit {
            if failed { permit.failed() } else { permit.succeeded() }
        }
        outcome
    }

    async fn ask(&self, slot: &InFlight, held: &mut Held) -> Result<Response<AnswerBody>, Missed> {
        let mut attempt = Attempt::begin(
            &self.call.asked,
            &self.target.provider.name,
            &self.target.model,
            self.number,
            self.meter,
        );
        let started = self.call.asked.started;
        let deadline = started + self.limits.total;
        let head = match (self.limits.headers, self.call.envelope.stream) {
            (Some(limit), _) => limit,
            (None, true) => Limits::STREAM_HEAD,
            (None, false) => self.limits.total,
        };
        let due = (Instant::now() + head).min(deadline);
        let sent = attempt.unsent();
        let sending = self.client.send(self.request(slot).await, self.limits.connect, sent);
        let response = match timeout_at(due.into(), sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => {
                let kind = match failure {
                    Failure::Malformed(_) => Kind::Useless,
                    Failure::Connect(_) | Failure::Timeout(Phase::Connect, _) => Kind::Unreached,
                    Failure::Transport(_) | Failure::Timeout(..) => Kind::Unanswered,
                };
                return Err(self.lost(&mut attempt, kind, failure));
            }
            Err(_) if due == deadline => {
                let failure = Failure::Timeout(Phase::Total, self.limits.total);
                return Err(self.lost(&mut attempt, Kind::Final, failure));
            }
            Err(_) => {
                let failure = Failure::Timeout(Phase::Headers, head);
                return Err(self.lost(&mut attempt, Kind::Useless, failure));
            }
        };
        self.judge(response, attempt, slot, held, deadline).await
    }

    async fn request(&self, slot: &InFlight) -> Request<Full<Bytes>> {
        let body = match self.crossing {
            Some(crossing) => crossing.body.clone(),
            None => self.patched().await,
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let out = request.headers_mut();
        out.reserve(self.call.headers.len() + 2);
        headers::to_provider(&self.call.headers, out);
        match self.crossing {
            Some(crossing) => crossing.dress(out),
            None => self.endpoint.family().defaults(out),
        }
        for (name, value) in &slot.slot().credentials {
            out.insert(name.clone(), value.clone());
        }
        out.append(headers::HOP, self.instance.clone());
        request
    }

    /// The body as the provider gets it; a large one is copied apart.
    async fn patched(&self) -> Bytes {
        let counts = self.target.provider.stream_usage;
        let (envelope, body, model) = (&self.call.envelope, &self.call.body, &self.target.model);
        let endpoint = self.endpoint;
        let patched = move |envelope: &Envelope, body: &Bytes, model: &str| {
            let body = envelope.for_provider(body, model, counts);
            foreign::without(endpoint, &body).unwrap_or(body)
        };
        if body.len() < LARGE {
            return patched(envelope, body, model);
        }
        let (envelope, body, model) = (envelope.clone(), body.clone(), Arc::clone(model));
        apart(body.len(), move || patched(&envelope, &body, &model)).await
    }

    async fn judge(
        &self,
        response: Response<Received>,
        mut attempt: Attempt,
        slot: &InFlight,
        held: &mut Held,
        deadline: Instant,
    ) -> Result<Response<AnswerBody>, Missed> {
        let (mut parts, upstream) = response.into_parts();
        headers::without(slot.slot().secret.expose(), &mut parts.headers);
        match Class::of(parts.status) {
            Class::Success => {}
            Class::Unusable => {
                let failure = Failure::Malformed(format!(
                    "status {}, which is neither an answer nor an error",
                    parts.status.as_u16()
                ));
                return Err(self.lost(&mut attempt, Kind::Useless, failure));
            }
            _ => {
                // One that cannot be read says what its status says.
                let read = Box::pin(self.read(upstream, LARGEST_ERROR, deadline)).await;
                attempt.fail(Outcome::Error, parts.status.as_u16());
                return Err(Box::pin(self.error(&parts, read.unwrap_or_default(), slot)).await);
            }
        }
        let kind = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        // What cannot be read cannot be counted either, and little may become very much.
        if parts.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            let failure = Failure::Malformed("it is encoded, which nobody asked for".to_owned());
            return Err(self.unusable(&mut attempt, Kind::Useless, failure));
        }
        let asked_for_stream = self.call.envelope.stream && self.endpoint.streams();
        if self.crossing.map_or_else(|| is_stream(kind), |crossing| crossing.streams(kind)) {
            if !asked_for_stream {
                let failure = Failure::Malformed("it is a stream, not asked for".to_owned());
                return Err(self.unusable(&mut attempt, Kind::Useless, failure));
            }
            let stream = self.stream(parts, upstream, attempt, slot, held, deadline);
            return Box::pin(stream).await;
        }
        if !is_json(&parts.headers) {
            let failure = Failure::Malformed("it is neither JSON nor a stream".to_owned());
            return Err(self.unusable(&mut attempt, Kind::Useless, failure));
        }
        let body = match self.read(upstream, LARGEST_ANSWER, deadline).await {
            Ok(body) => body,
            Err((kind, failure)) => return Err(self.unusable(&mut attempt, kind, failure)),
        };
        if let Some(crossing) = self.crossing {
            return Box::pin(self.told(crossing, &parts, body, &mut attempt, slot)).await;
        }
        let (endpoint, text) = (self.endpoint, body.clone());
        match apart(body.len(), move || Found::in_answer(endpoint, &text)).await {
            Found::Nothing => {
                let failure = Failure::Malformed("it is not a whole JSON object".to_owned());
                return Err(self.unusable(&mut attempt, Kind::Useless, failure));
            }
            Found::Answer { tokens, shaped } => {
                tokens.into_iter().for_each(|tokens| attempt.count(tokens));
                // A client that waits for events would find none in it, and take that for an answer.
                let none = match shaped {
                    true if asked_for_stream => Some("it is no stream"),
                    true => None,
                    false => Some("there is no answer in it"),
                };
                if let Some(why) = none {
                    let failure = Failure::Malformed(why.to_owned());
                    return Err(self.unusable(&mut attempt, Kind::Useless, failure));
                }
            }
            Found::Refusal { tokens, stated, class } => {
                tokens.into_iter().for_each(|tokens| attempt.count(tokens));
                attempt.fail(Outcome::Error, stated.as_u16());
                // A response that failed is an object like any other, which clients can read.
                let shown = match self.endpoint {
                    Endpoint::Responses => parts.status,
                    _ => stated,
                };
                let refusal = self.refusal(class, shown, &parts.headers, body, slot);
                return Err(Box::pin(refusal).await);
            }
        }
        attempt
            .end_with_others(Outcome::Ok, parts.status.as_u16())
            .await
            .map_err(|why| Missed::new(Kind::Final, GatewayError::Unmetered(why)))?;
        let mut answer = answer(&parts, AnswerBody::Whole(Some(body)));
        attempt.tell_cost(answer.headers_mut());
        Ok(answer)
    }

    /// Reads a whole body of at most `limit` bytes.
    async fn read(
        &self,
        mut body: Received,
        limit: usize,
        deadline: Instant,
    ) -> Result<Bytes, (Kind, Failure)> {
        let mut joined = Joined::default();
        loop {
            let due = (Instant::now() + self.limits.stall).min(deadline);
            let frame = match timeout_at(due.into(), body.frame()).await {
                Ok(None) => return Ok(joined.whole()),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(e))) => {
                    return Err((Kind::Useless, Failure::Transport(root_cause(&e))));
                }
                Err(_) if due == deadline => {
                    let failure = Failure::Timeout(Phase::Total, self.limits.total);
                    return Err((Kind::Final, failure));
                }
                Err(_) => {
                    let failure = Failure::Timeout(Phase::Stall, self.limits.stall);
                    return Err((Kind::Useless, failure));
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            if joined.len() + data.len() > limit {
                let why = format!("it has more than {limit} bytes");
                return Err((Kind::Useless, Failure::Malformed(why)));
            }
            joined.push(data);
        }
    }
}

/// What a plain answer of the client's own family turns out to be.
enum Found {
    /// No whole JSON object.
    Nothing,
    /// What may be an answer: whether it has the shape of one, and what it says was counted.
    Answer { tokens: Option<Tokens>, shaped: bool },
    /// An error with a status of success.
    Refusal { tokens: Option<Tokens>, stated: StatusCode, class: Class },
}

impl Found {
    /// Looks through all of a body: one that is cut may end like a whole one, and its length may be right.
    fn in_answer(endpoint: Endpoint, body: &[u8]) -> Self {
        let text = body.trim_ascii();
        if !(text.starts_with(b"{") && text.ends_with(b"}")) || usage::is_cut(text) {
            return Self::Nothing;
        }
        let tokens = usage::in_json(body, endpoint);
        if !failure::is_error(endpoint, body) {
            return Self::Answer { tokens, shaped: shape::is_answer(endpoint, body) };
        }
        let family = endpoint.family();
        let stated = failure::stated(family, body);
        Self::Refusal { tokens, stated, class: Class::of_error(family, stated, body) }
    }
}

/// Whether an answer of this type is a stream of events.
pub(super) fn is_stream(kind: &[u8]) -> bool {
    const STREAM: &[u8] = b"text/event-stream";
    kind.get(..STREAM.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(STREAM))
}

/// An answer with what the client gets of the provider's head.
pub(super) fn answer(parts: &Parts, body: AnswerBody) -> Response<AnswerBody> {
    let mut answer = Response::new(body);
    *answer.status_mut() = parts.status;
    answer.headers_mut().reserve(HEADERS);
    headers::to_client(&parts.headers, answer.headers_mut());
    answer
}
