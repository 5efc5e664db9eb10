//! The HTTP server, and who may use it: state, the table of routes, what happens around every
//! request, how the server starts, reloads and stops.

mod announce;
pub(crate) mod auth;
mod background;
mod connections;
mod descriptors;
mod error;
mod health;
mod holder;
mod listen;
mod listing;
mod logging;
mod metrics;
mod metrics_listener;
mod middleware;
mod reload;
mod router;
mod routes;
mod run;
mod seats;
mod seen;
mod signals;
mod stack;
mod state;
mod surface;

pub(crate) use run::{Start, run};
