//! From a request to an answer: which target, which key, one deadline, one retry loop.

use super::answer::AnswerBody;
use super::attempt::{Asked, Attempt, Meter};
use super::error::GatewayError;
use super::routes::{Backend, Limits, Provider, Route, Table, Target};
use super::slots::InFlight;
use crate::base::redact::Redactor;
use crate::provider::client::root_cause;
use crate::provider::failure::Phase;
use crate::provider::wire::Endpoint;
use crate::provider::{Class, Client, Envelope, Failure, headers, mock, usage};
use crate::store::Outcome;
use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// The largest plain answer that is passed on.
const LARGEST_ANSWER: usize = 64 << 20;

/// The largest error body that is read.
const LARGEST_ERROR: usize = 256 << 10;

/// Room for the provider's headers and ours, made once instead of grown.
const HEADERS: usize = 32;

/// So many attempts a request at most, refused keys not counted.
const ATTEMPTS: u32 = 3;

/// Routes, keys and connections: what turns a request into an answer.
#[derive(Debug)]
pub(crate) struct Gateway {
    table: ArcSwap<Table>,
    client: Option<Client>,
    meter: Arc<dyn Meter>,
    /// Names this instance in [`headers::HOP`].
    instance: HeaderValue,
}

/// A request of a client, read and admitted.
#[derive(Debug)]
pub(crate) struct Call {
    /// The endpoint that was asked.
    pub(crate) endpoint: Endpoint,
    /// What is known of the body.
    pub(crate) envelope: Envelope,
    /// The body.
    pub(crate) body: Bytes,
    /// The client's headers.
    pub(crate) headers: HeaderMap,
    /// The request, as it is metered.
    pub(crate) asked: Arc<Asked>,
}

/// An attempt that got no answer to pass on.
enum Missed {
    /// No byte left, so the same target may be asked again.
    Unsent(Failure),
    /// The provider does not take the key.
    KeyRefused,
    /// The key has used up its rate; with no other key this is the answer.
    RateLimited(Box<Response<AnswerBody>>),
    /// Nothing else will help.
    Final(GatewayError),
}

impl Gateway {
    /// A gateway. `client` may be left out in mode mock only.
    pub(crate) fn new(
        table: Table,
        client: Option<Client>,
        meter: Arc<dyn Meter>,
        instance: HeaderValue,
    ) -> Self {
        Self { table: ArcSwap::from_pointee(table), client, meter, instance }
    }

    /// The routes and providers in use.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// The route for a model.
    ///
    /// # Errors
    /// There is none of this name.
    pub(crate) fn route(&self, model: &str) -> Result<Arc<Route>, GatewayError> {
        let table = self.table.load();
        table.find(model).ok_or_else(|| GatewayError::UnknownModel {
            model: model.to_owned(),
            near: crate::base::near::nearest(model, table.routes().map(|r| &*r.model))
                .map(str::to_owned),
        })
    }

    /// Answers a call by the first target of `route` that can.
    ///
    /// # Errors
    /// There is no answer of a provider, not even an error of its own.
    pub(crate) async fn answer(
        &self,
        route: &Route,
        call: Call,
    ) -> Result<Response<AnswerBody>, GatewayError> {
        self.meter.ready().map_err(GatewayError::Unmetered)?;
        let family = call.endpoint.family();
        let mut number = 0;
        let mut last = None;
        let mut fit = false;
        for target in route.of_family(family) {
            fit = true;
            match &target.provider.backend {
                Backend::Mock => return self.mock(target, &call),
                Backend::Http { .. } if !target.provider.slots.usable() => {}
                Backend::Http { chat, .. } => {
                    match self.ask(target, chat, &route.limits, &call, &mut number).await {
                        Ok(answer) => return Ok(answer),
                        Err(Missed::Final(error)) => return Err(error),
                        Err(Missed::RateLimited(answer)) => return Ok(*answer),
                        Err(Missed::KeyRefused) => {
                            last = Some(GatewayError::CredentialsExhausted {
                                provider: target.provider.name.to_string(),
                            });
                        }
                        Err(Missed::Unsent(failure)) => {
                            last = Some(failed(&target.provider, failure));
                        }
                    }
                }
            }
        }
        if let Some(error) = last {
            return Err(error);
        }
        let model = route.model.to_string();
        Err(if fit {
            let reason = route.unavailable().unwrap_or_else(|| "no usable target".to_owned());
            GatewayError::Unavailable { model, reason }
        } else {
            GatewayError::WrongEndpoint { model, endpoints: route.endpoints() }
        })
    }

