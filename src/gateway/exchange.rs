//! One request to one target with one key, judged by what comes back.

use super::answer::AnswerBody;
use super::attempt::{Attempt, Meter};
use super::error::GatewayError;
use super::forward::Call;
use super::routes::{Limits, Provider, Target};
use super::slots::InFlight;
use crate::base::Joined;
use crate::base::redact::Redactor;
use crate::provider::client::root_cause;
use crate::provider::failure::Phase;
use crate::provider::{Class, Client, Failure, headers, usage};
use crate::store::Outcome;
use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING,
};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
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

/// What the client is told if nobody else does better: the provider's own error, or ours where
/// that cannot be read.
pub(super) type Told = Box<Result<Response<AnswerBody>, GatewayError>>;

/// An attempt that got no answer to pass on at once.
pub(super) enum Missed {
    /// No byte left, so the same target may be asked again.
    Unsent(Failure),
    /// The provider does not take the key.
    KeyRefused,
    /// The key has used up its rate: another key or target may do better.
    RateLimited(Told),
    /// The provider is overloaded or broke: another target may do better.
    Broken(Told),
    /// Nothing else will help.
    Final(GatewayError),
}

pub(super) fn failed(provider: &Provider, failure: Failure) -> GatewayError {
    GatewayError::Failed { provider: provider.name.to_string(), failure }
}

/// One request to one target with one key.
pub(super) struct Exchange<'a> {
    pub(super) client: &'a Client,
    pub(super) meter: &'a Arc<dyn Meter>,
    /// Names this instance in [`headers::HOP`].
    pub(super) instance: &'a HeaderValue,
    pub(super) target: &'a Target,
    pub(super) uri: &'a Uri,
    pub(super) limits: &'a Limits,
    pub(super) call: &'a Call,
    /// Which attempt of the request, from 1.
    pub(super) number: u32,
}

impl Exchange<'_> {
    /// Asks, and judges what comes back.
    pub(super) async fn run(&self, slot: &InFlight) -> Result<Response<AnswerBody>, Missed> {
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
        let sent = timeout_at(due.into(), self.client.send(self.request(slot))).await;
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
        let counts = self.target.provider.stream_usage;
        let envelope = &self.call.envelope;
        let body = envelope.for_provider(&self.call.body, &self.target.model, counts);
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
        out.append(headers::HOP, self.instance.clone());
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
                let told = self.error(parts, upstream, &mut attempt, slot, deadline).await?;
                return match class {
                    Class::RateLimited => Err(Missed::RateLimited(told)),
                    Class::ClientError => told.map_err(Missed::Final),
                    _ => Err(Missed::Broken(told)),
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
            let added = self.call.envelope.adds_usage() && self.target.provider.stream_usage;
            *answer.body_mut() =
                AnswerBody::passed(upstream, attempt, slot.again(), stall, deadline, family)
                    .without_usage(added);
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
            let cut = !self_delimited(&parts) && usage::is_cut(text);
            if cut || !(text.starts_with(b"{") && text.ends_with(b"}")) {
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
        attempt.tell_cost(answer.headers_mut());
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
    ) -> Result<Told, Missed> {
        let status = parts.status;
        let body = match read(upstream, LARGEST_ERROR, deadline, self.limits.total).await {
            Ok(body) => body,
            Err(failure) => return Err(self.lost(attempt, failure)),
        };
        attempt.fail(Outcome::Error, status.as_u16());
        let json = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body);
        let (Ok(_), Ok(text)) = (json, std::str::from_utf8(&body)) else {
            return Ok(Box::new(Err(GatewayError::Upstream {
                provider: self.target.provider.name.to_string(),
                status: if status == StatusCode::TOO_MANY_REQUESTS
                    || status == StatusCode::SERVICE_UNAVAILABLE
                {
                    status
                } else {
                    StatusCode::BAD_GATEWAY
                },
            })));
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
        Ok(Box::new(Ok(answer)))
    }
}

/// Whether the connection says where the answer ends, so that a cut is never taken for its end.
fn self_delimited(parts: &http::response::Parts) -> bool {
    parts.version == Version::HTTP_2
        || parts.headers.contains_key(CONTENT_LENGTH)
        || parts.headers.contains_key(TRANSFER_ENCODING)
}

/// Reads a whole body of at most `limit` bytes.
async fn read(
    mut body: Incoming,
    limit: usize,
    deadline: Instant,
    total: Duration,
) -> Result<Bytes, Failure> {
    let all = async {
        let mut joined = Joined::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| Failure::Transport(root_cause(&e)))?;
            let Ok(data) = frame.into_data() else { continue };
            if joined.len() + data.len() > limit {
                return Err(Failure::Malformed(format!("it has more than {limit} bytes")));
            }
            joined.push(data);
        }
        Ok(joined.whole())
    };
    timeout_at(deadline.into(), all).await.unwrap_or(Err(Failure::Timeout(Phase::Total, total)))
}
