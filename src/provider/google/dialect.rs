//! The Gemini API, as translation knows it.

use super::failure::{refused, retry_delay};
use super::reply::{Stream, counted, read};
use super::request::write;
use super::{credentials, url};
use crate::base::Secret;
use crate::provider::conversation::{Conversation, Event, Reply};
use crate::provider::translation::{
    Dialect, Framing, ReadEvents, Refused, Unread, Untranslatable, exact,
};
use crate::provider::usage::Tokens;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// Conversations of the Gemini API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Google;

impl Dialect for Google {
    fn url(&self, base: &str, model: &str, stream: bool) -> String {
        url(base, model, stream)
    }

    fn credentials(&self, key: &Secret) -> Option<HeaderMap> {
        credentials(key)
    }

    fn request(&self, conversation: &Conversation, model: &str) -> Result<Bytes, Untranslatable> {
        write(conversation, model).map(|body| exact::written(&body))
    }

    fn reply(&self, body: &[u8]) -> Result<Reply, Unread> {
        read(body)
    }

    fn tokens(&self, json: &[u8]) -> Option<Tokens> {
        counted(json)
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> Refused {
        refused(status, body)
    }

    fn told_to_wait(&self, body: &[u8]) -> Option<Duration> {
        retry_delay(body)
    }

    fn framing(&self) -> Framing {
        Framing::Events
    }

    fn reader(&self) -> Box<dyn ReadEvents> {
        Box::new(Stream::default())
    }
}

impl ReadEvents for Stream {
    fn read(&mut self, _name: Option<&str>, data: &str) -> Result<Vec<Event>, Unread> {
        self.event(data.as_bytes())
    }
}