    fn mock(&self, target: &Target, call: &Call) -> Result<Response<AnswerBody>, GatewayError> {
        let answer = mock::answer(call.endpoint.family(), &call.envelope, &call.body)
            .map_err(GatewayError::Malformed)?;
        let mut attempt =
            Attempt::begin(&call.asked, &target.provider.name, &target.model, 1, &self.meter);
        attempt.count(answer.tokens);
        let (kind, body) = if call.envelope.stream {
            ("text/event-stream; charset=utf-8", AnswerBody::made(answer.pieces, attempt))
        } else {
            attempt.end(Outcome::Ok, 200).map_err(GatewayError::Unmetered)?;
            ("application/json", AnswerBody::Whole(answer.pieces.into_iter().next()))
        };
        let mut response = Response::new(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Ok(response)
    }

    /// Asks one target, with one key after the other if keys are refused.
    async fn ask(
        &self,
        target: &Target,
        uri: &Uri,
        limits: &Limits,
        call: &Call,
        number: &mut u32,
    ) -> Result<Response<AnswerBody>, Missed> {
        let slots = &target.provider.slots;
        let mut tried: Vec<InFlight> = Vec::new();
        let mut again = true;
        let mut limited = None;
        loop {
            let Some(slot) = slots.pick(&tried) else {
                return Err(limited.map_or(Missed::KeyRefused, Missed::RateLimited));
            };
            *number += 1;
            let asked = Exchange { gateway: self, target, uri, limits, call, number: *number };
            match asked.run(&slot).await {
                Ok(answer) => {
                    slots.accepted(&slot);
                    return Ok(answer);
                }
                Err(Missed::KeyRefused) => {
                    let rejected = slots.refused(&slot);
                    tracing::warn!(
                        request_id = %call.asked.request_id,
                        slot = %slot.slot().id,
                        generation = slot.slot().generation,
                        rejected,
                        "provider refuses the key"
                    );
                    tried.push(slot);
                }
                Err(Missed::RateLimited(answer)) => {
                    limited = Some(answer);
                    tried.push(slot);
                }
                Err(Missed::Unsent(failure)) => {
                    if !again || *number >= ATTEMPTS {
                        return Err(Missed::Unsent(failure));
                    }
                    again = false;
                }
                Err(error @ Missed::Final(_)) => return Err(error),
            }
        }
    }
}

fn failed(provider: &Provider, failure: Failure) -> GatewayError {
    GatewayError::Failed { provider: provider.name.to_string(), failure }
}

/// One request to one target with one key.
struct Exchange<'a> {
    gateway: &'a Gateway,
    target: &'a Target,
    uri: &'a Uri,
    limits: &'a Limits,
    call: &'a Call,
    number: u32,
}

