//! The product's wire clients, with nothing known of any model.

#[path = "../../../src/provider/anthropic/mod.rs"]
pub(crate) mod anthropic;
#[path = "../../../src/provider/azure/mod.rs"]
pub(crate) mod azure;
#[path = "../../../src/provider/cohere/mod.rs"]
pub(crate) mod cohere;
#[path = "../../../src/provider/conversation.rs"]
pub(crate) mod conversation;
#[path = "../../../src/provider/failure.rs"]
pub(crate) mod failure;
#[path = "../../../src/provider/foreign.rs"]
pub(crate) mod foreign;
#[path = "../../../src/provider/google/mod.rs"]
pub(crate) mod google;
#[path = "../../../src/provider/native/mod.rs"]
mod native;
#[path = "../../../src/provider/ollama/mod.rs"]
pub(crate) mod ollama;
#[path = "../../../src/provider/openai/mod.rs"]
pub(crate) mod openai;
#[path = "../../../src/provider/opening.rs"]
mod opening;
#[path = "../../../src/provider/outline.rs"]
mod outline;
#[path = "../../../src/provider/response_events.rs"]
mod response_events;
#[path = "../../../src/provider/stream_usage.rs"]
mod stream_usage;
#[path = "../../../src/provider/translation/mod.rs"]
pub(crate) mod translation;
#[path = "../../../src/provider/usage.rs"]
pub(crate) mod usage;
#[path = "../../../src/provider/usage_scanner.rs"]
mod usage_scanner;
#[path = "../../../src/provider/wire.rs"]
pub(crate) mod wire;

pub(crate) use failure::{Class, Failure};
pub(crate) use opening::{Opening, OpeningScanner, Refusal};
pub(crate) use usage::Tokens;
pub(crate) use usage_scanner::UsageScanner;
pub(crate) use wire::Endpoint;

/// The list of models, empty.
pub(crate) mod prices {
    pub(crate) fn most_output(_maker: &str, _model: &str) -> Option<u64> {
        None
    }

    pub(crate) fn reasons(_maker: &str, _model: &str) -> Option<bool> {
        None
    }
}
