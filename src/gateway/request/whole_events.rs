//! Events of a stream, held back until their ends are there.

use bytes::{Bytes, BytesMut};

/// The longest event that is passed on: a stream with a longer one is broken off.
pub(super) const LONGEST_EVENT: usize = 16 << 20;

/// The beginning of an event whose end has not come yet.
#[derive(Debug, Default)]
pub(super) struct WholeEvents {
    held: BytesMut,
}

impl WholeEvents {
    /// Takes a piece of the stream; gives back the events that are whole now.
    pub(super) fn push(&mut self, piece: Bytes) -> Bytes {
        if self.held.is_empty() && end_of_events(&piece, 0) == piece.len() {
            return piece;
        }
        let before = self.held.len();
        self.held.extend_from_slice(&piece);
        // The end of an event may have come in two pieces.
        let end = end_of_events(&self.held, before.saturating_sub(2));
        self.held.split_to(end).freeze()
    }

    /// All that is held, and a last piece, whole or not.
    pub(super) fn all_with(&mut self, piece: Bytes) -> Bytes {
        if self.held.is_empty() {
            return piece;
        }
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(&piece);
        all.freeze()
    }

    /// Whether the event that is held is longer than any may be.
    pub(super) fn is_too_long(&self) -> bool {
        self.held.len() > LONGEST_EVENT
    }
}

/// Where the last event ends whose blank line is at `from` or after; 0 if there is none.
fn end_of_events(stream: &[u8], from: usize) -> usize {
    let mut at = stream.len();
    while let Some(newline) = stream.get(from..at).and_then(|new| memchr::memrchr(b'\n', new)) {
        at = from + newline;
        let line = stream.get(..at).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.ends_with(b"\n") {
            return at + 1;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_end_with_a_blank_line_whatever_ends_their_lines() {
        for (stream, end) in [
            ("data: a\n\ndata: b", 9),
            ("data: a\r\n\r\ndata: b\r\n", 11),
            ("data: a\n\r\n", 10),
            ("\n", 1),
            ("\r\n", 2),
            ("data: a\n", 0),
            ("data: a\r\n\r", 0),
            ("a\n\nb\n\nc\n", 6),
            ("", 0),
        ] {
            assert_eq!(end_of_events(stream.as_bytes(), 0), end, "{stream:?}");
        }
        // What is known to have no end is not looked through again.
        assert_eq!(end_of_events(b"a\n\nb\n", 3), 0);
    }
}
