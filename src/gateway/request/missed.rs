//! An attempt that got no answer to pass on: what it means for what is tried next, and what the
//! client is told of it if nobody does better.

use super::answer::AnswerBody;
use super::attempt::Attempt;
use super::exchange::Exchange;
use crate::base::redact::Redactor;
use crate::base::{Secret, apart};
use crate::gateway::error::GatewayError;
use crate::gateway::routes::Provider;
use crate::gateway::slots::InFlight;
use crate::provider::failure::Phase;
use crate::provider::{Class, Endpoint, Failure, headers, told_to_wait};
use crate::store::Outcome;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use std::time::{Duration, SystemTime};

/// What the client is told if nobody else does better: the provider's own error, or ours where
/// that cannot be read.
pub(super) type Told = Box<Result<Response<AnswerBody>, GatewayError>>;

/// An attempt that got no answer to pass on.
pub(super) struct Missed {
    /// Why, as far as it matters for what is tried next.
    pub(super) kind: Kind,
    /// What the client is told if nobody else does better.
    pub(super) told: Told,
    /// How long the provider says to wait.
    pub(super) wait: Option<Duration>,
}

/// Why an attempt got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No byte of the request has left.
    Unreached,
    /// No byte of an answer came.
    Unanswered,
    /// The provider broke.
    Broken,
    /// The provider has too much to do.
    Overloaded,
    /// The key has used up its rate.
    RateLimited,
    /// The provider does not take the key.
    KeyRefused,
    /// The provider does not let the key do this, which says nothing of it otherwise.
    Forbidden,
    /// It was silent for too long, or what came is no answer: the same again would do no better.
    Useless,
    /// What blames the request is a page, which somebody between us and the provider may have
    /// written: as useless, but it says nothing about how well the provider is. A client can bring
    /// it about, and must not have others wait for it.
    Page,
    /// The conversation is longer than the model takes.
    TooLong,
    /// The request is at fault.
    Faulty,
    /// The provider does not like what is asked: nobody else is asked after that.
    Filtered,
    /// No time is left, or usage cannot be kept: nothing else will help.
    Final,
}

impl Missed {
    /// Whether it may mean that the target has too much to do: it says so, it limits requests
    /// without a time when that ends, or nothing of an answer came for too long.
    pub(super) fn shows_overload(&self) -> bool {
        let silent = |failure: &Failure| {
            let begun = |phase: &Phase| {
                matches!(phase, Phase::Connect | Phase::Headers | Phase::FirstEvent)
            };
            matches!(failure, Failure::Timeout(phase, _) if begun(phase))
        };
        match self.kind {
            Kind::Overloaded => true,
            Kind::RateLimited => self.wait.is_none(),
            _ => {
                matches!(&*self.told, Err(GatewayError::Failed { failure, .. }) if silent(failure))
            }
        }
    }

    pub(super) fn new(kind: Kind, error: GatewayError) -> Self {
        Self { kind, told: Box::new(Err(error)), wait: None }
    }
}

pub(super) fn failed(provider: &Provider, failure: Failure) -> GatewayError {
    GatewayError::Failed { provider: provider.name.to_string(), failure }
}

impl Kind {
    /// What an error of a provider means for what is tried next.
    pub(super) fn of(class: Class) -> Self {
        match class {
            Class::KeyRefused => Self::KeyRefused,
            Class::Forbidden => Self::Forbidden,
            Class::RateLimited => Self::RateLimited,
            Class::Overloaded => Self::Overloaded,
            Class::ClientError => Self::Faulty,
            Class::Filtered => Self::Filtered,
            Class::TooLong => Self::TooLong,
            Class::ServerError | Class::Unusable | Class::Success => Self::Broken,
        }
    }

    /// Whether it is for another key to try.
    pub(super) fn is_of_key(self) -> bool {
        matches!(self, Self::KeyRefused | Self::Forbidden)
    }
}

