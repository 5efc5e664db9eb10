//! Translation between families of APIs: a client speaks one ([`ClientDialect`]), a provider another
//! ([`Dialect`]), and [`super::conversation`] is what both mean.

mod anthropic;
pub(crate) mod exact;
mod fields;
mod framing;
mod halves;
mod ids;
mod openai;
mod refused;
mod responses;
mod seam;
mod sound;
mod stream;

pub(crate) use anthropic::Messages;
pub(super) use ids::made as call_id;
pub(crate) use openai::{Chat, is_of_openai};
pub(crate) use refused::{Refused, Unread, Untranslatable};
pub(crate) use responses::Responses;
pub(crate) use seam::{ClientDialect, Dialect, Framing, ReadEvents, Shown};
pub(crate) use stream::{StreamOpening, StreamTranslator};

use super::azure::Azure;
use super::cohere::Cohere;
use super::google::Google;
use super::ollama::Ollama;
use super::wire::Endpoint;
use crate::settings::profile::ProviderKind;

const CHAT: Chat = Chat { counts_streams: true };
const CHAT_UNCOUNTED: Chat = Chat { counts_streams: false };
const AZURE: Azure = Azure { chat: CHAT };
const AZURE_UNCOUNTED: Azure = Azure { chat: CHAT_UNCOUNTED };

/// The API that a provider of this kind speaks; `counts_streams` if it may be asked to count the
/// tokens of a stream.
pub(crate) fn dialect(kind: ProviderKind, counts_streams: bool) -> &'static dyn Dialect {
    match kind {
        ProviderKind::OpenAi if counts_streams => &CHAT,
        ProviderKind::OpenAi => &CHAT_UNCOUNTED,
        ProviderKind::Anthropic => &Messages,
        ProviderKind::Azure if counts_streams => &AZURE,
        ProviderKind::Azure => &AZURE_UNCOUNTED,
        ProviderKind::Google => &Google,
        ProviderKind::Cohere => &Cohere,
        ProviderKind::Ollama => &Ollama,
    }
}

/// The API that a client speaks who asks an endpoint, if a provider of another family can answer.
pub(crate) fn client(endpoint: Endpoint) -> Option<&'static dyn ClientDialect> {
    match endpoint {
        Endpoint::ChatCompletions => Some(&CHAT),
        Endpoint::Messages => Some(&Messages),
        Endpoint::Responses => Some(&Responses),
        Endpoint::Completions | Endpoint::Embeddings | Endpoint::CountTokens => None,
    }
}

#[cfg(test)]
mod tests;
