//! Who was asked for an answer, as the client is told, whether there is one or not.

use crate::gateway::error::GatewayError;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Who answered.
const PROVIDER: HeaderName = HeaderName::from_static("x-ultra-provider");

/// The model's name there.
const MODEL: HeaderName = HeaderName::from_static("x-ultra-model");

/// How often providers were asked for the answer.
const ATTEMPTS: HeaderName = HeaderName::from_static("x-ultra-attempts");

/// A provider and its name of a model, as headers say them.
pub(super) type Names = Option<(HeaderValue, HeaderValue)>;

/// Who was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tried {
    /// Whose answer, or failure, is told.
    pub(super) names: Names,
    /// How often providers were asked.
    pub(super) attempts: u32,
}

impl Tried {
    /// Says so in headers, if anybody was asked.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        if let Some((provider, model)) = &self.names {
            headers.insert(PROVIDER, provider.clone());
            headers.insert(MODEL, model.clone());
        }
        if self.attempts > 0 {
            headers.insert(ATTEMPTS, HeaderValue::from(self.attempts));
        }
    }
}

/// There is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unanswered {
    /// Why not.
    pub(crate) error: GatewayError,
    /// Who was asked for one.
    pub(crate) tried: Tried,
}

impl From<GatewayError> for Unanswered {
    fn from(error: GatewayError) -> Self {
        Self { error, tried: Tried::default() }
    }
}
