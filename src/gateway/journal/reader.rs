//! Passing on: what is in the journal goes into the store, then the cursor advances.

use super::Journal;
use super::claim::Claim;
use super::frame;
use super::segment::{self, Cursor};
use crate::store::{Store, StoreError, UsageRow};
use std::cmp::Ordering::{Equal, Greater, Less};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Rows that the store is given at a time.
pub(super) const BATCH: usize = 500;
/// Bytes that are read at a time; longer than any line.
const CHUNK: u64 = 1 << 20;
/// The longest pause after a failure of the store.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The tasks of a journal.
#[derive(Debug)]
pub(crate) struct Tasks {
    stop: CancellationToken,
    syncing: JoinHandle<()>,
    passing: JoinHandle<()>,
}

impl Tasks {
    /// Syncs what is written, passes on what the store takes within `patience`, and ends the
    /// tasks. What is left is passed on at the next start.
    pub(crate) async fn stop(self, patience: Duration) {
        self.stop.cancel();
        let _ = self.syncing.await;
        let mut passing = self.passing;
        if tokio::time::timeout(patience, &mut passing).await.is_err() {
            passing.abort();
        }
    }
}

/// Starts the task that syncs and the one that passes rows on. Must be called within a Tokio
/// runtime.
pub(crate) fn start(journal: &Arc<Journal>, store: Arc<dyn Store>) -> Tasks {
    let stop = CancellationToken::new();
    let syncing = tokio::spawn(sync(Arc::clone(journal), stop.clone()));
    let passing = tokio::spawn(pass_on(Arc::clone(journal), store, stop.clone()));
    Tasks { stop, syncing, passing }
}

async fn sync(journal: Arc<Journal>, stop: CancellationToken) {
    let mut last = false;
    while !last {
        tokio::select! {
            () = tokio::time::sleep(journal.options.interval) => {}
            () = stop.cancelled() => last = true,
        }
        let journal = Arc::clone(&journal);
        match tokio::task::spawn_blocking(move || journal.tend()).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => tracing::error!(error = %e, "usage rows cannot be made durable"),
            Err(e) => tracing::error!(error = %e, "the sync of the usage journal ended"),
        }
    }
}