impl Exchange<'_> {
    async fn run(&self, slot: &InFlight) -> Result<Response<AnswerBody>, Missed> {
        let Some(client) = &self.gateway.client else {
            let failure = Failure::Connect("this server has no client".to_owned());
            return Err(Missed::Final(failed(&self.target.provider, failure)));
        };
        let mut attempt = Attempt::begin(
            &self.call.asked,
            &self.target.provider.name,
            &self.target.model,
            self.number,
            &self.gateway.meter,
        );
        let started = self.call.asked.started;
        let deadline = started + self.limits.total;
        let head = match (self.limits.headers, self.call.envelope.stream) {
            (Some(limit), _) => limit,
            (None, true) => Limits::STREAM_HEAD,
            (None, false) => self.limits.total,
        };
        let due = (Instant::now() + head).min(deadline);
        let sent = timeout_at(due.into(), client.send(self.request(slot))).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => {
                return Err(match failure {
                    Failure::Connect(_) => {
                        attempt.fail(Outcome::Error, 502);
                        Missed::Unsent(failure)
                    }
                    Failure::Timeout(Phase::Connect, _) => {
                        attempt.fail(Outcome::Timeout, 504);
                        Missed::Unsent(failure)
                    }
                    other => self.lost(&mut attempt, other),
                });
            }
            Err(_) if due == deadline => {
                let failure = Failure::Timeout(Phase::Total, self.limits.total);
                return Err(self.lost(&mut attempt, failure));
            }
            Err(_) => {
                return Err(self.lost(&mut attempt, Failure::Timeout(Phase::Headers, head)));
            }
        };
        self.judge(response, attempt, slot, deadline).await
    }

    fn request(&self, slot: &InFlight) -> Request<Full<Bytes>> {
        let body = self.call.envelope.with_model(&self.call.body, &self.target.model);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let out = request.headers_mut();
        out.reserve(self.call.headers.len() + 2);
        headers::to_provider(&self.call.headers, out);
        self.target.provider.family.defaults(out);
        for (name, value) in &slot.slot().credentials {
            out.insert(name.clone(), value.clone());
        }
        out.append(headers::HOP, self.gateway.instance.clone());
        request
    }

    /// The attempt failed beyond help: the provider may have begun to work on it.
    fn lost(&self, attempt: &mut Attempt, failure: Failure) -> Missed {
        match failure {
            Failure::Timeout(..) => attempt.fail(Outcome::Timeout, 504),
            _ => attempt.fail(Outcome::Error, 502),
        }
        Missed::Final(failed(&self.target.provider, failure))
    }

    async fn judge(
        &self,
        response: Response<Incoming>,
        mut attempt: Attempt,
        slot: &InFlight,
        deadline: Instant,
    ) -> Result<Response<AnswerBody>, Missed> {
        let (parts, upstream) = response.into_parts();
        match Class::of(parts.status) {
            Class::Success => {}
            Class::KeyRefused => {
                attempt.fail(Outcome::Error, parts.status.as_u16());
                return Err(Missed::KeyRefused);
            }
            Class::Unusable => {
                let failure = Failure::Malformed(format!(
                    "status {}, which is neither an answer nor an error",
                    parts.status.as_u16()
                ));
                return Err(self.lost(&mut attempt, failure));
            }
            class @ (Class::RateLimited
            | Class::Overloaded
            | Class::ServerError
            | Class::ClientError) => {
                let answer = self.error(parts, upstream, &mut attempt, slot, deadline).await?;
                return if class == Class::RateLimited {
                    Err(Missed::RateLimited(Box::new(answer)))
                } else {
                    Ok(answer)
                };
            }
        }
        let kind = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        if kind.starts_with(b"text/event-stream") {
            let mut answer = Response::new(AnswerBody::Whole(None));
            *answer.status_mut() = parts.status;
            answer.headers_mut().reserve(HEADERS);
            headers::to_client(&parts.headers, answer.headers_mut());
            let family = self.target.provider.family;
            let stall = self.limits.stall;
            *answer.body_mut() =
                AnswerBody::passed(upstream, attempt, slot.again(), stall, deadline, family);
            return Ok(answer);
        }
        let encoded = parts.headers.contains_key(CONTENT_ENCODING);
        if !encoded && memchr::memmem::find(kind, b"json").is_none() {
            let failure = Failure::Malformed("it is neither JSON nor a stream".to_owned());
            return Err(self.lost(&mut attempt, failure));
        }
        let body = match read(upstream, LARGEST_ANSWER, deadline, self.limits.total).await {
            Ok(body) => body,
            Err(failure) => return Err(self.lost(&mut attempt, failure)),
        };
        if !encoded {
            let text = body.trim_ascii();
            if !(text.starts_with(b"{") && text.ends_with(b"}")) {
                let failure = Failure::Malformed("it is not a whole JSON object".to_owned());
                return Err(self.lost(&mut attempt, failure));
            }
            if let Some(tokens) = usage::in_json(&body, self.target.provider.family) {
                attempt.count(tokens);
            }
        }
        attempt
            .end(Outcome::Ok, parts.status.as_u16())
            .map_err(|why| Missed::Final(GatewayError::Unmetered(why)))?;
        let mut answer = Response::new(AnswerBody::Whole(Some(body)));
        *answer.status_mut() = parts.status;
        answer.headers_mut().reserve(HEADERS);
        headers::to_client(&parts.headers, answer.headers_mut());
        Ok(answer)
    }

    /// An error of the provider's own, in the family's shape: passed on as it is, but for our key
    /// if it quotes that.
    async fn error(
        &self,
        parts: http::response::Parts,
        upstream: Incoming,
        attempt: &mut Attempt,
        slot: &InFlight,
        deadline: Instant,
    ) -> Result<Response<AnswerBody>, Missed> {
        let status = parts.status;
        let body = match read(upstream, LARGEST_ERROR, deadline, self.limits.total).await {
            Ok(body) => body,
            Err(failure) => return Err(self.lost(attempt, failure)),
        };
        attempt.fail(Outcome::Error, status.as_u16());
        let json = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body);
        let (Ok(_), Ok(text)) = (json, std::str::from_utf8(&body)) else {
            return Err(Missed::Final(GatewayError::Upstream {
                provider: self.target.provider.name.to_string(),
                status: if status == StatusCode::TOO_MANY_REQUESTS
                    || status == StatusCode::SERVICE_UNAVAILABLE
                {
                    status
                } else {
                    StatusCode::BAD_GATEWAY
                },
            }));
        };
        let key = &slot.slot().secret;
        let body = if !key.is_empty() && text.contains(key.expose()) {
            Bytes::from(Redactor::new([key.clone()]).clean(text))
        } else {
            body
        };
        let mut answer = Response::new(AnswerBody::Whole(Some(body)));
        *answer.status_mut() = status;
        headers::to_client(&parts.headers, answer.headers_mut());
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(after) = parts.headers.get(RETRY_AFTER) {
            answer.headers_mut().insert(RETRY_AFTER, after.clone());
        }
        Ok(answer)
    }
}

/// Reads a whole body of at most `limit` bytes.
async fn read(
    mut body: Incoming,
    limit: usize,
    deadline: Instant,
    total: Duration,
) -> Result<Bytes, Failure> {
    let all = async {
        // An answer of one piece, which is the usual case, is never copied.
        let mut only: Option<Bytes> = None;
        let mut joined = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| Failure::Transport(root_cause(&e)))?;
            let Ok(data) = frame.into_data() else { continue };
            let so_far = only.as_ref().map_or(joined.len(), Bytes::len);
            if so_far + data.len() > limit {
                return Err(Failure::Malformed(format!("it has more than {limit} bytes")));
            }
            match only.take() {
                None if joined.is_empty() => only = Some(data),
                None => joined.extend_from_slice(&data),
                Some(first) => {
                    joined.extend_from_slice(&first);
                    joined.extend_from_slice(&data);
                }
            }
        }
        Ok(only.unwrap_or_else(|| joined.freeze()))
    };
    timeout_at(deadline.into(), all).await.unwrap_or(Err(Failure::Timeout(Phase::Total, total)))
}
