//! Rows of requests that are answered at the same moment, written with one `write(2)`: under load that
//! call is the dearest thing that is done for a row (docs/adr/0017).

use super::writer::{Journal, Writer};
use super::{JournalError, frame};
use crate::store::UsageRow;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Lines that wait amount to no more than this: whoever comes then writes them.
const MOST: usize = 64 << 10;

/// After so many rows that no other joined, rows are written at once: nobody else ends a request then,
/// and waiting for others costs more than it saves.
const ALONE: u32 = 4;

/// The row after so many that were written at once waits again, to find out whether others come.
const AT_ONCE: u32 = 16;

/// Rows that wait, and what became of those that were written.
#[derive(Debug, Default)]
pub(super) struct Group {
    lines: Vec<u8>,
    /// Each with the length of its line.
    rows: Vec<(UsageRow, u64)>,
    /// How many rows lately were joined by no other; beyond [`ALONE`], how many were written at once.
    alone: u32,
    /// The turn of the row that came last.
    last: u64,
    /// The last turn that was written or refused.
    settled: u64,
    /// Turns that were refused, until somebody asks what became of them.
    refused: BTreeMap<u64, JournalError>,
}

impl Journal {
    /// Takes a row that is to be written with others: it is not kept until [`Journal::settle`] has
    /// said so, which must be asked of every turn. Where no others come, it is kept already, and
    /// there is no turn.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub(crate) fn hand_over(&self, row: UsageRow) -> Result<Option<u64>, JournalError> {
        thread_local! {
            // Kept between rows, so that a line allocates nothing.
            static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        LINE.with_borrow_mut(|line| {
            let row = frame::encode_bounded(row, line);
            let length = line.len() as u64;
            let mut writer = self.writer();
            let group = &mut writer.group;
            if group.rows.is_empty() && group.alone >= ALONE {
                if group.alone < ALONE + AT_ONCE {
                    group.alone += 1;
                    return self
                        .write(&mut writer, line, std::iter::once((row, length)))
                        .map(|()| None);
                }
                group.alone = ALONE - 1;
            }
            group.lines.extend_from_slice(line);
            group.rows.push((row, length));
            group.last += 1;
            let turn = group.last;
            if group.lines.len() >= MOST {
                self.write_group(&mut writer);
            }
            Ok(Some(turn))
        })
    }

    /// Writes the row of a turn, and all that wait with it, unless somebody has done so. When this
    /// returns, the death of the process does not lose it.
    ///
    /// # Errors
    /// The row is not kept, nor are those that were to be written with it: as [`Journal::append`].
    pub(crate) fn settle(&self, turn: u64) -> Result<(), JournalError> {
        let mut writer = self.writer();
        if writer.group.settled < turn {
            self.write_group(&mut writer);
        }
        writer.group.refused.remove(&turn).map_or(Ok(()), Err)
    }

    fn write_group(&self, writer: &mut Writer) {
        let mut lines = std::mem::take(&mut writer.group.lines);
        let mut rows = std::mem::take(&mut writer.group.rows);
        let count = rows.len();
        let outcome = self.write(writer, &mut lines, rows.drain(..));
        let group = &mut writer.group;
        if let Err(error) = outcome {
            let turns = group.settled + 1..=group.last;
            group.refused.extend(turns.map(|turn| (turn, error.clone())));
        }
        group.settled = group.last;
        group.alone = if count > 1 { 0 } else { group.alone + 1 };
        // Kept for the next rows.
        lines.clear();
        (group.lines, group.rows) = (lines, rows);
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
