//! The Ollama API, as translation knows it.

use super::failure::refused;
use super::reply::{Stream, counted, read};
use super::request::write;
use super::url;
use crate::base::Secret;
use crate::provider::conversation::{Conversation, Event, Reply};
use crate::provider::openai;
use crate::provider::translation::{
    Dialect, Framing, ReadEvents, Refused, Unread, Untranslatable, exact,
};
use crate::provider::usage::Tokens;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Conversations of the Ollama API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ollama;

impl Dialect for Ollama {
    fn url(&self, base: &str, _model: &str, _stream: bool) -> String {
        url(base)
    }

    fn credentials(&self, key: &Secret) -> Option<HeaderMap> {
        openai::credentials(key)
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

    fn framing(&self) -> Framing {
        Framing::Lines
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
