//! Rows that are written together.

use super::super::segment::{self, Cursor};
use super::super::{JournalOptions, frame, reader};
use super::*;
use crate::store::testing::usage_row;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn options(dir: &Path) -> JournalOptions {
    JournalOptions {
        dir: dir.join("journal"),
        max_bytes: 1 << 20,
        segment_bytes: 16 << 10,
        interval: Duration::from_millis(10),
    }
}

/// The rows on disk; what another thread is just writing is left out.
fn on_disk(journal: &Journal) -> Vec<UsageRow> {
    let segments = segment::list(journal.dir()).unwrap();
    let paths = segments.into_iter().map(|number| segment::path(journal.dir(), number));
    let text: Vec<u8> = paths.flat_map(|path| std::fs::read(path).unwrap()).collect();
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.filter_map(|line| line.strip_suffix(b"\n"));
    whole.map(|line| frame::decode(line).unwrap()).collect()
}

#[test]
fn whoever_settles_first_writes_the_rows_of_all() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    journal.append(usage_row(0)).unwrap();
    let turns: Vec<u64> =
        (1..4).map(|n| journal.hand_over(usage_row(n)).unwrap().unwrap()).collect();
    assert_eq!(on_disk(&journal), [usage_row(0)], "nobody has asked for them yet");
    journal.settle(turns[1]).unwrap();
    assert_eq!(on_disk(&journal), [0, 1, 2, 3].map(usage_row));
    for turn in [turns[0], turns[2]] {
        journal.settle(turn).unwrap();
    }
    assert_eq!((on_disk(&journal).len(), journal.status().appended), (4, 4));
    let start = Cursor { segment: journal.end().segment, offset: 0 };
    let remembered = journal.remembered(start).unwrap();
    assert_eq!(remembered.rows, [0, 1, 2, 3].map(usage_row));
    assert_eq!(remembered.consumed, journal.status().pending_bytes);
}

#[test]
fn all_are_told_of_a_row_that_there_is_no_room_for() {
    let dir = tempfile::tempdir().unwrap();
    let bounds = JournalOptions { max_bytes: 600, ..options(dir.path()) };
    let journal = Journal::open(bounds).unwrap();
    let turns: Vec<u64> =
        (0..4).map(|n| journal.hand_over(usage_row(n)).unwrap().unwrap()).collect();
    for turn in turns {
        assert!(matches!(journal.settle(turn), Err(JournalError::Full { .. })), "{turn}");
    }
    assert!(on_disk(&journal).is_empty() && !journal.writable());
    assert!(journal.writer().group.refused.is_empty(), "all have asked");
    let turn = journal.hand_over(usage_row(9)).unwrap();
    journal.settle(turn.unwrap()).unwrap();
    assert_eq!(on_disk(&journal), [usage_row(9)]);
    assert!(journal.writable());
}

#[test]
fn rows_do_not_wait_without_bound() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    let turns: Vec<u64> =
        (0..300).map(|n| journal.hand_over(usage_row(n)).unwrap().unwrap()).collect();
    let waiting = journal.writer().group.lines.len();
    assert!(waiting < MOST && !on_disk(&journal).is_empty(), "{waiting}");
    turns.into_iter().for_each(|turn| journal.settle(turn).unwrap());
    assert_eq!(on_disk(&journal).len(), 300);
}

#[test]
fn every_row_is_there_once_however_many_settle() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0..200 {
                    let row = usage_row(thread * 1_000 + n);
                    if n % 5 == 0 {
                        journal.append(row).unwrap();
                        continue;
                    }
                    if let Some(turn) = journal.hand_over(row.clone()).unwrap() {
                        journal.settle(turn).unwrap();
                    }
                    assert!(n % 50 != 1 || on_disk(journal).contains(&row));
                }
            });
        }
    });
    let rows = on_disk(&journal);
    let ids: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
    assert_eq!((rows.len(), ids.len()), (800, 800));
}

#[test]
fn rows_are_written_at_once_while_no_others_come() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    let mut waited = Vec::new();
    for n in 0..60 {
        if let Some(turn) = journal.hand_over(usage_row(n)).unwrap() {
            waited.push(n);
            journal.settle(turn).unwrap();
        }
        assert_eq!(on_disk(&journal).len() as u32, n + 1);
    }
    let (alone, each) = (ALONE, AT_ONCE + 1);
    let expected = (0..alone).chain((1..).map(|n| alone - 1 + n * each)).take_while(|n| *n < 60);
    assert_eq!(waited, expected.collect::<Vec<_>>());
    // Once others come, every row waits for them.
    while journal.hand_over(usage_row(100)).unwrap().is_none() {}
    let second = journal.hand_over(usage_row(101)).unwrap().unwrap();
    journal.settle(second).unwrap();
    for n in 102..105 {
        assert!(journal.hand_over(usage_row(n)).unwrap().is_some());
    }
}

#[test]
fn what_may_be_taken_back_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    journal.append(usage_row(1)).unwrap();
    // As a group that the disk had no room for stands there until it is taken back.
    let mut lines = Vec::new();
    frame::encode(&usage_row(2), &mut lines);
    lines.extend_from_slice(b"0");
    let mut file = Arc::clone(&journal.writer().file);
    file.write_all(&lines).unwrap();
    let (start, end) = (Cursor::default(), journal.end());
    let batch = reader::read(journal.dir(), start, end).unwrap();
    assert_eq!((batch.rows, batch.next), (vec![usage_row(1)], end));
    assert_eq!(reader::read(journal.dir(), end, end).unwrap().next, end);
    let left = reader::read(journal.dir(), start, Cursor::LAST).unwrap();
    assert_eq!(left.rows, [usage_row(1), usage_row(2)]);
}
