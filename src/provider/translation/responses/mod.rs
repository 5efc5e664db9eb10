//! Responses of the OpenAI API (<https://platform.openai.com/docs/api-reference/responses>), for
//! clients: a provider that has them is asked as it is.

mod items;
mod object;
mod read;
mod tell;

use super::exact;
use super::openai::error;
use super::refused::{Refused, Untranslatable};
use super::seam::{ClientDialect, Shown, WriteEvents};
use super::sound;
use crate::provider::conversation::{Conversation, Reply};
use bytes::Bytes;
use http::StatusCode;

/// Responses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Responses;

impl ClientDialect for Responses {
    fn read_request(&self, body: &[u8]) -> Result<Conversation, Untranslatable> {
        let asked = read::request(body)?;
        sound::judge(&asked, "input", false)?;
        Ok(asked)
    }

    fn write_reply(&self, reply: &Reply, shown: &Shown<'_>) -> Bytes {
        exact::written(&object::reply(reply, shown))
    }

    fn write_refusal(&self, refused: &Refused, _request_id: &str) -> (StatusCode, Bytes) {
        let (status, body) = error(refused);
        (status, Bytes::from(body.to_string()))
    }

    fn writer(&self, shown: &Shown<'_>) -> Box<dyn WriteEvents> {
        Box::new(tell::Writer::new(shown))
    }
}