impl Exchange<'_> {
    /// The attempt failed without an error of the provider's own.
    pub(super) fn lost(&self, attempt: &mut Attempt, kind: Kind, failure: Failure) -> Missed {
        match failure {
            Failure::Timeout(..) => attempt.fail(Outcome::Timeout, 504),
            _ => attempt.fail(Outcome::Error, 502),
        }
        Missed::new(kind, failed(&self.target.provider, failure))
    }

    /// What came with a status of success is no answer, or not all of one. The provider may bill for
    /// it all the same, which the report tells of what was cut, and not of what was refused.
    pub(super) fn unusable(&self, attempt: &mut Attempt, kind: Kind, failure: Failure) -> Missed {
        match failure {
            Failure::Timeout(..) => attempt.fail(Outcome::Timeout, 504),
            _ => attempt.fail(Outcome::Truncated, 502),
        }
        Missed::new(kind, failed(&self.target.provider, failure))
    }

    /// What an answer without a status of success says.
    pub(super) async fn error(&self, parts: &Parts, body: Bytes, slot: &InFlight) -> Missed {
        match self.crossing {
            Some(crossing) => self.refused_by(crossing, parts.status, &parts.headers, &body, slot),
            None => {
                let class = Class::of_error(self.endpoint.family(), parts.status, &body);
                self.refusal(class, parts.status, &parts.headers, body, slot).await
            }
        }
    }

    /// The provider does not take the key, or not for this: none of the client's business.
    pub(super) fn key_refused(&self, kind: Kind) -> Missed {
        let provider = self.target.provider.name.to_string();
        Missed::new(kind, GatewayError::CredentialsExhausted { provider })
    }

    /// An error that cannot be read. What a page says of the request does not count: a wrong
    /// address of the provider, or a proxy before it, is no fault of the client's.
    pub(super) fn unreadable(
        &self,
        kind: Kind,
        status: StatusCode,
        headers: &HeaderMap,
        wait: Option<Duration>,
    ) -> Missed {
        let provider = self.target.provider.name.to_string();
        let (kind, status) = match status {
            // These are understood without words.
            StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::PAYLOAD_TOO_LARGE => (kind, status),
            // That is never for the client: it would look for a fault of its own key.
            StatusCode::FORBIDDEN => (Kind::Page, StatusCode::BAD_GATEWAY),
            status if status.is_client_error() && is_json(headers) => (kind, status),
            _ if kind == Kind::Faulty => (Kind::Page, StatusCode::BAD_GATEWAY),
            _ => (kind, StatusCode::BAD_GATEWAY),
        };
        Missed { kind, told: Box::new(Err(GatewayError::Upstream { provider, status })), wait }
    }

    /// An error of the provider's own, in the family's shape: passed on as it is, but for our key
    /// if it quotes that.
    pub(super) async fn refusal(
        &self,
        class: Class,
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
        slot: &InFlight,
    ) -> Missed {
        let kind = Kind::of(class);
        if kind.is_of_key() {
            return self.key_refused(kind);
        }
        let wait = told_to_wait(headers, SystemTime::now());
        let key = slot.slot().secret.clone();
        let looked = apart(body.len(), move || readable(body, key)).await;
        let is_missing = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
        let is_of_api = looked.as_ref().is_some_and(|(_, is_of_api)| *is_of_api);
        if self.endpoint == Endpoint::Responses && is_missing && !is_of_api {
            let provider = self.target.provider.name.to_string();
            let endpoint = self.endpoint;
            let told = Box::new(Err(GatewayError::NoEndpoint { provider, status, endpoint }));
            return Missed { kind, told, wait };
        }
        let Some((body, _)) = looked else {
            return self.unreadable(kind, status, headers, wait);
        };
        let mut answer = Response::new(AnswerBody::Whole(Some(body)));
        *answer.status_mut() = status;
        headers::to_client(headers, answer.headers_mut());
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(after) = headers.get(RETRY_AFTER) {
            answer.headers_mut().insert(RETRY_AFTER, after.clone());
        }
        Missed { kind, told: Box::new(Ok(answer)), wait }
    }
}

/// An error that is a JSON object, without the key if it quotes that, and whether an API says so: it
/// says in an error what it does not have. A server without the path says so, too, but in other
/// words, which no client of responses knows. `None` if it is no object.
fn readable(body: Bytes, key: Secret) -> Option<(Bytes, bool)> {
    let map = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body).ok()?;
    let is_of_api =
        map.get("error").is_some_and(serde_json::Value::is_object) || map.contains_key("message");
    let text = std::str::from_utf8(&body).ok()?;
    let cleaned = Redactor::new([key]).clean_json(text);
    Some((cleaned.map_or(body, Bytes::from), is_of_api))
}

/// Whether an answer says that it is JSON. Names of types are the same in capitals (RFC 9110
/// §8.3.1).
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    kind.windows(4).any(|word| word.eq_ignore_ascii_case(b"json"))
}
