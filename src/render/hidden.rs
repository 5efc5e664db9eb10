//! A line that is typed without being shown.
//!
//! Whatever ends the wait, the terminal shows again what is typed: Control-C, too, which would end
//! the process with the echo still off.

use crate::base::Secret;
use crate::report::Unanswered;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::Signal;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::{SigId, flag, low_level};
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// What ends a process that does nothing about it.
const SIGNALS: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

/// Shows `prompt` on stderr and reads a line from the terminal that is standard input.
///
/// # Errors
/// A signal came or the terminal is gone, or what was typed is no UTF-8.
pub(super) fn line(prompt: &str) -> Result<Secret, Unanswered> {
    let typed = {
        let signals = Caught::begin().map_err(|_| Unanswered::Interrupted)?;
        let _hidden = Hidden::begin().map_err(|_| Unanswered::Interrupted)?;
        let _ = write!(io::stderr().lock(), "{prompt}");
        let _ = io::stderr().flush();
        let typed = read(&signals);
        // The one that was typed does not show.
        let _ = writeln!(io::stderr().lock());
        typed.map_err(|_| Unanswered::Interrupted)?
    };
    String::from_utf8(typed).map(Secret::from_line).map_err(|_| Unanswered::NotText)
}

/// One line, as the terminal hands it over when it is complete; empty at its end.
fn read(signals: &Caught) -> io::Result<Vec<u8>> {
    let stdin = io::stdin();
    let mut line = Vec::new();
    loop {
        let mut ready =
            [PollFd::new(&signals.told, PollFlags::IN), PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut ready, None) {
            Err(Errno::INTR) => continue,
            other => other?,
        };
        let [told, typed] = &ready;
        if !told.revents().is_empty() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if typed.revents().is_empty() {
            continue;
        }
        let mut part = [0; 4096];
        match rustix::io::read(&stdin, &mut part) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(0) => return Ok(line),
            Ok(n) => line.extend_from_slice(part.get(..n).unwrap_or_default()),
        }
        if line.ends_with(b"\n") {
            return Ok(line);
        }
    }
}

/// The terminal without echo; dropped, it is as it was.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut without = before.clone();
        without.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &without)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Signals that end the wait instead of the process; dropped, they end the process again.
struct Caught {
    told: UnixStream,
    ids: Vec<SigId>,
    fatal: Arc<AtomicBool>,
}

impl Caught {
    fn begin() -> io::Result<Self> {
        // Once there is a handler the system's own does nothing: this one stands in for it.
        static FATAL: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        let known = FATAL.get().is_some();
        let fatal = Arc::clone(FATAL.get_or_init(|| Arc::new(AtomicBool::new(true))));
        let (told, tell) = UnixStream::pair()?;
        let mut caught = Self { told, ids: Vec::new(), fatal };
        for signal in SIGNALS.map(Signal::as_raw) {
            if !known {
                flag::register_conditional_default(signal, Arc::clone(&caught.fatal))?;
            }
            caught.ids.push(low_level::pipe::register(signal, tell.try_clone()?)?);
        }
        caught.fatal.store(false, Ordering::SeqCst);
        Ok(caught)
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        self.fatal.store(true, Ordering::SeqCst);
        for id in self.ids.drain(..) {
            low_level::unregister(id);
        }
    }
}
