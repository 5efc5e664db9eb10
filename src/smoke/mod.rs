//! The smoke suite: ordered steps against a running server, each a request with an exact
//! expectation, and the HTTP client that the readiness checks share.

mod exchange;
pub(crate) mod http;
pub(crate) mod probe_tokens;
pub(crate) mod step;
mod steps;
pub(crate) mod suite;

pub(crate) use exchange::{Exchange, NoAnswer};
pub(crate) use http::{Auth, Call, Client};
