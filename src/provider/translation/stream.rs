//! A stream of one family, told as a stream of another while it comes.

use super::framing::{Split, Splitter};
use super::refused::{Refused, Unread};
use super::seam::{Dialect, ReadEvents, WriteEvents};
use crate::base::redact::Redactor;
use crate::provider::conversation::Event;
use crate::provider::failure::Class;
use crate::provider::usage::Tokens;
use bytes::{Bytes, BytesMut};
use http::StatusCode;

/// So much is looked at for what a stream says first; one that has said nothing by then has begun.
const LONGEST_BEGINNING: usize = 1 << 20;

/// More calls in one answer are no answer.
const MOST_CALLS: usize = 4096;

/// Finds out how a stream begins, as [`crate::provider::OpeningScanner`] does where bytes pass.
#[derive(Debug)]
pub(crate) struct StreamOpening {
    dialect: &'static dyn Dialect,
    splitter: Splitter,
    reader: Box<dyn ReadEvents>,
    seen: usize,
    tokens: Tokens,
}

impl StreamOpening {
    /// For a stream of a provider.
    pub(crate) fn of(dialect: &'static dyn Dialect) -> Self {
        Self {
            dialect,
            splitter: Splitter::new(dialect.framing()),
            reader: dialect.reader(),
            seen: 0,
            tokens: Tokens::default(),
        }
    }

    /// What the provider has counted so far.
    pub(crate) fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// Takes the next piece; `None` if it says nothing yet, else whether there is an answer.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Option<Result<(), Refused>> {
        self.seen = self.seen.saturating_add(piece.len());
        for split in self.splitter.push(piece) {
            // What cannot be read says nothing.
            let Split::Event(name, data) = split else { continue };
            let said = read(&mut *self.reader, &name, &data);
            self.tokens.update(counted(self.dialect, &said, &data));
            match said {
                Ok(events) if events.iter().any(says) => return Some(Ok(())),
                Err(Unread::Refused(refused)) => return Some(Err(refused)),
                // Nothing is told yet: another one can be asked.
                Err(Unread::Broken(_)) => return Some(Err(failed())),
                Ok(_) | Err(Unread::Malformed(_)) => {}
            }
        }
        (self.seen > LONGEST_BEGINNING).then_some(Ok(()))
    }
}

/// What a stream is told as that is broken before it has begun.
fn failed() -> Refused {
    let (status, class) = (StatusCode::BAD_GATEWAY, Class::ServerError);
    Refused { status, class, message: String::new() }
}

/// Whether an event has more than counts and names.
fn says(event: &Event) -> bool {
    !matches!(event, Event::Begin { .. } | Event::Tokens(_))
}

fn read(reader: &mut dyn ReadEvents, name: &str, data: &str) -> Result<Vec<Event>, Unread> {
    reader.read(Some(name).filter(|name| !name.is_empty()), data)
}

/// What an event counts, also one that is no good otherwise.
fn counted(dialect: &dyn Dialect, said: &Result<Vec<Event>, Unread>, data: &str) -> Tokens {
    let Ok(events) = said else { return dialect.tokens(data.as_bytes()).unwrap_or_default() };
    let mut all = Tokens::default();
    for event in events {
        if let Event::Tokens(tokens) = event {
            all.update(*tokens);
        }
    }
    all
}

/// Tells a provider's stream to a client of another family.
#[derive(Debug)]
pub(crate) struct StreamTranslator {
    dialect: &'static dyn Dialect,
    splitter: Splitter,
    reader: Box<dyn ReadEvents>,
    writer: Box<dyn WriteEvents>,
    request_id: String,
    /// Our key, which the provider may quote.
    secrets: Redactor,
    tokens: Tokens,
    /// How many tool calls have begun.
    calls: usize,
    /// Whether all parts are there.
    concluded: bool,
    /// Whether the provider says that nothing comes any more.
    over: bool,
    /// Whether the client has been told that it ends.
    closed: bool,
    refused: Option<Refused>,
    broken: Option<String>,
    malformed: u32,
}

