//! How long a connection waits for the head of its next request.
//!
//! The library asks for a new timer for every head. Making one known to the runtime and taking it
//! back is done under a lock that all connections share, twice a request, and hardly any ever comes
//! to its end. So a connection has one, which is left where it is: when it ends before its time has
//! come, it is moved on.

use hyper::rt::{Sleep, Timer};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

type Shared = Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>;

/// The timer of one connection: one sleep of it is waited for at a time.
#[derive(Debug, Default)]
pub(super) struct Patience(Shared);

/// Until a time has come.
struct Until {
    due: tokio::time::Instant,
    shared: Shared,
}

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until { due: deadline.into(), shared: Arc::clone(&self.0) })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

impl Sleep for Until {}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let due = self.due;
        // Whoever panicked here has left a whole timer.
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = shared.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if sleep.deadline() > due {
            sleep.as_mut().reset(due);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    #[tokio::test(start_paused = true)]
    async fn it_ends_at_its_time_whatever_was_waited_for_before() {
        let timer = Patience::default();
        let began = timer.now();
        let waited = async |until: u64| {
            timer.sleep_until(began + Duration::from_secs(until)).await;
            (timer.now() - began).as_secs()
        };
        let given_up = async |until: u64, after: u64| {
            let sleep = timer.sleep_until(began + Duration::from_secs(until));
            assert!(timeout(Duration::from_secs(after), sleep).await.is_err());
        };
        given_up(30, 10).await;
        // The one before would end at 30.
        assert_eq!(waited(45).await, 45);
        given_up(90, 5).await;
        assert_eq!(waited(60).await, 60, "sooner than the one before");
        advance(Duration::from_secs(100)).await;
        assert_eq!(waited(120).await, 160, "it had come already");
    }
}
