//! What the parts below say, as refusals.

use super::Refusal;
use crate::gateway::{GatewayError, Unanswered};
use crate::provider::translation::Untranslatable;
use crate::provider::{Endpoint, Failure, Malformed};
use crate::serve::auth::AuthError;
use http::StatusCode;
use std::time::Duration;

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        let mut refusal = Self::new(error.status(), error.code(), error.to_string());
        refusal.retry_after = error.retry_after().map(u64::from);
        refusal.challenge = error.challenge();
        refusal
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        let code = if malformed.param.is_some() { "invalid_value" } else { "invalid_json" };
        Self::new(StatusCode::BAD_REQUEST, code, malformed.message).param(malformed.param)
    }
}

impl From<Unanswered> for Refusal {
    fn from(Unanswered { error, tried }: Unanswered) -> Self {
        Self { tried: Some(Box::new(tried)), ..error.into() }
    }
}

impl Refusal {
    /// No provider of the model has a usable key. Why not is for the log and for the lists of models: it
    /// names what only operators can do something about.
    pub(crate) fn keyless(model: &str) -> Self {
        let message = format!(
            "the model `{model}` cannot be used at present: this server has no usable access to its \
             provider"
        );
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "model_unavailable", message).hopeless()
    }

    /// Whoever could answer for the model has as much to do as it bears.
    fn full(model: &str) -> Self {
        let message =
            format!("what answers for the model `{model}` is asked as much as it bears at present");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Self::OVERLOADED, message).retry_after(1)
    }

    /// The provider has given no usable answer.
    fn failed(code: &'static str, provider: &str, failure: &Failure) -> Self {
        let status = match failure {
            Failure::Timeout(..) => StatusCode::GATEWAY_TIMEOUT,
            Failure::Connect(_) | Failure::Transport(_) | Failure::Malformed(_) => {
                StatusCode::BAD_GATEWAY
            }
        };
        Self::new(status, code, format!("the provider `{provider}` failed: {failure}"))
    }
}

impl From<GatewayError> for Refusal {
    fn from(error: GatewayError) -> Self {
        let code = error.word();
        match error {
            GatewayError::Malformed(malformed) => malformed.into(),
            GatewayError::Untranslatable(Untranslatable { param, message, .. }) => {
                let param = Some(param).filter(|param| !param.is_empty());
                Self::new(StatusCode::BAD_REQUEST, code, message).param(param)
            }
            GatewayError::UnknownModel { model, near } => {
                let hint = near.map(|n| format!(", did you mean `{n}`?")).unwrap_or_default();
                let model: String = model.chars().take(100).collect();
                Self::new(
                    StatusCode::NOT_FOUND,
                    code,
                    format!("the model `{model}` does not exist{hint}"),
                )
                .param(Some("model"))
            }
            GatewayError::WrongEndpoint { model, endpoints } => {
                let paths: Vec<String> =
                    endpoints.iter().map(|e| format!("`POST {}`", e.path())).collect();
                Self::new(
                    StatusCode::BAD_REQUEST,
                    code,
                    format!("the model `{model}` is served by {}", paths.join(" and ")),
                )
                .param(Some("model"))
            }
            GatewayError::Unavailable { model, .. } => Self::keyless(&model),
            GatewayError::CredentialsExhausted { provider } => Self::new(
                StatusCode::BAD_GATEWAY,
                code,
                format!("the provider `{provider}` accepts none of this server's keys"),
            )
            .hopeless(),
            GatewayError::TooLate => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                code,
                "the request took longer to arrive than it may take in all",
            ),
            GatewayError::RateLimited { provider, wait } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                code,
                format!("the provider `{provider}` lets no more requests through at present"),
            )
            .retry_after(seconds(wait)),
            GatewayError::Overloaded { model } => Self::full(&model),
            GatewayError::Resting { model, wait } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                format!("what answers for the model `{model}` has failed too often just now"),
            )
            .retry_after(seconds(wait)),
            GatewayError::Upstream { provider, status } => Self::new(
                status,
                code,
                format!("the provider `{provider}` answered with an error that cannot be read"),
            ),
            GatewayError::NoEndpoint { provider, status, endpoint } => {
                Self::new(status, code, lacking(&provider, endpoint))
            }
            GatewayError::Failed { provider, failure } => Self::failed(code, &provider, &failure),
            GatewayError::Unmetered(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "usage cannot be recorded at present, so nothing is served",
            )
            .retry_after(5),
        }
    }
}

/// What a provider lacks, and what can be done about it.
fn lacking(provider: &str, endpoint: Endpoint) -> String {
    let path = endpoint.path();
    let instead = match endpoint {
        Endpoint::Responses => {
            ": whoever runs this server can have it asked for chat completions instead \
             (`responses: false` of the provider in the profile)"
        }
        _ => "",
    };
    format!("the provider `{provider}` does not have `{path}`{instead}")
}

/// Whole seconds, rounded up, at least one.
fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}
