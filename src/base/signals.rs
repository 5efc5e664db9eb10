//! The signals that end a process: who does something about them.
//!
//! What is done about a signal is said for the whole process, and a handler that was needed once
//! stays. From then on it does what the system would have done, but only as long as nobody
//! listens; therefore whoever listens does so here. A signal that was ignored when we were started
//! (`nohup`, `trap ''`) ends nothing, and no wait either.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use signal_hook::{SigId, flag, low_level};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::signal::unix::SignalKind;

/// What ends a process that does nothing about it and that people send.
const ENDINGS: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

/// What this process does about one signal.
#[derive(Default)]
struct Plan {
    /// What the handler that stays asks: whether to end the process.
    fatal: Option<Arc<AtomicBool>>,
    /// Whether somebody listens, until the process ends.
    listened: bool,
    /// How many waits it ends.
    waits: usize,
}

impl Plan {
    fn settle(&self) {
        if let Some(fatal) = &self.fatal {
            fatal.store(!self.listened && self.waits == 0, Ordering::SeqCst);
        }
    }
}

fn plans() -> MutexGuard<'static, BTreeMap<i32, Plan>> {
    static PLANS: Mutex<BTreeMap<i32, Plan>> = Mutex::new(BTreeMap::new());
    PLANS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The signals of this kind from now on; none of them ends the process any more, also when nobody
/// waits for the next one.
///
/// # Errors
/// The handler cannot be set.
#[expect(clippy::disallowed_methods, reason = "the one place where it is known who listens")]
pub(crate) fn listen(signal: Signal) -> io::Result<tokio::signal::unix::Signal> {
    let mut plans = plans();
    let stream = tokio::signal::unix::signal(SignalKind::from_raw(signal.as_raw()))?;
    let plan = plans.entry(signal.as_raw()).or_default();
    plan.listened = true;
    plan.settle();
    Ok(stream)
}

/// The signals that this process ignores, one bit each, from the lowest.
pub(crate) fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Whether `signal` is among those of [`ignored`].
pub(crate) fn is_in(ignored: u64, signal: Signal) -> bool {
    ignored >> (signal.as_raw() - 1) & 1 == 1
}

/// A wait that signals end, instead of the process; dropped, they end the process again, if they
/// did. Whoever listens is told, too.
pub(crate) struct Wait {
    ended: UnixStream,
    /// Kept: a closed end would look like a signal.
    end: UnixStream,
    continued: UnixStream,
    ids: Vec<SigId>,
    caught: Vec<Signal>,
}

impl Wait {
    /// Begins the wait.
    ///
    /// # Errors
    /// The handlers cannot be set.
    pub(crate) fn begin() -> io::Result<Self> {
        let (ended, end) = UnixStream::pair()?;
        let (continued, go_on) = UnixStream::pair()?;
        continued.set_nonblocking(true)?;
        let mut wait = Self { ended, end, continued, ids: Vec::new(), caught: Vec::new() };
        let ignored = ignored();
        for signal in ENDINGS.into_iter().filter(|signal| !is_in(ignored, *signal)) {
            let raw = signal.as_raw();
            let mut plans = plans();
            let plan = plans.entry(raw).or_default();
            if plan.fatal.is_none() {
                let fatal = Arc::new(AtomicBool::new(!plan.listened));
                flag::register_conditional_default(raw, Arc::clone(&fatal))?;
                plan.fatal = Some(fatal);
            }
            wait.ids.push(low_level::pipe::register(raw, wait.end.try_clone()?)?);
            wait.caught.push(signal);
            plan.waits += 1;
            plan.settle();
        }
        // That goes on whatever is done about it.
        wait.ids.push(low_level::pipe::register(Signal::CONT.as_raw(), go_on)?);
        Ok(wait)
    }

    /// Readable once one of the signals has come.
    pub(crate) fn ended(&self) -> &UnixStream {
        &self.ended
    }

    /// Readable when the process goes on after it was stopped (SIGCONT).
    pub(crate) fn continued(&self) -> &UnixStream {
        &self.continued
    }

    /// Forgets that the process went on.
    pub(crate) fn forget(&self) {
        let mut part = [0; 64];
        while matches!(rustix::io::read(&self.continued, &mut part), Ok(1..)) {}
    }

    /// Ends the wait. Whether a signal came until the very end, which has ended nothing else.
    pub(crate) fn finish(mut self) -> bool {
        self.release();
        let mut ready = [PollFd::new(&self.ended, PollFlags::IN)];
        matches!(poll(&mut ready, Some(&Timespec::default())), Ok(1..))
    }

    fn release(&mut self) {
        let mut plans = plans();
        for signal in self.caught.drain(..) {
            if let Some(plan) = plans.get_mut(&signal.as_raw()) {
                plan.waits = plan.waits.saturating_sub(1);
                plan.settle();
            }
        }
        for id in self.ids.drain(..) {
            low_level::unregister(id);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.release();
    }
}
