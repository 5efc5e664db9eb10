//! Why the gateway has no answer to pass on. How it reads on the wire is for the server.

use crate::provider::translation::Untranslatable;
use crate::provider::wire::Endpoint;
use crate::provider::{Failure, Malformed};
use http::StatusCode;
use std::time::Duration;

/// Why there is no answer of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GatewayError {
    /// No route has this name.
    UnknownModel {
        /// The name.
        model: String,
        /// The nearest name there is.
        near: Option<String>,
    },
    /// The model is served by other endpoints than the one that was asked.
    WrongEndpoint {
        /// The name.
        model: String,
        /// Who serves it.
        endpoints: Vec<Endpoint>,
    },
    /// The body is not what the family wants.
    Malformed(Malformed),
    /// The request cannot be put to a provider of another family.
    Untranslatable(Untranslatable),
    /// No target of the route can be used at present.
    Unavailable {
        /// The name.
        model: String,
        /// Why not.
        reason: String,
    },
    /// The provider refuses all keys we have for it.
    CredentialsExhausted {
        /// The provider.
        provider: String,
    },
    /// The time for the request was over before anybody could be asked.
    TooLate,
    /// The provider lets no more requests through for now, whatever the key.
    RateLimited {
        /// The provider.
        provider: String,
        /// For how long.
        wait: Duration,
    },
    /// Every target that could be asked is asked as much as it bears.
    Overloaded {
        /// The name.
        model: String,
    },
    /// Every target has failed so often that none is asked for now.
    Resting {
        /// The name.
        model: String,
        /// When one is asked again.
        wait: Duration,
    },
    /// The provider answered with an error that cannot be passed on as it is.
    Upstream {
        /// The provider.
        provider: String,
        /// Its status.
        status: StatusCode,
    },
    /// The server of the provider does not have the endpoint.
    NoEndpoint {
        /// The provider.
        provider: String,
        /// Its status.
        status: StatusCode,
        /// The endpoint.
        endpoint: Endpoint,
    },
    /// There is no usable answer.
    Failed {
        /// The provider.
        provider: String,
        /// How it failed.
        failure: Failure,
    },
    /// The usage cannot be kept, so nothing is served.
    Unmetered(String),
}

impl GatewayError {
    /// A short word for metrics and logs.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::UnknownModel { .. } => "model_not_found",
            Self::WrongEndpoint { .. } => "wrong_endpoint",
            Self::Malformed(_) => "malformed_request",
            Self::Untranslatable(Untranslatable { malformed: true, .. }) => "invalid_value",
            Self::Untranslatable(_) => "unsupported_parameter",
            Self::Unavailable { .. } => "model_unavailable",
            Self::CredentialsExhausted { .. } => "upstream_credentials_exhausted",
            Self::TooLate => "request_timeout",
            Self::RateLimited { .. } => "upstream_rate_limited",
            Self::Overloaded { .. } => "overloaded",
            Self::Resting { .. } => "upstream_resting",
            Self::Upstream { .. } => "upstream_error",
            Self::NoEndpoint { .. } => "endpoint_not_found",
            Self::Failed { failure: Failure::Timeout(..), .. } => "upstream_timeout",
            Self::Failed { failure: Failure::Malformed(_), .. } => "upstream_malformed",
            Self::Failed { .. } => "upstream_unreachable",
            Self::Unmetered(_) => "usage_unavailable",
        }
    }
}
