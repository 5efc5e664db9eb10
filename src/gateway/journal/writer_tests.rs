//! Writing: torn ends, full segments, and finding out whether there is room again.

use super::*;
use crate::store::testing::usage_row;
use std::time::Duration;

fn options(dir: &Path) -> JournalOptions {
    JournalOptions {
        dir: dir.join("journal"),
        max_bytes: 64 << 10,
        segment_bytes: 1 << 10,
        interval: Duration::from_millis(10),
    }
}

fn first_segment(journal: &Journal) -> std::path::PathBuf {
    segment::path(journal.dir(), segment::list(journal.dir()).unwrap()[0])
}

fn on_disk(journal: &Journal) -> u64 {
    segment::pending(journal.dir(), Cursor::default()).unwrap()
}

#[test]
fn lengths_are_right_after_a_torn_end_at_the_end_of_a_segment() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    // Two new segments are begun with a torn end before them, and one without.
    for n in 0..30 {
        journal.append(usage_row(n)).unwrap();
        if n % 3 == 0 {
            let mut writer = journal.writer();
            let written = write_once(&writer.file, b"a piece of a line").unwrap() as u64;
            writer.torn = true;
            writer.size += written;
            journal.counters.pending_bytes.fetch_add(written, Ordering::Relaxed);
        }
        let segment = segment::path(journal.dir(), journal.end().segment);
        assert_eq!(std::fs::metadata(segment).unwrap().len(), journal.writer().size, "row {n}");
    }
    assert!(journal.end().segment > 5);
    assert_eq!(journal.status().pending_bytes, on_disk(&journal));
}

#[test]
fn a_journal_without_room_finds_out_by_itself_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    let mut kept = 0;
    while journal.append(usage_row(kept)).is_ok() {
        kept += 1;
    }
    journal.tend().unwrap();
    assert!(!journal.writable(), "nothing was passed on");
    let taken = 40 << 10;
    journal.counters.pending_bytes.fetch_sub(taken, Ordering::Relaxed);
    journal.tend().unwrap();
    let status = journal.status();
    assert!(status.writable && status.last_error.is_none(), "{status:?}");
    // What was written to find out is gone again.
    assert_eq!(on_disk(&journal), status.pending_bytes + taken);
    journal.append(usage_row(kept)).unwrap();
    let mut cursor = Cursor::default();
    let (mut rows, mut damaged) = (0, 0);
    loop {
        let batch = super::super::reader::read(journal.dir(), cursor, Cursor::LAST).unwrap();
        if batch.next == cursor {
            break;
        }
        (rows, damaged, cursor) = (rows + batch.rows.len(), damaged + batch.damaged, batch.next);
    }
    assert_eq!((rows, damaged), (kept as usize + 1, 0));
}

#[test]
fn a_directory_that_comes_back_is_found_out_without_a_request() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    let (own, moved) = (journal.dir().to_owned(), dir.path().join("moved"));
    std::fs::rename(&own, &moved).unwrap();
    let mut n = 0;
    while journal.append(usage_row(n)).is_ok() {
        n += 1;
    }
    journal.probe();
    assert!(!journal.writable());
    std::fs::rename(&moved, &own).unwrap();
    journal.probe();
    assert!(journal.writable());
    journal.append(usage_row(n)).unwrap();
}

#[test]
fn what_is_left_of_a_probe_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    journal.append(usage_row(1)).unwrap();
    let path = first_segment(&journal);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend(vec![b' '; frame::LONGEST_LINE]);
    // Killed before it was taken back; or it could not be, and a row came after it.
    for ending in [&b""[..], &b"\n"[..]] {
        let bytes = [&bytes, ending].concat();
        std::fs::write(&path, &bytes).unwrap();
        let batch = super::super::reader::read(
            journal.dir(),
            Cursor::default(),
            Cursor { segment: 9, offset: 0 },
        )
        .unwrap();
        assert_eq!((batch.rows.len(), batch.damaged), (1, 0));
        assert_eq!(batch.consumed, bytes.len() as u64);
    }
}

#[test]
fn a_disk_that_cannot_sync_costs_no_file_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    journal.append(usage_row(1)).unwrap();
    for _ in 0..10 {
        journal.mark_broken(true);
        journal.tend().unwrap();
        assert!(journal.writable(), "a sync of a fresh segment heals it");
    }
    assert_eq!(segment::list(journal.dir()).unwrap().len(), 2);
}
