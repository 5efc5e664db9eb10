//! What models cost, and what else is known of them. The list in this binary is dated; an operator's
//! own file replaces rows of it.
//!
//! A price is a number of pico-dollars a token (a micro-dollar per million tokens is the same), so
//! that the cost of an attempt is a sum of whole products, rounded once.

mod cost;
mod facts;
mod file;
mod list;

pub(crate) use cost::usd;
pub(crate) use facts::{most_output, reasons};
pub(crate) use list::Prices;

use jiff::civil::Date;

/// The prices of a model, in pico-dollars a token. `None` is unknown, which is not free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Price {
    /// Of the request, neither read from a cache nor written to one.
    pub(crate) input: Option<u64>,
    /// Of the answer, reasoning included.
    pub(crate) output: Option<u64>,
    /// Of the request, read from a cache.
    pub(crate) cache_read: Option<u64>,
    /// Of the request, written to a cache that keeps it for five minutes, or as long as it likes.
    pub(crate) cache_write_5m: Option<u64>,
    /// Of the request, written to a cache that keeps it for an hour.
    pub(crate) cache_write_1h: Option<u64>,
}

/// What a list says of a model besides its price. `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Tokens of a conversation that it takes.
    pub(crate) context: Option<u64>,
    /// Tokens of an answer at most.
    pub(crate) max_output: Option<u64>,
    /// Whether it calls tools.
    pub(crate) tools: Option<bool>,
    /// Whether it sees images.
    pub(crate) vision: Option<bool>,
    /// Whether it reasons before it answers.
    pub(crate) reasoning: Option<bool>,
    /// From when on the provider may not serve it any more.
    pub(crate) deprecated: Option<Date>,
}

impl Facts {
    /// What `self` does not say, as `other` says it.
    fn or(self, other: Self) -> Self {
        Self {
            context: self.context.or(other.context),
            max_output: self.max_output.or(other.max_output),
            tools: self.tools.or(other.tools),
            vision: self.vision.or(other.vision),
            reasoning: self.reasoning.or(other.reasoning),
            deprecated: self.deprecated.or(other.deprecated),
        }
    }
}
