//! The HTTP server, and who may use it.

pub(crate) mod auth;
