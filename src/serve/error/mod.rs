//! Refusals: one neutral form, and one rendering for each API family, so that an unmodified client
//! of any of them raises its own error.

mod anthropic;
mod from;
mod openai;
mod ours;

use super::surface::Surface;
use crate::gateway::Tried;
use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use std::borrow::Cow;

/// Why a request gets no answer. Texts are for the caller and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// A stable snake-case code that clients may branch on.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) message: String,
    /// The field that is wrong, if it is one.
    pub(crate) param: Option<Cow<'static, str>>,
    /// When to try again, seconds.
    pub(crate) retry_after: Option<u64>,
    /// `WWW-Authenticate`.
    pub(crate) challenge: Option<&'static str>,
    /// Whether trying again as it is cannot help, although the status suggests it.
    pub(crate) hopeless: bool,
    /// `X-RateLimit-*`: limit, remaining and reset of requests.
    pub(crate) limits: Option<super::middleware::rate::Shown>,
    /// Who was asked for an answer, if anybody was.
    pub(crate) tried: Option<Box<Tried>>,
}

impl Refusal {
    /// The code of refusals that too much to do is the reason of.
    pub(crate) const OVERLOADED: &'static str = "overloaded";

    /// A refusal.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            param: None,
            retry_after: None,
            challenge: None,
            hopeless: false,
            limits: None,
            tried: None,
        }
    }

    /// The same refusal, about a field.
    pub(crate) fn param(mut self, param: Option<impl Into<Cow<'static, str>>>) -> Self {
        self.param = param.map(Into::into);
        self
    }

    /// The same refusal, with a time to try again.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The same refusal; SDKs are told not to try again.
    pub(crate) fn hopeless(mut self) -> Self {
        self.hopeless = true;
        self
    }

    /// The answer in the shape of `surface`.
    pub(crate) fn response(
        &self,
        surface: Surface,
        request_id: &str,
        mode: &str,
    ) -> Response<Body> {
        let document = match surface {
            Surface::OpenAi => openai::body(self),
            Surface::Anthropic => anthropic::body(self, request_id),
            Surface::Ours => ours::body(self, mode, request_id),
        };
        let mut response = Response::new(Body::from(Bytes::from(document.to_string())));
        *response.status_mut() = match surface {
            Surface::Anthropic => anthropic::status(self),
            Surface::OpenAi | Surface::Ours => self.status,
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self.hopeless {
            let name = HeaderName::from_static("x-should-retry");
            headers.insert(name, HeaderValue::from_static("false"));
        }
        if let Some(limits) = &self.limits {
            limits.write(headers);
        }
        if let Some(tried) = &self.tried {
            tried.tell(headers);
        }
        response
    }
}

/// What went wrong within: the caller learns no details.
pub(crate) fn internal() -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "an internal error occurred")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    async fn json(refusal: &Refusal, surface: Surface) -> serde_json::Value {
        let response = refusal.response(surface, "req-1", "mock");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn each_family_gets_its_own_shape() {
        let refusal = Refusal::new(StatusCode::NOT_FOUND, "model_not_found", "no model `x`")
            .param(Some("model"));
        assert_eq!(
            json(&refusal, Surface::OpenAi).await,
            serde_json::json!({"error": {"message": "no model `x`", "type": "invalid_request_error", "param": "model", "code": "model_not_found"}})
        );
        assert_eq!(
            json(&refusal, Surface::Anthropic).await,
            serde_json::json!({"type": "error", "error": {"type": "not_found_error", "message": "no model `x`"}, "request_id": "req-1"})
        );
        assert_eq!(
            json(&refusal, Surface::Ours).await,
            serde_json::json!({"status": "error", "code": "model_not_found", "message": "no model `x`", "mode": "mock", "request_id": "req-1", "param": "model"})
        );
    }
}
