//! Messages of the Anthropic API (<https://docs.anthropic.com/en/api/messages>).

mod ask;
mod blocks;
mod errors;
mod events;
mod read;
mod reply;
mod tell;
mod thinking;
mod usage;
mod write;

use super::refused::{Refused, Unread, Untranslatable};
use super::seam::{ClientDialect, Dialect, Framing, ReadEvents, Shown, WriteEvents};
use super::sound;
use crate::base::Secret;
use crate::provider::conversation::{Conversation, Reply};
use crate::provider::usage::{Tokens, in_json};
use crate::provider::wire::{Endpoint, Family};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Messages;

impl Dialect for Messages {
    fn family(&self) -> Option<Family> {
        Some(Family::Anthropic)
    }

    fn url(&self, base: &str, _model: &str, _stream: bool) -> String {
        format!("{base}/v1/messages")
    }

    fn credentials(&self, key: &Secret) -> Option<HeaderMap> {
        Family::Anthropic.credentials(key)
    }

    fn defaults(&self, headers: &mut HeaderMap) {
        Family::Anthropic.defaults(headers);
    }

    fn request(&self, conversation: &Conversation, model: &str) -> Result<Bytes, Untranslatable> {
        ask::request(conversation, model)
    }

    fn reply(&self, body: &[u8]) -> Result<Reply, Unread> {
        reply::read(body)
    }

    fn tokens(&self, json: &[u8]) -> Option<Tokens> {
        in_json(json, Endpoint::Messages)
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> Refused {
        errors::refusal(status, body)
    }

    fn framing(&self) -> Framing {
        Framing::Events
    }

    fn reader(&self) -> Box<dyn ReadEvents> {
        Box::new(events::Reader::default())
    }
}

impl ClientDialect for Messages {
    fn read_request(&self, body: &[u8]) -> Result<Conversation, Untranslatable> {
        let asked = read::request(body)?;
        sound::judge(&asked, "messages", true)?;
        Ok(asked)
    }

    fn write_reply(&self, reply: &Reply, shown: &Shown<'_>) -> Bytes {
        write::reply(reply, shown)
    }

    fn write_refusal(&self, refused: &Refused, request_id: &str) -> (StatusCode, Bytes) {
        let (status, body) = errors::error(refused, request_id);
        (status, Bytes::from(body.to_string()))
    }

    fn writer(&self, shown: &Shown<'_>) -> Box<dyn WriteEvents> {
        Box::new(tell::Writer::new(shown))
    }
}