async fn pass_on(journal: Arc<Journal>, store: Arc<dyn Store>, stop: CancellationToken) {
    let mut own = Follower::new(journal.dir().to_owned());
    let mut left: Vec<(Follower, Claim)> = journal
        .take_left()
        .into_iter()
        .map(|claim| (Follower::new(claim.dir.clone()), claim))
        .collect();
    let interval = journal.options.interval;
    let mut pause = interval;
    loop {
        // Asked before the work, so that rows written until then are passed on.
        let last = stop.is_cancelled();
        let mut outcome = Ok(());
        let pending = journal.counters.pending_bytes.load(Ordering::Relaxed);
        if pending > 0 {
            outcome = own.follow(&journal, true, pending, &*store).await;
        }
        while let (Ok(()), Some((follower, _))) = (&outcome, left.last_mut()) {
            outcome = follower.follow(&journal, false, u64::MAX, &*store).await;
            if outcome.is_ok() {
                follower.clear();
                // Dropping the claim gives the directory free.
                left.pop();
            }
        }
        match outcome {
            Ok(()) => {
                if pause > interval {
                    tracing::info!("the store takes usage rows again");
                    journal.note(None);
                }
                pause = interval;
            }
            Err(why) => {
                if pause == interval {
                    tracing::warn!(error = why, "usage rows wait in the journal");
                }
                journal.note(why);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        if last {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Follows one journal.
pub(super) struct Follower {
    dir: PathBuf,
    cursor: Option<Cursor>,
    /// Rows behind the cursor that were set aside before the store failed: they come once more.
    aside: Vec<Uuid>,
}

impl Follower {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, cursor: None, aside: Vec::new() }
    }

    /// Passes on the next `due` bytes and what comes with them, or all that is there. To its `own`
    /// journal an instance still writes.
    ///
    /// Under load there is always more by the time that the store has taken a batch. Going on with
    /// that at once would make ever smaller transactions, each of which writes as many pages: what
    /// came meanwhile is left for the next round.
    pub(super) async fn follow(
        &mut self,
        journal: &Journal,
        own: bool,
        mut due: u64,
        store: &dyn Store,
    ) -> Result<(), String> {
        while due > 0 {
            let cursor = *self.cursor.get_or_insert_with(|| Cursor::load(&self.dir));
            let dir = self.dir.clone();
            let end = if own { journal.end() } else { Cursor::LAST };
            let remembered = if own { journal.remembered(cursor) } else { None };
            let batch = match remembered {
                Some(batch) => batch,
                None => tokio::task::spawn_blocking(move || read(&dir, cursor, end))
                    .await
                    .map_err(|e| e.to_string())?
                    .map_err(|e| format!("the journal cannot be read: {}", e.kind()))?,
            };
            if batch.next == cursor {
                return Ok(());
            }
            self.store(journal, store, &batch.rows).await?;
            self.advance(cursor, batch.next).await;
            self.cursor = Some(batch.next);
            // A shorter batch than the one that was given up may leave some of them behind it.
            self.aside.retain(|id| !batch.rows.iter().any(|row| row.id == *id));
            due = due.saturating_sub(batch.consumed);
            let counters = &journal.counters;
            counters.damaged.fetch_add(batch.damaged, Ordering::Relaxed);
            counters.stored.fetch_add(batch.rows.len() as u64, Ordering::Relaxed);
            if own {
                let _ = counters.pending_bytes.fetch_update(
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                    |pending| Some(pending.saturating_sub(batch.consumed)),
                );
            }
            if batch.damaged > 0 {
                tracing::error!(
                    lines = batch.damaged,
                    "damaged lines of the usage journal were passed over"
                );
            }
        }
        Ok(())
    }

    /// Deletes what the store has taken, for a journal that nobody writes to any more.
    fn clear(&self) {
        let Some(cursor) = self.cursor else { return };
        for number in segment::list(&self.dir).unwrap_or_default() {
            if number <= cursor.segment {
                // What stays is passed over by the next owner.
                let _ = std::fs::remove_file(segment::path(&self.dir, number));
            }
        }
    }

    async fn store(
        &mut self,
        journal: &Journal,
        store: &dyn Store,
        rows: &[UsageRow],
    ) -> Result<(), String> {
        let others: Vec<UsageRow>;
        let rows = if self.aside.is_empty() {
            rows
        } else {
            others = rows.iter().filter(|row| !self.aside.contains(&row.id)).cloned().collect();
            &others
        };
        if rows.is_empty() {
            return Ok(());
        }
        match store.record_usage(rows).await {
            Ok(_) => return Ok(()),
            Err(StoreError::Rejected { .. }) => {}
            Err(e) => return Err(e.to_string()),
        }
        // One of them will never be taken; it must not keep the others waiting for ever.
        for row in rows {
            match store.record_usage(std::slice::from_ref(row)).await {
                Ok(_) => {}
                Err(e @ StoreError::Rejected { .. }) => {
                    set_aside(&self.dir, row)
                        .map_err(|e| format!("a rejected row cannot be set aside: {}", e.kind()))?;
                    self.aside.push(row.id);
                    journal.counters.rejected.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(error = %e, id = %row.id, "a usage row was rejected and set aside");
                }
                Err(e) => return Err(e.to_string()),
            }
        }
        Ok(())
    }

    /// Keeps the cursor and deletes segments behind it. A failure costs only repetition: the
    /// store passes over rows that it has.
    async fn advance(&self, from: Cursor, to: Cursor) {
        let dir = self.dir.clone();
        let done = tokio::task::spawn_blocking(move || -> io::Result<()> {
            let saved = to.save(&dir);
            if to.segment > from.segment {
                for number in segment::list(&dir)?.into_iter().filter(|n| *n < to.segment) {
                    std::fs::remove_file(segment::path(&dir, number))?;
                }
            }
            saved
        })
        .await;
        if let Ok(Err(e)) = done {
            tracing::warn!(error = %e.kind(), "the cursor of the usage journal was not kept");
        }
    }
}

/// What was read in one go.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<UsageRow>,
    pub(super) next: Cursor,
    pub(super) consumed: u64,
    pub(super) damaged: u64,
}

/// Reads what follows `cursor`: whole lines only, from one segment. What is behind `end` may be taken
/// back: whole lines of rows that were to be written with others, when the disk is full.
pub(super) fn read(dir: &Path, cursor: Cursor, end: Cursor) -> io::Result<Batch> {
    let mut batch = Batch { next: cursor, ..Batch::default() };
    let segments = segment::list(dir)?;
    let Some(&number) = segments.iter().find(|n| **n >= cursor.segment) else { return Ok(batch) };
    if number > cursor.segment {
        batch.next = Cursor { segment: number, offset: 0 };
    }
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(segment::path(dir, number))?;
    file.seek(SeekFrom::Start(batch.next.offset))?;
    let written = match number.cmp(&end.segment) {
        Less => CHUNK,
        Equal => end.offset.saturating_sub(batch.next.offset).min(CHUNK),
        Greater => 0,
    };
    file.take(written).read_to_end(&mut bytes)?;
    let at_end = (bytes.len() as u64) < CHUNK;
    let mut rest = bytes.as_slice();
    let mut used = 0;
    while batch.rows.len() < BATCH {
        let Some(end) = memchr::memchr(b'\n', rest) else { break };
        let (line, more) = rest.split_at(end);
        rest = more.get(1..).unwrap_or_default();
        used += line.len() as u64 + 1;
        match frame::decode(line) {
            Some(row) => batch.rows.push(row),
            // What was left of a probe is no row.
            None if line.trim_ascii().is_empty() => {}
            None => batch.damaged += 1,
        }
    }
    let whole_chunk_is_no_line = used == 0 && !at_end;
    let torn_end = at_end
        && number < end.segment
        && batch.rows.len() < BATCH
        && memchr::memchr(b'\n', rest).is_none();
    if whole_chunk_is_no_line || (torn_end && !rest.is_empty()) {
        // The writer died in the middle of this line, or it is none of ours.
        batch.damaged += u64::from(!rest.trim_ascii().is_empty());
        used += rest.len() as u64;
    }
    batch.consumed = used;
    batch.next.offset += used;
    if torn_end && let Some(&after) = segments.iter().find(|n| **n > number) {
        batch.next = Cursor { segment: after, offset: 0 };
    }
    Ok(batch)
}

/// Keeps a row that the store rejects, for people to look at.
fn set_aside(dir: &Path, row: &UsageRow) -> io::Result<()> {
    let mut line = Vec::new();
    frame::encode(row, &mut line);
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(dir.join("rejected.log"))?;
    file.write_all(&line)?;
    file.sync_all()
}
