//! The wire of providers: how a request is put to them, how their answers and errors read. It
//! knows no routes and no slots; what is sent where is for `gateway` to decide.

pub(crate) mod admin;
pub(crate) mod anthropic;
pub(crate) mod azure;
pub(crate) mod client;
pub(crate) mod cohere;
pub(crate) mod conversation;
mod driven;
pub(crate) mod envelope;
mod event_filter;
pub(crate) mod failure;
mod forbidden;
pub(crate) mod foreign;
pub(crate) mod google;
pub(crate) mod headers;
mod idle;
pub(crate) mod list_models;
pub(crate) mod mock;
mod native;
pub(crate) mod ollama;
pub(crate) mod openai;
mod opening;
mod outline;
pub(crate) mod prices;
mod response_events;
mod response_request;
mod retry_after;
pub(crate) mod shape;
mod stream_usage;
pub(crate) mod translation;
pub(crate) mod usage;
mod usage_scanner;
pub(crate) mod wire;
mod within;

pub(crate) use client::Client;
pub(crate) use driven::Received;
pub(crate) use envelope::{Envelope, Malformed};
pub(crate) use event_filter::EventFilter;
pub(crate) use failure::{Class, Failure, UNUSABLE};
pub(crate) use list_models::{KeyVerdict, test_admin_key, test_key};
pub(crate) use opening::{Opening, OpeningScanner, Refusal};
pub(crate) use retry_after::told_to_wait;
pub(crate) use usage::Tokens;
pub(crate) use usage_scanner::UsageScanner;
pub(crate) use wire::Endpoint;
