//! An answer as it is kept: who gave it, when, its type and its bytes.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Another one for another form.
const VERSION: u8 = 1;

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When it was whole, in milliseconds since 1970.
    pub(super) made_at: u64,
    /// What it says of itself: its type, and who gave it.
    pub(super) headers: [Option<HeaderValue>; 3],
    /// Its bytes.
    pub(crate) body: Bytes,
}

/// What is kept of an answer's head.
const NAMES: [&str; 3] = ["content-type", "x-ultra-provider", "x-ultra-model"];

/// The longest header that is kept.
const LONGEST: usize = 1024;

impl Entry {
    /// An answer with this head, made now; `None` if its head is none that can be kept.
    pub(crate) fn of(head: &HeaderMap, body: Bytes) -> Option<Self> {
        let headers = NAMES.map(|name| head.get(name).cloned());
        let short = |value: &HeaderValue| value.len() <= LONGEST;
        let fits = headers.iter().flatten().all(short);
        fits.then(|| Self { made_at: now(), headers, body })
    }

    /// Puts its head on an answer.
    pub(crate) fn dress(&self, out: &mut HeaderMap) {
        for (name, value) in NAMES.into_iter().zip(&self.headers) {
            if let Some(value) = value {
                out.insert(name, value.clone());
            }
        }
    }

    /// How old it is. Clocks of replicas differ, and are set back.
    pub(crate) fn age(&self) -> Duration {
        Duration::from_millis(now().saturating_sub(self.made_at))
    }

    /// Its bytes on the way to where it is kept.
    pub(super) fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.body.len() + 128);
        out.extend_from_slice(&[VERSION]);
        out.extend_from_slice(&self.made_at.to_be_bytes());
        for value in &self.headers {
            // None of them is longer than what fits.
            let value = value.as_ref().map_or(&b""[..], HeaderValue::as_bytes);
            out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(0).to_be_bytes());
            out.extend_from_slice(value);
        }
        out.extend_from_slice(&self.body);
        out.freeze()
    }

    /// What such bytes mean; `None` if they are of another form.
    pub(super) fn from_bytes(bytes: &Bytes) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (made_at, mut rest) = rest.split_first_chunk::<8>()?;
        let mut headers = [const { None }; NAMES.len()];
        for header in &mut headers {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (value, after) =
                after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            *header = match value {
                b"" => None,
                value => Some(HeaderValue::from_bytes(value).ok()?),
            };
            rest = after;
        }
        let made_at = u64::from_be_bytes(*made_at);
        Some(Self { made_at, headers, body: bytes.slice_ref(rest) })
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head() -> HeaderMap {
        let mut head = HeaderMap::new();
        head.insert("content-type", HeaderValue::from_static("application/json"));
        head.insert("x-ultra-model", HeaderValue::from_static("m1"));
        head.insert("x-unknown", HeaderValue::from_static("gone"));
        head
    }

    #[test]
    fn an_answer_comes_back_as_it_was_kept() {
        let entry = Entry::of(&head(), Bytes::from_static(b"{}")).unwrap();
        let back = Entry::from_bytes(&entry.to_bytes()).unwrap();
        assert_eq!(back, entry);
        let mut out = HeaderMap::new();
        back.dress(&mut out);
        assert_eq!(out.len(), 2);
        assert!(back.age() < Duration::from_secs(60));
        let future = Entry { made_at: u64::MAX, ..entry };
        assert_eq!(future.age(), Duration::ZERO);
        let mut long = head();
        long.insert("x-ultra-model", "m".repeat(LONGEST + 1).parse().unwrap());
        assert!(Entry::of(&long, Bytes::new()).is_none());
    }

    #[test]
    fn another_form_is_none() {
        let bytes = Entry::of(&head(), Bytes::new()).unwrap().to_bytes();
        for cut in 0..bytes.len() {
            assert!(Entry::from_bytes(&bytes.slice(..cut)).is_none(), "{cut}");
        }
        let mut other = bytes.to_vec();
        other[0] = VERSION + 1;
        assert!(Entry::from_bytes(&Bytes::from(other)).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            Entry::from_bytes(&Bytes::from([vec![VERSION], bytes].concat()));
        }
    }
}
