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

use crate::provider::Endpoint;
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
    /// What it is asked for.
    pub(crate) kind: Option<Kind>,
    /// Whether it calls tools.
    pub(crate) tools: Option<bool>,
    /// Whether it sees images.
    pub(crate) vision: Option<bool>,
    /// Whether it reasons before it answers.
    pub(crate) reasoning: Option<bool>,
    /// From when on the provider may not serve it any more.
    pub(crate) deprecated: Option<Date>,
}

/// What a model is asked for. Most converse, at whatever endpoint; these do one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Conversations.
    Chat,
    /// Responses, at their own endpoint only.
    Responses,
    /// Embeddings.
    Embedding,
    /// Putting documents in order, for which there is no endpoint here.
    Rerank,
}

impl Kind {
    /// The one with this name; others are not told apart.
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "chat" => Self::Chat,
            "responses" => Self::Responses,
            "embedding" => Self::Embedding,
            "rerank" => Self::Rerank,
            _ => return None,
        })
    }

    /// Whether a model of this kind can be asked at an endpoint.
    pub(crate) fn is_asked_at(self, endpoint: Endpoint) -> bool {
        match self {
            Self::Chat => endpoint != Endpoint::Embeddings,
            Self::Responses => endpoint == Endpoint::Responses,
            Self::Embedding => endpoint == Endpoint::Embeddings,
            Self::Rerank => false,
        }
    }
}

impl Facts {
    /// What `self` does not say, as `other` says it.
    fn or(self, other: Self) -> Self {
        Self {
            context: self.context.or(other.context),
            max_output: self.max_output.or(other.max_output),
            kind: self.kind.or(other.kind),
            tools: self.tools.or(other.tools),
            vision: self.vision.or(other.vision),
            reasoning: self.reasoning.or(other.reasoning),
            deprecated: self.deprecated.or(other.deprecated),
        }
    }
}
