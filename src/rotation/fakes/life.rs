//! The time, and how long the process lives: a clock that can end it at any look.

use crate::base::{Clock, Timestamp};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is thrown instead of a kill.
pub(crate) struct Killed;

/// The time, and how long the process lives: it is asked before every write to disk and around
/// every remote call.
#[derive(Debug)]
pub(crate) struct Life {
    now: Mutex<Timestamp>,
    left: Mutex<Option<u32>>,
}

impl Life {
    /// A life without an end, from the beginning of time.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { now: Mutex::new(Timestamp::UNIX_EPOCH), left: Mutex::new(None) })
    }

    pub(crate) fn tick(&self) {
        let mut left = self.left.lock().unwrap();
        if let Some(n) = *left {
            if n == 0 {
                *left = None;
                drop(left);
                std::panic::resume_unwind(Box::new(Killed));
            }
            *left = Some(n - 1);
        }
    }

    pub(crate) fn ends_after(&self, ticks: Option<u32>) {
        *self.left.lock().unwrap() = ticks;
    }

    /// The time, without a look at it that could be the last.
    pub(crate) fn time(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    pub(crate) fn later(&self, by: Duration) {
        *self.now.lock().unwrap() += jiff::SignedDuration::try_from(by).unwrap();
    }
}

impl Clock for Life {
    fn now(&self) -> Timestamp {
        self.tick();
        *self.now.lock().unwrap()
    }
}
