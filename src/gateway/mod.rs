//! The gateway: routes, slots and what turns a request into an answer of a provider, metered by
//! the usage journal and bounded by limits. It knows no HTTP server.

pub(crate) mod answer;
pub(crate) mod attempt;
mod commit;
mod crossing;
pub(crate) mod error;
mod exchange;
pub(crate) mod forward;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod metering;
pub(crate) mod metrics;
pub(crate) mod played;
mod pursuit;
pub(crate) mod registry;
pub(crate) mod resilience;
pub(crate) mod routes;
pub(crate) mod slots;
mod table;
pub(crate) mod usage;

pub(crate) use attempt::Asked;
pub(crate) use error::GatewayError;
pub(crate) use forward::{Call, Gateway};
pub(crate) use routes::Route;
pub(crate) use table::Table;
