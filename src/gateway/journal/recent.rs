//! What was written last is remembered, so that the store can have it without reading and parsing
//! it again. The segments stay what counts: a row that is not remembered is read from there.

use super::reader::{BATCH, Batch};
use super::segment::Cursor;
use crate::store::UsageRow;
use std::collections::VecDeque;

/// So many rows are remembered at most: what comes while a round waits and the store works, at more
/// requests a second than two cores answer. Reading a row again costs as much as inserting it.
const MOST: usize = 8_192;

#[derive(Debug)]
struct Kept {
    row: UsageRow,
    /// Where its line begins.
    at: Cursor,
    /// The length of its line.
    length: u64,
}

/// The rows that were written last, in their order.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Kept>);

impl Recent {
    /// Remembers a row whose line stands at `at`. The oldest makes room for it.
    pub(super) fn keep(&mut self, row: UsageRow, at: Cursor, length: u64) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(Kept { row, at, length });
    }

    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Gives away the rows that follow each other from `cursor` on; `None` if the one that stands
    /// there is not remembered. What is before `cursor` is forgotten.
    pub(super) fn take(&mut self, cursor: Cursor) -> Option<Batch> {
        while self.0.front().is_some_and(|kept| kept.at < cursor) {
            self.0.pop_front();
        }
        let mut batch = Batch { next: cursor, ..Batch::default() };
        while batch.rows.len() < BATCH
            && let Some(kept) = self.0.pop_front_if(|kept| kept.at == batch.next)
        {
            batch.next.offset += kept.length;
            batch.consumed += kept.length;
            batch.rows.push(kept.row);
        }
        (!batch.rows.is_empty()).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::usage_row;

    fn at(segment: u64, offset: u64) -> Cursor {
        Cursor { segment, offset }
    }

    #[test]
    fn rows_are_given_away_in_order_and_only_without_a_gap() {
        let mut recent = Recent::default();
        for (n, place) in [at(1, 0), at(1, 10), at(1, 20), at(1, 40), at(2, 0)].iter().enumerate() {
            recent.keep(usage_row(u32::try_from(n).unwrap()), *place, 10);
        }
        assert!(recent.take(at(0, 0)).is_none());
        let batch = recent.take(at(1, 10)).unwrap();
        assert_eq!(batch.rows, [usage_row(1), usage_row(2)]);
        assert_eq!((batch.next, batch.consumed, batch.damaged), (at(1, 30), 20, 0));
        assert!(recent.take(at(1, 30)).is_none(), "there is something else at this place");
        assert_eq!(recent.take(at(1, 40)).unwrap().rows, [usage_row(3)]);
        assert!(recent.take(at(1, 50)).is_none(), "the segment ends here");
        assert_eq!(recent.take(at(2, 0)).unwrap().rows, [usage_row(4)]);
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut recent = Recent::default();
        for n in 0..10_000_u64 {
            recent.keep(usage_row(1), at(1, n), 1);
        }
        let oldest = 10_000 - MOST as u64;
        assert!(recent.take(at(1, oldest - 1)).is_none_or(|batch| batch.rows.is_empty()));
        assert_eq!(recent.take(at(1, oldest)).unwrap().rows.len(), BATCH);
    }
}
