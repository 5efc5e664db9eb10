//! Translation between families of APIs: a client speaks one ([`ClientDialect`]), a provider another
//! ([`Dialect`]), and [`super::conversation`] is what both mean.

mod refused;
mod seam;

pub(crate) use refused::{Refused, Unread, Untranslatable};
pub(crate) use seam::{ClientDialect, Dialect, Framing, ReadEvents, Shown, WriteEvents};
