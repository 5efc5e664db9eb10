//! Lines on their way to stderr, which a thread of its own writes.

use crate::base::words;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait; lines beyond are dropped.
const WAITING: usize = 4 << 20;

/// A buffer that a burst has made larger than this is not kept.
const KEPT: usize = 256 << 10;

/// How long lines are gathered: waking the thread for each would cost as much as the line.
const GATHER: Duration = Duration::from_millis(20);

/// How long the last lines may take when the server ends.
const FLUSH: Duration = Duration::from_secs(2);

/// Takes lines; shared by whoever logs.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to write.
    wanted: Condvar,
    /// Everything is written.
    written: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: u64,
    /// Whether the thread sleeps until it is told.
    asleep: bool,
    /// Whether the thread is writing.
    writing: bool,
    /// Whether the server ends: nothing is gathered any more.
    ending: bool,
}

impl Lines {
    /// Takes whole lines.
    pub(super) fn push(&self, lines: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.bytes.len() + lines.len() > WAITING {
            waiting.dropped += 1;
            return;
        }
        waiting.bytes.extend_from_slice(lines);
        if std::mem::take(&mut waiting.asleep) {
            // It wants the lock at once.
            drop(waiting);
            self.0.wanted.notify_one();
        }
    }

    /// Writes lines for as long as the process lives. Nothing can be done about an stderr that is
    /// closed.
    pub(super) fn write_all(&self) {
        let mut batch = Vec::new();
        loop {
            let mut waiting = self.waiting();
            while waiting.bytes.is_empty() && waiting.dropped == 0 {
                waiting.asleep = true;
                waiting = self.0.wanted.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            if !waiting.ending {
                drop(waiting);
                std::thread::sleep(GATHER);
                waiting = self.waiting();
            }
            std::mem::swap(&mut waiting.bytes, &mut batch);
            let dropped = std::mem::take(&mut waiting.dropped);
            waiting.writing = true;
            drop(waiting);
            if dropped > 0 {
                let dropped = words::count(dropped, "log line");
                let line = format!("{{\"level\":\"WARN\",\"message\":\"{dropped} dropped\"}}\n");
                batch.extend_from_slice(line.as_bytes());
            }
            let _ = io::stderr().lock().write_all(&batch);
            if batch.capacity() > KEPT {
                batch = Vec::new();
            }
            batch.clear();
            self.waiting().writing = false;
            self.0.written.notify_all();
        }
    }

    /// Waits until everything is written, but not for long.
    pub(super) fn flush(&self) {
        let mut waiting = self.waiting();
        waiting.ending = true;
        self.0.wanted.notify_one();
        let unwritten = |w: &mut Waiting| w.writing || !w.bytes.is_empty();
        drop(self.0.written.wait_timeout_while(waiting, FLUSH, unwritten));
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Whoever panicked here has left whole bytes.
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The subscriber writes each of its lines in one piece.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_bound_are_dropped_and_counted() {
        let lines = Lines::default();
        lines.push(&vec![b'x'; WAITING - 10]);
        lines.push(b"0123456789");
        lines.push(b"one too many");
        let waiting = lines.waiting();
        assert_eq!((waiting.bytes.len(), waiting.dropped), (WAITING, 1));
    }
}
