//! Loops: a request that comes back to the instance it has been through.

use crate::provider::headers::HOP;
use crate::serve::error::Refusal;
use http::{HeaderMap, StatusCode};

/// Refuses a request that has been here (RFC 5842 §7.2).
///
/// # Errors
/// 508.
pub(crate) fn check(headers: &HeaderMap, instance: &str) -> Result<(), Refusal> {
    let been_here = headers
        .get_all(HOP)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim() == instance);
    if !been_here {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::LOOP_DETECTED,
        "loop_detected",
        "the request comes from this very server: the base URL of a provider leads back to it",
    )
    .hopeless())
}
