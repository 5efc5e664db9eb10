//! What models cost. The list in this binary is dated; an operator's own file replaces rows of it.
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
