//! The gateway's own machinery: usage journal and limits. It knows no HTTP server.

pub(crate) mod journal;
pub(crate) mod limits;
