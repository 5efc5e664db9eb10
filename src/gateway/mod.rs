//! The gateway: routes, slots and what turns a request into an answer of a provider, metered by
//! the usage journal and bounded by limits. It knows no HTTP server.

pub(crate) mod answers;
pub(crate) mod error;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod metering;
pub(crate) mod metrics;
pub(crate) mod registry;
mod request;
pub(crate) mod resilience;
pub(crate) mod routes;
pub(crate) mod slots;
mod table;
pub(crate) mod usage;

pub(crate) use error::GatewayError;
pub(crate) use request::{Asked, Call, Ended, Gateway, Meter, Reset, Tried, Unanswered};
pub(crate) use routes::Route;
pub(crate) use table::Table;
