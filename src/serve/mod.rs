//! The HTTP server, and who may use it: state, the table of routes, what happens around every
//! request, how the server starts, reloads and stops.

mod announce;
pub(crate) mod auth;
mod background;
mod connections;
mod control;
mod descriptors;
mod error;
mod fleet;
mod health;
mod holder;
mod listen;
mod listing;
mod logging;
mod lost;
mod metrics;
mod metrics_listener;
mod middleware;
mod open;
mod overload;
mod patience;
mod published;
mod reload;
mod rings;
mod router;
mod routes;
mod routing;
mod run;
mod seats;
mod seen;
mod signals;
mod stack;
mod standing;
mod state;
mod surface;
mod watch;

pub(crate) use error::Refusal;
pub(crate) use open::Start;
pub(crate) use published::look as take_published;
pub(crate) use run::run;
pub(crate) use watch::Before;
