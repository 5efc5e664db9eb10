//! Signals: stop, stop now, load again.

use super::reload;
use super::state::App;
use crate::base::signals::listen;
use rustix::process;
use std::io;
use std::sync::Arc;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

/// SIGTERM and SIGINT.
pub(crate) struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    /// Listens from now on; before, a signal ends the process as usual.
    ///
    /// # Errors
    /// The handlers cannot be set.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: listen(process::Signal::TERM)?,
            interrupt: listen(process::Signal::INT)?,
        })
    }

    /// Waits for the next signal to stop.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Loads values again on every SIGHUP, until `stop`.
pub(crate) async fn follow_hangups(app: Arc<App>, mut hangup: Signal, stop: CancellationToken) {
    loop {
        tokio::select! {
            _ = hangup.recv() => reload::reload_and_tell(&app, "SIGHUP").await,
            () = stop.cancelled() => return,
        }
    }
}

/// SIGHUP.
///
/// # Errors
/// The handler cannot be set.
pub(crate) fn hangup() -> io::Result<Signal> {
    listen(process::Signal::HUP)
}
