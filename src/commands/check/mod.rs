//! `ultra check`: readiness, status, smoke tests and scans.

pub(crate) mod explain;
pub(crate) mod list;
pub(crate) mod readiness;
pub(crate) mod scan;
pub(crate) mod smoke;
pub(crate) mod status;
