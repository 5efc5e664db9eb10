//! Log lines on stderr, written by a thread of their own: a slow terminal or pipe costs no request
//! its time. When it falls behind too far, lines are dropped and counted, never waited for.

mod json;

use crate::report::{Fault, Problem};
use crate::settings::groups::{LogFormat, TelemetrySettings};
use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait.
const WAITING: usize = 16 << 10;

/// Bytes that are written at a time.
const BATCH: usize = 64 << 10;

/// How long lines are gathered: waking the thread for each would cost as much as the line.
const GATHER: Duration = Duration::from_millis(5);

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Hands lines to the thread.
#[derive(Clone)]
struct Lines {
    to: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

/// One line under way; handed over when dropped.
struct Line {
    lines: Lines,
    bytes: Vec<u8>,
}

/// Flushes what waits when the server ends.
pub(crate) struct Logging(SyncSender<Message>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if let Err(TrySendError::Full(_)) = self.lines.to.try_send(Message::Line(bytes)) {
            self.lines.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { lines: self.clone(), bytes: Vec::with_capacity(512) }
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let (tell, told) = sync_channel(1);
        if self.0.try_send(Message::Flush(tell)).is_ok() {
            let _ = told.recv_timeout(Duration::from_secs(2));
        }
    }
}

/// Writes lines in batches until every sender is gone. Nothing can be done about an stderr that
/// is closed.
fn write(from: &Receiver<Message>, dropped: &AtomicU64) {
    let mut batch: Vec<u8> = Vec::with_capacity(BATCH);
    while let Ok(first) = from.recv() {
        if !matches!(first, Message::Flush(_)) {
            std::thread::sleep(GATHER);
        }
        let mut flushed = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Line(line) => batch.extend_from_slice(&line),
                Message::Flush(tell) => flushed.push(tell),
            }
            next = if batch.len() < BATCH { from.try_recv().ok() } else { None };
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ =
                writeln!(batch, "{{\"level\":\"WARN\",\"message\":\"{lost} log lines dropped\"}}");
        }
        let _ = io::stderr().lock().write_all(&batch);
        batch.clear();
        for tell in flushed {
            let _ = tell.send(());
        }
    }
}

/// Begins to log as the settings say.
///
/// # Errors
/// The filter cannot be read (3), or somebody logs already (1).
pub(crate) fn begin(telemetry: &TelemetrySettings) -> Result<Logging, Fault> {
    let filter = EnvFilter::try_new(&telemetry.filter).map_err(|e| {
        Fault::does_not_hold(vec![
            Problem::error("malformed-value", "`RUST_LOG` cannot be read")
                .why(e)
                .hint("RUST_LOG=info"),
        ])
    })?;
    let (to, from) = sync_channel(WAITING);
    let dropped = Arc::new(AtomicU64::new(0));
    let lines = Lines { to: to.clone(), dropped: Arc::clone(&dropped) };
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write(&from, &dropped))
        .map_err(|e| Fault::failure(Problem::error("log", "cannot start the log").why(e)))?;
    let terminal = io::stderr().is_terminal();
    let json = match telemetry.format {
        Some(format) => format == LogFormat::Json,
        None => !terminal,
    };
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines).with_ansi(false);
    let begun = if json { builder.event_format(json::Json).try_init() } else { builder.try_init() };
    begun.map_err(|e| Fault::bug(format!("the log began twice: {e}")))?;
    Ok(Logging(to))
}
