//! The cache of answers: what a tenant has asked for once, and gets again without a provider being
//! asked, where the route or the request wants that and determinism is asked for.

mod canonical;
mod entry;
mod fit;
mod flights;
mod keeper;
mod key;
mod metrics;
mod whole;
mod wish;

pub(crate) use entry::Entry;
pub(crate) use fit::is_deterministic;
pub(crate) use flights::{Found, Lead};
pub(crate) use keeper::{Answers, LARGEST, Sealing};
pub(crate) use key::key;
pub(crate) use metrics::{AnswerMetrics, Served};
pub(crate) use whole::is_whole;
pub(crate) use wish::{CACHE, Terms, Wish};
