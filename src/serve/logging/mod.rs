//! Log lines on stderr, written by a thread of their own: a slow terminal or pipe costs no request
//! its time. When it falls behind too far, lines are dropped and counted, never waited for.

mod access;
mod json;
mod lines;

pub(crate) use access::{AccessLog, Entry};

use crate::exit::ExitStatus;
use crate::report::{Fault, Problem};
use crate::settings::groups::{LogFormat, TelemetrySettings};
use lines::Lines;
use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

/// Flushes what waits when the server ends.
pub(crate) struct Logging(Lines);

impl Logging {
    /// Flushes for a moment, then ends the process. Whoever is to read stderr may have stopped
    /// reading, with its lock in the hands of the thread that writes: an error that is written there
    /// on the way out would wait for ever.
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing may be written to a stderr that nobody reads"
    )]
    pub(crate) fn end_now(&self, status: ExitStatus) {
        self.0.flush();
        std::process::exit(i32::from(status.code()));
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Begins to log as the settings say.
///
/// # Errors
/// The filter cannot be read (3), or somebody logs already (1).
pub(crate) fn begin(telemetry: &TelemetrySettings) -> Result<(Logging, AccessLog), Fault> {
    let filter = EnvFilter::try_new(&telemetry.filter).map_err(|e| {
        Fault::does_not_hold(vec![
            Problem::error("malformed-value", "`RUST_LOG` cannot be read")
                .why(e)
                .hint("RUST_LOG=info"),
        ])
    })?;
    let lines = Lines::default();
    let writer = lines.clone();
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writer.write_all())
        .map_err(|e| Fault::failure(Problem::error("log", "cannot start the log").why(e)))?;
    let terminal = io::stderr().is_terminal();
    let json = match telemetry.format {
        Some(format) => format == LogFormat::Json,
        None => !terminal,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines.clone())
        .with_ansi(false);
    let begun = if json { builder.event_format(json::Json).try_init() } else { builder.try_init() };
    begun.map_err(|e| Fault::bug(format!("the log began twice: {e}")))?;
    let access = AccessLog::new(json.then(|| lines.clone()));
    Ok((Logging(lines), access))
}
