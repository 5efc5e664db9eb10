//! Chat completions of the OpenAI API
//! (<https://platform.openai.com/docs/api-reference/chat>) and of servers compatible with it.

mod ask;
mod errors;
mod events;
mod read;
mod reply;
mod tell;
mod usage;
mod write;

pub(crate) use ask::is_of_openai;
pub(super) use errors::{error, refusal};
pub(super) use read::{
    IMAGE, answer_format, arguments, choice, effort, file, forget, function, image, limits,
};
pub(super) use usage::counted;

use super::refused::{Refused, Unread, Untranslatable};
use super::seam::{ClientDialect, Dialect, Framing, ReadEvents, Shown, WriteEvents};
use super::sound;
use crate::base::Secret;
use crate::provider::conversation::{Conversation, Reply};
use crate::provider::usage::{Tokens, in_json};
use crate::provider::wire::{Endpoint, Family};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Chat completions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chat {
    /// Whether the provider may be asked to count the tokens of a stream.
    pub(crate) counts_streams: bool,
}

impl Dialect for Chat {
    fn family(&self) -> Option<Family> {
        Some(Family::OpenAi)
    }

    fn url(&self, base: &str, _model: &str, _stream: bool) -> String {
        format!("{base}/chat/completions")
    }

    fn credentials(&self, key: &Secret) -> Option<HeaderMap> {
        Family::OpenAi.credentials(key)
    }

    fn defaults(&self, headers: &mut HeaderMap) {
        Family::OpenAi.defaults(headers);
    }

    fn request(&self, conversation: &Conversation, model: &str) -> Result<Bytes, Untranslatable> {
        ask::request(conversation, model, self.counts_streams)
    }

    fn reply(&self, body: &[u8]) -> Result<Reply, Unread> {
        reply::read(body)
    }

    fn tokens(&self, json: &[u8]) -> Option<Tokens> {
        in_json(json, Endpoint::ChatCompletions)
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> Refused {
        refusal(status, body)
    }

    fn framing(&self) -> Framing {
        Framing::Events
    }

    fn reader(&self) -> Box<dyn ReadEvents> {
        Box::new(events::Reader::default())
    }
}

impl ClientDialect for Chat {
    fn read_request(&self, body: &[u8]) -> Result<Conversation, Untranslatable> {
        let asked = read::request(body)?;
        sound::judge(&asked, "messages", false)?;
        Ok(asked)
    }

    fn write_reply(&self, reply: &Reply, shown: &Shown<'_>) -> Bytes {
        write::reply(reply, shown)
    }

    fn write_refusal(&self, refused: &Refused, _request_id: &str) -> (StatusCode, Bytes) {
        let (status, body) = error(refused);
        (status, Bytes::from(body.to_string()))
    }

    fn writer(&self, shown: &Shown<'_>) -> Box<dyn WriteEvents> {
        Box::new(tell::Writer::new(shown))
    }
}
