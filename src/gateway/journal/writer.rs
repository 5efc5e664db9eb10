//! Appending: one `write(2)` for a row, or for the rows of a [`Group`]. What is done from time to
//! time is in [`tend`](super::tend).

use super::claim::{Claim, claim};
use super::group::Group;
use super::reader::Batch;
use super::recent::Recent;
use super::segment::{self, Cursor};
use super::{JournalError, JournalOptions, JournalStatus, frame};
use crate::base::words;
use crate::store::UsageRow;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The journal of this instance.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(super) own: Claim,
    /// Journals of instances that are gone, until the store has them.
    left: Mutex<Vec<Claim>>,
    pub(super) options: JournalOptions,
    writer: Mutex<Writer>,
    /// Whether something was written since the last sync.
    pub(super) dirty: AtomicBool,
    pub(super) counters: Counters,
    last_error: Mutex<Option<String>>,
}

/// What [`JournalStatus`] is made of.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) appended: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) pending_bytes: AtomicU64,
    pub(super) damaged: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) writable: AtomicBool,
}

#[derive(Debug)]
pub(super) struct Writer {
    /// The segment that is written.
    pub(super) file: Arc<File>,
    /// Its number.
    number: u64,
    /// Its length.
    pub(super) size: u64,
    /// Whether the segment ends in a piece of a line that could not be taken back.
    torn: bool,
    /// Segments that are full and not synced yet.
    pub(super) unsynced: Vec<Arc<File>>,
    /// Whether a sync failed: what is written now may never reach the disk.
    pub(super) broken: bool,
    /// What was written last, for the store.
    recent: Recent,
    /// Rows that are written together.
    pub(super) group: Group,
}

impl Journal {
    /// Claims a journal and begins a segment in it. What is there already is passed on to the
    /// store by [`super::start`].
    ///
    /// # Errors
    /// The directory cannot be made, locked, read or written.
    pub(crate) fn open(options: JournalOptions) -> Result<Arc<Self>, JournalError> {
        let (own, left) = claim(&options.dir)?;
        let unusable = |e: io::Error| JournalError::Unusable {
            at: own.dir.display().to_string(),
            why: e.kind().to_string(),
        };
        let cursor = Cursor::load(&own.dir);
        let last = segment::list(&own.dir).map_err(unusable)?.last().copied().unwrap_or(0);
        // Never behind the cursor, or its offset would count for the new segment.
        let number = last.max(cursor.segment) + 1;
        let pending = segment::pending(&own.dir, cursor).map_err(unusable)?;
        let file = segment::create(&own.dir, number).map_err(unusable)?;
        if pending == 0 {
            segment::remove_before(&own.dir, number);
        }
        let writer = Writer {
            file: Arc::new(file),
            number,
            size: 0,
            torn: false,
            unsynced: Vec::new(),
            broken: false,
            recent: Recent::default(),
            group: Group::default(),
        };
        let counters = Counters::default();
        counters.pending_bytes.store(pending, Ordering::Relaxed);
        counters.writable.store(true, Ordering::Relaxed);
        Ok(Arc::new(Self {
            own,
            left: Mutex::new(left),
            options,
            writer: Mutex::new(writer),
            dirty: AtomicBool::new(false),
            counters,
            last_error: Mutex::new(None),
        }))
    }

