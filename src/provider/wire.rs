//! The API families that clients speak, and their endpoints.

use crate::base::Secret;
use crate::provider::{anthropic, azure, openai};
use http::{HeaderMap, HeaderValue, Uri};
use serde::Serialize;
use std::borrow::Cow;
use url::Url;

/// A family of APIs: its error bodies, stream events and headers go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Family {
    /// The OpenAI API.
    OpenAi,
    /// The Anthropic API.
    Anthropic,
}

/// An endpoint that passes a request on to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    /// `POST /v1/chat/completions`.
    ChatCompletions,
    /// `POST /v1/responses`.
    Responses,
    /// `POST /v1/completions`, which only old clients use.
    Completions,
    /// `POST /v1/embeddings`.
    Embeddings,
    /// `POST /v1/messages`.
    Messages,
    /// `POST /v1/messages/count_tokens`.
    CountTokens,
}

/// Where the endpoints of a provider are.
#[derive(Debug)]
pub(crate) enum Uris {
    /// Made once and not for every request.
    Fixed(Box<[Option<Uri>; Endpoint::ALL.len()]>),
    /// Below this base URL, another one for each deployment of a model ([`azure`]).
    ByDeployment(String),
}

impl Uris {
    /// Those of a provider of this family, none if it is of none that clients speak; `None` if no
    /// URI can be made of the base URL, which could not be reached anyway.
    pub(crate) fn of(family: Option<Family>, base_url: &Url) -> Option<Self> {
        let mut uris = Box::new([const { None }; Endpoint::ALL.len()]);
        for (uri, endpoint) in uris.iter_mut().zip(Endpoint::ALL) {
            if let Some(family) = family.filter(|family| endpoint.family() == *family) {
                *uri = Some(family.url(base_url, endpoint).parse().ok()?);
            }
        }
        Some(Self::Fixed(uris))
    }

    /// Leaves out an endpoint that the provider lacks.
    pub(crate) fn remove(&mut self, endpoint: Endpoint) {
        if let Self::Fixed(uris) = self
            && let Some(uri) = uris.get_mut(endpoint as usize)
        {
            *uri = None;
        }
    }

    /// Those of a provider at Azure.
    pub(crate) fn of_azure(base_url: &Url) -> Option<Self> {
        let base = base_url.as_str();
        if azure::by_deployment(base) {
            return Some(Self::ByDeployment(base.to_owned()));
        }
        let mut uris = Box::new([const { None }; Endpoint::ALL.len()]);
        for (uri, endpoint) in uris.iter_mut().zip(Endpoint::ALL) {
            if endpoint.family() == Family::OpenAi {
                *uri = Some(azure::url(base, endpoint, "").parse().ok()?);
            }
        }
        Some(Self::Fixed(uris))
    }

    /// Where `endpoint` is for `model`, if the provider's family has it.
    pub(crate) fn get(&self, endpoint: Endpoint, model: &str) -> Option<Cow<'_, Uri>> {
        match self {
            Self::Fixed(uris) => uris.get(endpoint as usize)?.as_ref().map(Cow::Borrowed),
            Self::ByDeployment(_) if endpoint.family() != Family::OpenAi => None,
            Self::ByDeployment(base) => {
                azure::url(base, endpoint, model).parse().ok().map(Cow::Owned)
            }
        }
    }
}

impl Family {
    /// Its word in metrics, logs and answers.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// Where `endpoint` is at a provider with this base URL, which is written as the vendor's SDK
    /// writes it.
    pub(crate) fn url(self, base_url: &Url, endpoint: Endpoint) -> String {
        let base = base_url.as_str().trim_end_matches('/');
        match self {
            Self::OpenAi => openai::url(base, endpoint),
            Self::Anthropic => anthropic::url(base, endpoint),
        }
    }

    /// The headers that carry the key, marked as sensitive; `None` if the key cannot stand in a
    /// header (a line break, a control character).
    pub(crate) fn credentials(self, key: &Secret) -> Option<HeaderMap> {
        match self {
            Self::OpenAi => openai::credentials(key),
            Self::Anthropic => anthropic::credentials(key),
        }
    }

