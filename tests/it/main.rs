//! One integration binary: it drives the shipped `ultra` and real services.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that panics has failed, skips are said aloud, and services are found by the caller's environment"
)]

mod canary;
mod check;
mod clients;
mod copies;
mod env;
mod keys;
mod layers;
mod mock;
mod scripts;
mod serve;
mod store;
mod support;
