//! A line that is typed without being shown.
//!
//! Whatever ends the wait, the terminal shows again what is typed: Control-C, too, which would end
//! the process with the echo still off. A shell puts the echo back when the process is stopped;
//! so Control-Z ends the line as Enter does, what was typed is forgotten, the terminal is restored
//! and only then are the processes in the foreground stopped. Whoever goes on, however it was
//! stopped, hides again and asks again.

use super::incoming::Incoming;
use crate::base::Secret;
use crate::base::signals::Wait;
use crate::report::Unanswered;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, getpgrp, kill_process_group};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use std::io::{self, Write as _};
use std::time::Duration;

/// What follows a line within this time was not typed after it but pasted with it.
const PASTED: Duration = Duration::from_millis(20);

/// How long it takes at most until a signal to ourselves has stopped us. It does not if there is
/// nobody who could let us go on (an orphaned process group).
const STOPPING: Duration = Duration::from_millis(100);

/// No key does it (`_POSIX_VDISABLE`).
const DISABLED: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };

/// The longest line that a terminal hands over: of a longer one it drops the rest.
const LONGEST: usize = 4095;

/// Shows `prompt` on stderr and reads a line from the terminal that is standard input.
///
/// # Errors
/// A signal came or the terminal is gone, or what was typed is no UTF-8, more than one line or
/// longer than a terminal can hand over.
pub(super) fn line(prompt: &str) -> Result<Secret, Unanswered> {
    let wait = Wait::begin().map_err(|_| Unanswered::Interrupted)?;
    let typed = Hidden::begin().and_then(|hidden| {
        ask(prompt);
        let typed = hidden.read(prompt, &wait);
        // The one that was typed does not show.
        let _ = writeln!(io::stderr().lock());
        typed
    });
    // Who interrupts after the line has interrupted as well.
    let stopped = wait.finish();
    let typed = typed.ok().filter(|_| !stopped).ok_or(Unanswered::Interrupted)?;
    typed?.into_secret()
}

fn ask(prompt: &str) {
    let _ = write!(io::stderr().lock(), "{prompt}");
    let _ = io::stderr().flush();
}

/// The terminal without echo; dropped, it is as it was.
struct Hidden {
    before: Termios,
    /// The key that stops, if there is one.
    suspend: Option<u8>,
}

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let suspend = before.special_codes[SpecialCodeIndex::VSUSP];
        let stops = before.local_modes.contains(LocalModes::ISIG) && suspend != DISABLED;
        let hidden = Self { before, suspend: stops.then_some(suspend) };
        hidden.hide()?;
        Ok(hidden)
    }

    fn hide(&self) -> io::Result<()> {
        let mut without = self.before.clone();
        without.local_modes.remove(LocalModes::ECHO);
        if let Some(suspend) = self.suspend {
            without.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
            without.special_codes[SpecialCodeIndex::VEOL] = suspend;
        }
        // What was typed while it was shown is not what was asked for.
        set(OptionalActions::Flush, &without)
    }

    /// One line, as the terminal hands it over when it is complete; empty at its end.
    fn read(&self, prompt: &str, wait: &Wait) -> io::Result<Result<Incoming, Unanswered>> {
        let stdin = io::stdin();
        let mut line = Incoming::default();
        loop {
            let mut ready = [
                PollFd::new(wait.ended(), PollFlags::IN),
                PollFd::new(wait.continued(), PollFlags::IN),
                PollFd::new(&stdin, PollFlags::IN),
            ];
            if await_any(&mut ready, None)? == 0 {
                continue;
            }
            let [ended, continued, typed] = ready.map(|it| !it.revents().is_empty());
            if ended {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if continued {
                wait.forget();
                line.clear();
                self.hide()?;
                ask(prompt);
                continue;
            }
            if !typed {
                continue;
            }
            let end = line.read(&stdin)? == 0;
            match line.bytes().last() {
                last if last.is_some() && last == self.suspend.as_ref() => {
                    line.clear();
                    self.stop(prompt, wait)?;
                }
                _ if line.bytes().len() > LONGEST => return Ok(Err(Unanswered::TooLong)),
                Some(b'\n') if self.more()? => return Ok(Err(Unanswered::ManyLines)),
                Some(b'\n') => return Ok(Ok(line)),
                _ if end => return Ok(Ok(line)),
                _ => {}
            }
        }
    }

    /// Whether more than the line was pasted, complete or not. Empty lines are nothing.
    fn more(&self) -> io::Result<bool> {
        let mut at_once = self.before.clone();
        at_once.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
        at_once.special_codes[SpecialCodeIndex::VMIN] = 1;
        at_once.special_codes[SpecialCodeIndex::VTIME] = 0;
        set(OptionalActions::Now, &at_once)?;
        let stdin = io::stdin();
        let mut rest = Incoming::default();
        while await_any(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(PASTED))? > 0 {
            let end = rest.read(&stdin)? == 0;
            if rest.bytes().iter().any(|byte| !matches!(byte, b'\n' | b'\r')) {
                return Ok(true);
            }
            if end {
                break;
            }
        }
        Ok(false)
    }

    /// Does what the terminal would have done, after it is as it was.
    fn stop(&self, prompt: &str, wait: &Wait) -> io::Result<()> {
        self.restore();
        let _ = writeln!(io::stderr().lock());
        wait.forget();
        kill_process_group(getpgrp(), Signal::TSTP)?;
        // Another thread may have taken the signal: whoever hid too early would stop with it.
        let mut ready = [
            PollFd::new(wait.continued(), PollFlags::IN),
            PollFd::new(wait.ended(), PollFlags::IN),
        ];
        await_any(&mut ready, Some(STOPPING))?;
        wait.forget();
        self.hide()?;
        ask(prompt);
        Ok(())
    }

    fn restore(&self) {
        let _ = set(OptionalActions::Flush, &self.before);
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.restore();
    }
}

/// Sets the terminal. In the background that stops us until we are in the foreground.
fn set(when: OptionalActions, to: &Termios) -> io::Result<()> {
    loop {
        match tcsetattr(io::stdin(), when, to) {
            Err(Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

/// How many are ready, at most after `patience`; none also if a signal came.
fn await_any(ready: &mut [PollFd<'_>], patience: Option<Duration>) -> io::Result<usize> {
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    match poll(ready, patience.as_ref()) {
        Err(Errno::INTR) => Ok(0),
        other => Ok(other?),
    }
}