    /// Keeps a row: when this returns, the death of the process does not lose it. Cheap and
    /// synchronous: one `write(2)` under a lock.
    ///
    /// # Errors
    /// The row is not kept, so the request must not be served: [`JournalError::Full`] or
    /// [`JournalError::Unusable`].
    pub(crate) fn append(&self, row: UsageRow) -> Result<(), JournalError> {
        thread_local! {
            // Kept between rows, so that a line allocates nothing.
            static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        LINE.with_borrow_mut(|line| {
            // All that can be done before the lock is: every request wants it.
            let row = frame::encode_bounded(row, line);
            let length = line.len() as u64;
            self.write(&mut self.writer(), line, std::iter::once((row, length)))
        })
    }

    /// Writes lines with one `write(2)`, all of them or none, and remembers their rows.
    pub(super) fn write(
        &self,
        writer: &mut Writer,
        lines: &mut Vec<u8>,
        rows: impl ExactSizeIterator<Item = (UsageRow, u64)>,
    ) -> Result<(), JournalError> {
        let count = rows.len() as u64;
        let outcome = self.write_lines(writer, lines, rows);
        self.say(writer, outcome.is_ok());
        match &outcome {
            Ok(()) => {
                self.counters.appended.fetch_add(count, Ordering::Relaxed);
                self.dirty.store(true, Ordering::Release);
            }
            Err(e) => self.note(e.to_string()),
        }
        outcome
    }

    /// Whether rows can be kept at present. One load: it is asked before every request.
    pub(crate) fn writable(&self) -> bool {
        self.counters.writable.load(Ordering::Relaxed)
    }

    /// Says whether rows can be kept, by whoever has found out and still holds the lock: what is
    /// found out later is then said later, and the last word is the truth.
    pub(super) fn say(&self, _held: &mut Writer, writable: bool) {
        self.counters.writable.store(writable, Ordering::Relaxed);
    }

    /// Whether `length` bytes may be added, in a new segment if this one is full.
    pub(super) fn make_room(&self, writer: &mut Writer, length: u64) -> Result<(), JournalError> {
        let pending = self.counters.pending_bytes.load(Ordering::Relaxed);
        if pending.saturating_add(length) > self.options.max_bytes {
            let why = format!("the store has not taken {} of it", words::count(pending, "byte"));
            return Err(JournalError::Full { at: self.at(), why });
        }
        if writer.size > 0 && writer.size + length > self.options.segment_bytes {
            self.begin_segment(writer).map_err(|e| self.failed(&e))?;
        }
        Ok(())
    }

    fn write_lines(
        &self,
        writer: &mut Writer,
        lines: &mut Vec<u8>,
        rows: impl Iterator<Item = (UsageRow, u64)>,
    ) -> Result<(), JournalError> {
        if writer.broken {
            return Err(self.unusable("what was written could not be synced"));
        }
        if writer.torn {
            // The piece becomes a damaged line of its own and damages nothing else.
            lines.insert(0, b'\n');
        }
        self.make_room(writer, lines.len() as u64)?;
        if !writer.torn && lines.first() == Some(&b'\n') {
            // A new segment was begun: the piece is in the one before.
            lines.remove(0);
        }
        let length = lines.len() as u64;
        let before = writer.size;
        match write_once(&writer.file, lines) {
            Ok(written) if written == lines.len() => {
                let mut at = Cursor { segment: writer.number, offset: before };
                if writer.torn {
                    // The piece before it must be seen as damaged.
                    writer.recent.forget();
                } else {
                    for (row, length) in rows {
                        writer.recent.keep(row, at, length);
                        at.offset += length;
                    }
                }
                writer.torn = false;
                writer.size += length;
                self.counters.pending_bytes.fetch_add(length, Ordering::Relaxed);
                Ok(())
            }
            Ok(written) => {
                self.take_back(writer, before, written as u64);
                Err(self.disk_full())
            }
            Err(e) => Err(self.failed(&e)),
        }
    }

    /// Undoes a write that was cut short.
    pub(super) fn take_back(&self, writer: &mut Writer, before: u64, written: u64) {
        if writer.file.set_len(before).is_err() {
            writer.torn = true;
            writer.size += written;
            self.counters.pending_bytes.fetch_add(written, Ordering::Relaxed);
        }
    }

    pub(super) fn begin_segment(&self, writer: &mut Writer) -> io::Result<()> {
        let file = Arc::new(segment::create(&self.own.dir, writer.number + 1)?);
        let full = std::mem::replace(&mut writer.file, file);
        writer.unsynced.push(full);
        writer.number += 1;
        writer.size = 0;
        writer.torn = false;
        Ok(())
    }

    /// The rows that stand at `cursor`, if they were written so lately that they need not be read
    /// again. They are given away: whoever cannot pass them on reads them from the segment.
    pub(super) fn remembered(&self, cursor: Cursor) -> Option<Batch> {
        self.writer().recent.take(cursor)
    }

    /// How the journal is doing.
    pub(crate) fn status(&self) -> JournalStatus {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let last_error = self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        JournalStatus {
            appended: read(&self.counters.appended),
            stored: read(&self.counters.stored),
            pending_bytes: read(&self.counters.pending_bytes),
            damaged: read(&self.counters.damaged),
            rejected: read(&self.counters.rejected),
            writable: self.counters.writable.load(Ordering::Relaxed),
            last_error,
        }
    }

    /// The directory of this instance's journal.
    pub(crate) fn dir(&self) -> &Path {
        &self.own.dir
    }

    /// Where the next row is written: what is before it stays as it is.
    pub(super) fn end(&self) -> Cursor {
        let writer = self.writer();
        Cursor { segment: writer.number, offset: writer.size }
    }

    /// Hands over the journals that others have left.
    pub(super) fn take_left(&self) -> Vec<Claim> {
        std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the last error for [`Journal::status`].
    pub(super) fn note(&self, why: impl Into<Option<String>>) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = why.into();
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        // Whoever panicked left at worst an unused buffer behind.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self) -> String {
        self.own.dir.display().to_string()
    }

    pub(super) fn disk_full(&self) -> JournalError {
        JournalError::Full { at: self.at(), why: "the disk is full".to_owned() }
    }

    fn unusable(&self, why: &str) -> JournalError {
        JournalError::Unusable { at: self.at(), why: why.to_owned() }
    }

    pub(super) fn failed(&self, e: &io::Error) -> JournalError {
        let (at, why) = (self.at(), e.kind().to_string());
        match e.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                JournalError::Full { at, why }
            }
            _ => JournalError::Unusable { at, why },
        }
    }
}

/// One `write(2)`, again only if a signal came before anything was written.
pub(super) fn write_once(mut file: &File, line: &[u8]) -> io::Result<usize> {
    loop {
        match file.write(line) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
