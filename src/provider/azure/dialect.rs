//! The OpenAI API at Azure, as translation knows it.

use super::{credentials, url};
use crate::base::Secret;
use crate::provider::conversation::{Conversation, Reply};
use crate::provider::translation::{
    Chat, Dialect, Framing, ReadEvents, Refused, Unread, Untranslatable,
};
use crate::provider::usage::Tokens;
use crate::provider::wire::{Endpoint, Family};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Chat completions at Azure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Azure {
    /// The same API elsewhere.
    pub(crate) chat: Chat,
}

impl Dialect for Azure {
    fn family(&self) -> Option<Family> {
        self.chat.family()
    }

    fn url(&self, base: &str, model: &str, _stream: bool) -> String {
        url(base, Endpoint::ChatCompletions, model)
    }

    fn credentials(&self, key: &Secret) -> Option<HeaderMap> {
        credentials(key)
    }

    fn defaults(&self, headers: &mut HeaderMap) {
        self.chat.defaults(headers);
    }

    fn request(&self, conversation: &Conversation, model: &str) -> Result<Bytes, Untranslatable> {
        self.chat.request(conversation, model)
    }

    fn reply(&self, body: &[u8]) -> Result<Reply, Unread> {
        self.chat.reply(body)
    }

    fn tokens(&self, json: &[u8]) -> Option<Tokens> {
        self.chat.tokens(json)
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> Refused {
        self.chat.refusal(status, body)
    }

    fn framing(&self) -> Framing {
        self.chat.framing()
    }

    fn reader(&self) -> Box<dyn ReadEvents> {
        self.chat.reader()
    }
}
