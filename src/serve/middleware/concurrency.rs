//! A bound on what is worked on at a time. Overload is refused at once; nobody queues.

use crate::serve::error::Refusal;
use http::StatusCode;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A place among the requests that are worked on, kept until the answer's last byte.
///
/// # Errors
/// 503 with `Retry-After`.
pub(crate) fn enter(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refusal> {
    Arc::clone(places).try_acquire_owned().map_err(|_| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "the server has too much to do, try again in a second",
        )
        .retry_after(1)
    })
}
