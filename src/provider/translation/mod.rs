//! Translation between families of APIs: a client speaks one ([`ClientDialect`]), a provider another
//! ([`Dialect`]), and [`super::conversation`] is what both mean.

mod anthropic;
mod fields;
mod framing;
mod ids;
mod openai;
mod refused;
mod seam;
mod stream;

pub(crate) use anthropic::Messages;
pub(crate) use openai::Chat;
pub(crate) use refused::{Refused, Unread, Untranslatable};
pub(crate) use seam::{ClientDialect, Dialect, Framing, ReadEvents, Shown, WriteEvents};
pub(crate) use stream::{Beginning, StreamTranslator};

#[cfg(test)]
mod tests;
