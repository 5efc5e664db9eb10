//! Ids that sort by the time they were made.

use rand::RngExt as _;
use uuid::{Builder, Uuid};

/// A UUIDv7 (RFC 9562 §5.7) of the thread's own generator: a request needs several, and each from
/// the operating system would cost a system call.
pub(crate) fn v7() -> Uuid {
    let millis = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
    let random: [u8; 10] = rand::rng().random();
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_version_7_and_differ() {
        let (one, other) = (v7(), v7());
        assert_eq!(one.get_version_num(), 7);
        assert_ne!(one, other);
    }
}