impl StreamTranslator {
    /// From a stream of a provider to a stream of a client, who is told none of `secrets`.
    pub(crate) fn new(
        dialect: &'static dyn Dialect,
        writer: Box<dyn WriteEvents>,
        request_id: &str,
        secrets: Redactor,
    ) -> Self {
        Self {
            dialect,
            splitter: Splitter::new(dialect.framing()),
            reader: dialect.reader(),
            writer,
            request_id: request_id.to_owned(),
            secrets,
            tokens: Tokens::default(),
            calls: 0,
            concluded: false,
            over: false,
            closed: false,
            refused: None,
            broken: None,
            malformed: 0,
        }
    }

    /// Takes the next piece; gives what the client gets of it.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Bytes {
        let mut out = BytesMut::new();
        let splits = self.splitter.push(piece);
        self.take(splits, &mut out);
        out.freeze()
    }

    /// The provider has closed the stream; gives what the client gets of what was left.
    pub(crate) fn finish(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        let splits = self.splitter.finish();
        self.take(splits, &mut out);
        if self.concluded && !self.over && self.broken.is_none() && self.refused.is_none() {
            self.over = true;
            self.close(&mut out);
        }
        out.freeze()
    }

    fn take(&mut self, splits: Vec<Split>, out: &mut BytesMut) {
        for split in splits {
            if self.over || self.refused.is_some() || self.broken.is_some() {
                return;
            }
            let (name, data) = match split {
                Split::Event(name, data) => (name, data),
                Split::Overlong => {
                    self.broken = Some("an event is too long".to_owned());
                    return;
                }
            };
            let said = read(&mut *self.reader, &name, &data);
            if said.is_err() {
                self.tokens.update(counted(self.dialect, &said, &data));
            }
            match said {
                Ok(events) => self.write(events, out),
                Err(Unread::Malformed(_)) => self.malformed += 1,
                Err(Unread::Broken(why)) => self.broken = Some(why),
                Err(Unread::Refused(refused)) => {
                    let refused = self.told(&refused);
                    self.writer.fail(&refused, &self.request_id, out);
                    self.refused = Some(refused);
                }
            }
        }
    }

    /// What the client is told of an error of the provider's own.
    fn told(&self, refused: &Refused) -> Refused {
        let message = match refused.class {
            // What is wrong with our key is none of the client's business.
            Class::KeyRefused | Class::Forbidden => {
                "the provider refused the key of the gateway".to_owned()
            }
            _ => self.secrets.clean(&refused.message),
        };
        Refused { message, ..refused.clone() }
    }

    fn write(&mut self, events: Vec<Event>, out: &mut BytesMut) {
        for event in events {
            match &event {
                Event::Tokens(tokens) => self.tokens.update(*tokens),
                Event::End(_) => self.concluded = true,
                Event::Over => self.over = true,
                Event::ToolCall { .. } => {
                    self.calls += 1;
                    if self.calls > MOST_CALLS {
                        self.broken = Some("there are too many tool calls".to_owned());
                        return;
                    }
                }
                _ => {}
            }
            if let Err(why) = self.writer.write(event, out) {
                self.broken = Some(why);
                return;
            }
        }
        // An end without a reason is none.
        if self.over && self.concluded {
            self.close(out);
        }
    }

    fn close(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.closed, true) {
            self.writer.finish(out);
        }
    }

    /// What the provider has counted so far.
    pub(crate) fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// Whether the client has been told all of it.
    pub(crate) fn finished(&self) -> bool {
        self.closed
    }

    /// Whether all parts are there, and nothing went wrong.
    pub(crate) fn is_whole(&self) -> bool {
        self.concluded && self.refused.is_none() && self.broken().is_none()
    }

    /// The error with which the provider ended the stream, as it has been told.
    pub(crate) fn refusal(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    /// Why it cannot be told any further, if so.
    pub(crate) fn broken(&self) -> Option<String> {
        let early = || "it ends without a reason".to_owned();
        self.broken.clone().or_else(|| (self.over && !self.concluded).then(early))
    }

    /// The number of the client's next event, where events are numbered.
    pub(crate) fn sequence(&self) -> u64 {
        self.writer.sequence()
    }

    /// How many events were left out because they cannot be read.
    pub(crate) fn malformed(&self) -> u32 {
        self.malformed
    }
}
