//! The way of one request: from the call of a client over targets and keys to an answer.

mod answer;
mod attempt;
mod cached;
mod commit;
mod crossing;
mod exchange;
mod forward;
mod later;
mod missed;
mod passed;
mod played;
mod pursuit;
mod recorded;
mod round;
mod tried;
mod whole_events;

pub(crate) use attempt::{Asked, Ended, Meter};
pub(crate) use forward::{Call, Gateway};
pub(crate) use played::Reset;
pub(crate) use tried::{Tried, Unanswered};
