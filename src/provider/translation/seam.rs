//! What the API of a provider, and that of a client, must be able to do to be translated.

use super::refused::{Refused, Unread, Untranslatable};
use crate::base::Secret;
use crate::provider::conversation::{Conversation, Event, Reply};
use crate::provider::usage::Tokens;
use crate::provider::wire::Family;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use std::fmt::Debug;
use std::time::Duration;

/// The API that a provider speaks. It keeps nothing between two requests.
pub(crate) trait Dialect: Debug + Send + Sync {
    /// The family whose clients' bytes pass through as they are, if there is one. All others are
    /// translated.
    fn family(&self) -> Option<Family> {
        None
    }

    /// Where a conversation with `model` goes, below the base URL of the provider, which has no
    /// slash at its end.
    fn url(&self, base: &str, model: &str, stream: bool) -> String;

    /// The headers that carry the key, marked as sensitive; `None` if the key cannot stand in a
    /// header.
    fn credentials(&self, key: &Secret) -> Option<HeaderMap>;

    /// Headers that the provider demands, if any.
    fn defaults(&self, _headers: &mut HeaderMap) {}

    /// The body of a request for `model`, the name that the provider gives it.
    ///
    /// # Errors
    /// The provider cannot do what is asked.
    fn request(&self, conversation: &Conversation, model: &str) -> Result<Bytes, Untranslatable>;

    /// A whole answer, which came with a status of success.
    ///
    /// # Errors
    /// It is none, or it says that the provider would not.
    fn reply(&self, body: &[u8]) -> Result<Reply, Unread>;

    /// What a whole answer, or an event of a stream, says was counted, also one that is no good
    /// otherwise: it is billed all the same.
    fn tokens(&self, json: &[u8]) -> Option<Tokens>;

    /// What an answer without a status of success says.
    fn refusal(&self, status: StatusCode, body: &[u8]) -> Refused;

    /// How long an error says to wait, where its API says so in the body and not in a header.
    fn told_to_wait(&self, _body: &[u8]) -> Option<Duration> {
        None
    }

    /// How the events of a stream are told apart.
    fn framing(&self) -> Framing;

    /// Reads one stream from its beginning.
    fn reader(&self) -> Box<dyn ReadEvents>;
}

/// How the events of a stream are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As server-sent events (WHATWG HTML §9.2), `text/event-stream`.
    Events,
    /// One JSON document on each line.
    Lines,
}

/// Reads the events of one provider's stream.
pub(crate) trait ReadEvents: Debug + Send {
    /// Takes one event: its name, if the stream has names, and its data. An event that says nothing
    /// to anybody gives none.
    ///
    /// # Errors
    /// It cannot be read, and is left out; or it breaks the stream off; or the provider says in it
    /// that it failed.
    fn read(&mut self, name: Option<&str>, data: &str) -> Result<Vec<Event>, Unread>;
}

/// What an answer says beside what the provider said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// The request.
    pub(crate) conversation: &'a Conversation,
    /// The model's name at the provider, where the provider does not say which one answered.
    pub(crate) model: &'a str,
    /// The request's id, where the provider gives none.
    pub(crate) request_id: &'a str,
    /// When, in seconds since 1970.
    pub(crate) created: u64,
}

/// The API that a client speaks.
pub(crate) trait ClientDialect: Debug + Send + Sync {
    /// What a request asks. The body is JSON that nests to a bounded depth.
    ///
    /// # Errors
    /// It is not written as this API wants it, or asks for what no other one can do.
    fn read_request(&self, body: &[u8]) -> Result<Conversation, Untranslatable>;

    /// A whole answer.
    fn write_reply(&self, reply: &Reply, shown: &Shown<'_>) -> Bytes;

    /// An error of a provider: status and body.
    fn write_refusal(&self, refused: &Refused, request_id: &str) -> (StatusCode, Bytes);

    /// Writes one stream from its beginning.
    fn writer(&self, shown: &Shown<'_>) -> Box<dyn WriteEvents>;
}

/// Writes the events of one client's stream.
pub(crate) trait WriteEvents: Debug + Send {
    /// Takes one event, and adds to `out` what the client gets of it.
    ///
    /// # Errors
    /// The provider's events are in an order that cannot be told: the stream is broken off.
    fn write(&mut self, event: Event, out: &mut BytesMut) -> Result<(), String>;

    /// The stream is complete: adds its end, as this API marks it.
    fn finish(&mut self, out: &mut BytesMut);

    /// The stream ends here with an error, after which nothing comes: no end is added.
    fn fail(&mut self, refused: &Refused, request_id: &str, out: &mut BytesMut);

    /// The number of the next event, where events are numbered.
    fn sequence(&self) -> u64 {
        0
    }
}
