//! Request ids: the caller's own if it is sane, else a UUIDv7.

use http::{HeaderMap, HeaderName};
use std::sync::Arc;
use uuid::Uuid;

/// The header, in requests and answers.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The header by which clients of Anthropic know it.
pub(crate) const ANTHROPIC_HEADER: HeaderName = HeaderName::from_static("request-id");

/// The longest id that is taken over.
const LONGEST: usize = 128;

/// The id of a request.
pub(crate) fn of(headers: &HeaderMap) -> Arc<str> {
    headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(|id| sane(id)).map_or_else(
        || {
            let id = crate::base::id::v7();
            Arc::from(&*id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
        },
        Arc::from,
    )
}

/// Safe in logs, headers and file names, whatever reads them.
fn sane(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= LONGEST
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sane_ids_are_taken_over() {
        let with = |id: &'static str| of(&HeaderMap::from_iter([(HEADER, id.parse().unwrap())]));
        assert_eq!(&*with("abc-1.2:3_x"), "abc-1.2:3_x");
        for bad in ["", "a b", "<script>", "a\"b", "a/../b"] {
            assert_ne!(&*with(bad), bad);
        }
        assert_eq!(of(&HeaderMap::new()).len(), 36);
    }
}
