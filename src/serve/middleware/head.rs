//! Bounds of a request's head.

use crate::serve::error::Refusal;
use http::{HeaderMap, StatusCode};

/// The most header fields.
const MOST: usize = 100;

/// The most bytes of names and values.
const LARGEST: usize = 32 << 10;

/// Refuses a head that is too large (RFC 6585 §5).
///
/// # Errors
/// 431.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let bytes: usize = headers.iter().map(|(n, v)| n.as_str().len() + v.len() + 4).sum();
    if headers.len() <= MOST && bytes <= LARGEST {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "headers_too_large",
        format!("the headers exceed {MOST} fields or {LARGEST} bytes"),
    ))
}
