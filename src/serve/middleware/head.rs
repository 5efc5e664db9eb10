//! Bounds of a request's head, within those of the HTTP library: what is beyond ours is refused in
//! the shape of the API family, what is beyond the library's is refused by the library, with a bare
//! status line (100 fields, about 400 KiB, a target of 65,534 bytes).

use crate::serve::error::Refusal;
use http::{HeaderMap, StatusCode, Uri};

/// The most header fields. The library reads 100 without allocating, so ours are fewer.
const MOST: usize = 80;

/// The most bytes of names and values.
const LARGEST: usize = 32 << 10;

/// The most bytes of a path with its query: what RFC 9110 §4.1 asks everybody to take, and a little
/// more.
const LONGEST: usize = 8 << 10;

/// Refuses a target that is too long (RFC 9110 §15.5.15) and fields that are too many or too large
/// (RFC 6585 §5).
///
/// # Errors
/// 414, 431.
pub(crate) fn check(uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    if uri.path_and_query().is_some_and(|target| target.as_str().len() > LONGEST) {
        return Err(Refusal::new(
            StatusCode::URI_TOO_LONG,
            "uri_too_long",
            format!("the path and the query exceed {LONGEST} bytes"),
        ));
    }
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