    /// Headers that the provider demands and a client may leave out.
    pub(crate) fn defaults(self, headers: &mut HeaderMap) {
        match self {
            Self::OpenAi => {}
            Self::Anthropic => {
                headers
                    .entry(anthropic::VERSION_HEADER)
                    .or_insert(HeaderValue::from_static(anthropic::VERSION));
            }
        }
    }
}

impl Endpoint {
    /// All of them, in the order of their declaration.
    pub(crate) const ALL: [Self; 6] = [
        Self::ChatCompletions,
        Self::Responses,
        Self::Completions,
        Self::Embeddings,
        Self::Messages,
        Self::CountTokens,
    ];

    /// The path under which this server offers it.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
        }
    }

    /// The family it belongs to.
    pub(crate) fn family(self) -> Family {
        match self {
            Self::ChatCompletions | Self::Responses | Self::Completions | Self::Embeddings => {
                Family::OpenAi
            }
            Self::Messages | Self::CountTokens => Family::Anthropic,
        }
    }

    /// Whether its answers may be streams.
    pub(crate) fn streams(self) -> bool {
        !matches!(self, Self::Embeddings | Self::CountTokens)
    }

    /// An error event in a stream that has begun, in its own shape. `sequence` is the number of
    /// the event, where events are numbered.
    pub(crate) fn stream_error(
        self,
        kind: &str,
        message: &str,
        request_id: &str,
        sequence: u64,
    ) -> String {
        match self {
            Self::Responses => openai::response_error(kind, message, sequence),
            Self::ChatCompletions | Self::Completions | Self::Embeddings => {
                openai::stream_error(kind, message)
            }
            Self::Messages | Self::CountTokens => {
                anthropic::stream_error(kind, message, request_id)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_follow_the_base_urls_of_the_sdks() {
        let chat = |family| match family {
            Family::OpenAi => Endpoint::ChatCompletions,
            Family::Anthropic => Endpoint::Messages,
        };
        let url = |family: Family, base: &str| family.url(&Url::parse(base).unwrap(), chat(family));
        assert_eq!(
            url(Family::OpenAi, "https://api.openai.com/v1"),
            "https://api.openai.com/v1/chat/completions"
        );
        assert_eq!(
            url(Family::OpenAi, "http://127.0.0.1:9100/v1/"),
            "http://127.0.0.1:9100/v1/chat/completions"
        );
        assert_eq!(
            url(Family::Anthropic, "https://api.anthropic.com"),
            "https://api.anthropic.com/v1/messages"
        );
    }

    #[test]
    fn every_endpoint_has_its_place_at_a_provider_of_its_family() {
        for (family, base) in [(Family::OpenAi, "http://a/v1"), (Family::Anthropic, "http://a")] {
            let uris = Uris::of(Some(family), &Url::parse(base).unwrap()).unwrap();
            for endpoint in Endpoint::ALL {
                let wanted =
                    (endpoint.family() == family).then(|| format!("http://a{}", endpoint.path()));
                assert_eq!(uris.get(endpoint, "m").as_deref().map(Uri::to_string), wanted);
            }
        }
    }

    #[test]
    fn deployments_have_addresses_of_their_own() {
        let uris = |base: &str| Uris::of_azure(&Url::parse(base).unwrap()).unwrap();
        let at = |uris: &Uris, endpoint| uris.get(endpoint, "d").as_deref().map(Uri::to_string);
        let fixed = uris("http://a");
        let chat = Some("http://a/openai/v1/chat/completions".to_owned());
        assert_eq!(at(&fixed, Endpoint::ChatCompletions), chat);
        assert_eq!(at(&fixed, Endpoint::Messages), None);
        let own = uris("http://a?api-version=v");
        let chat = Some("http://a/openai/deployments/d/chat/completions?api-version=v".to_owned());
        assert_eq!(at(&own, Endpoint::ChatCompletions), chat);
        assert_eq!(at(&own, Endpoint::Messages), None);
    }

    #[test]
    fn a_key_with_a_line_break_is_no_header() {
        assert!(Family::OpenAi.credentials(&Secret::new("sk-1\nx-evil: 1")).is_none());
        let headers = Family::Anthropic.credentials(&Secret::new("sk-canary")).unwrap();
        assert!(!format!("{headers:?}").contains("sk-canary"));
    }
}
