//! Pieces of a body on their way to a whole.

use bytes::{Bytes, BytesMut};

/// Pieces put together. A body of one piece, which is the usual case, is never copied.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    only: Option<Bytes>,
    more: BytesMut,
}

impl Joined {
    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.only.as_ref().map_or(self.more.len(), Bytes::len)
    }

    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: Bytes) {
        match self.only.take() {
            None if self.more.is_empty() => self.only = Some(piece),
            None => self.more.extend_from_slice(&piece),
            Some(first) => {
                self.more.reserve(first.len() + piece.len());
                self.more.extend_from_slice(&first);
                self.more.extend_from_slice(&piece);
            }
        }
    }

    /// The whole.
    pub(crate) fn whole(self) -> Bytes {
        self.only.unwrap_or_else(|| self.more.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_a_whole_and_one_piece_stays_as_it_is() {
        assert_eq!(Joined::default().whole(), "");
        let only = Bytes::from(vec![b'x'; 100]);
        let mut joined = Joined::default();
        joined.push(only.clone());
        assert_eq!(joined.len(), 100);
        assert_eq!(joined.whole().as_ptr(), only.as_ptr(), "not copied");
        let mut joined = Joined::default();
        for (n, piece) in ["", "ab", "", "c", "def"].iter().enumerate() {
            joined.push(Bytes::from_static(piece.as_bytes()));
            assert_eq!(joined.len(), [0, 2, 2, 3, 6][n]);
        }
        assert_eq!(joined.whole(), "abcdef");
    }
}
