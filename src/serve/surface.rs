//! Which API a request speaks, by its path: the shape of every error follows from it.

use crate::provider::anthropic::VERSION_HEADER;
use http::HeaderMap;

/// An API that this server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    /// The OpenAI API.
    OpenAi,
    /// The Anthropic API.
    Anthropic,
    /// Our own.
    Ours,
}

impl Surface {
    /// The API of a request. Both families share `/v1/models`; only clients of Anthropic send the
    /// version header.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        let below = |root: &str| {
            path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if below("/v1/messages") {
            Self::Anthropic
        } else if below("/v1") {
            let openai = ["/v1/chat", "/v1/responses", "/v1/embeddings", "/v1/completions"];
            if !openai.into_iter().any(below) && headers.contains_key(VERSION_HEADER) {
                Self::Anthropic
            } else {
                Self::OpenAi
            }
        } else {
            Self::Ours
        }
    }
}
