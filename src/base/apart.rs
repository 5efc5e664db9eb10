//! Work on large bodies, apart from the tasks that serve everybody else.
//!
//! A worker of the runtime that reads 30 MB answers nobody for a tenth of a second, and there are
//! only as many workers as cores. So what takes long by its size alone goes to threads of its own,
//! and no more of it at a time than half the cores: the rest waits in its turn, and small requests
//! always find a core.

use std::num::NonZero;
use std::ops::Deref;
use std::panic::resume_unwind;
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// From so many bytes on, work goes elsewhere. Skimming JSON, which is the least that is done with a
/// body, does a gigabyte in a second: less than this takes a fraction of a millisecond.
pub(crate) const LARGE: usize = 256 << 10;

/// Making a tree of JSON, writing one, or compressing takes at least four times as long for each
/// byte: a body counts that much more.
pub(crate) const HEAVY: usize = 4;

/// So many are worked on at a time.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Semaphore::new(cores.div_ceil(2))
});

/// Does something with a body of `size` bytes: at once where it is small, else apart. A panic there
/// is one here.
pub(crate) async fn apart<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if size < LARGE {
        return work();
    }
    // Seldom, and large: what every request carries is kept small.
    Box::pin(in_turn(work)).await
}

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // It is never closed.
    let turn = TURNS.acquire().await;
    // The work ends by itself, also when nobody waits for it any more: its turn lasts as long.
    let work = move || {
        let _turn = turn;
        work()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The process ends, and nobody waits for it any more.
            Err(_) => std::future::pending().await,
        },
    }
}

/// What was read from a body of so many bytes. Freeing it takes long too, piece by piece: if it is
/// large, that is done apart.
#[derive(Debug)]
pub(crate) struct Weighty<T: Default + Send + 'static> {
    held: T,
    size: usize,
}

impl<T: Default + Send + 'static> Weighty<T> {
    /// Holds what was read from a body of `size` bytes.
    pub(crate) fn new(held: T, size: usize) -> Self {
        Self { held, size }
    }
}

impl<T: Default + Send + 'static> Deref for Weighty<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.held
    }
}

impl<T: Default + Send + 'static> Drop for Weighty<T> {
    fn drop(&mut self) {
        if self.size >= LARGE
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let held = std::mem::take(&mut self.held);
            drop(runtime.spawn_blocking(move || drop(held)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::panic::AssertUnwindSafe;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};
    use std::thread;

    #[tokio::test]
    async fn small_work_is_done_here_and_large_work_elsewhere() {
        let here = thread::current().id();
        assert_eq!(apart(LARGE - 1, move || thread::current().id()).await, here);
        assert_ne!(apart(LARGE, move || thread::current().id()).await, here);
    }

    #[tokio::test]
    async fn the_only_worker_serves_others_while_large_work_goes_on_in_turns() {
        let (go, gone) = mpsc::channel::<()>();
        let under_way = Arc::new(AtomicUsize::new(0));
        let first = Arc::clone(&under_way);
        let held = tokio::spawn(apart(LARGE, move || {
            first.fetch_add(1, Ordering::SeqCst);
            gone.recv().unwrap();
        }));
        while under_way.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let most = Arc::new(AtomicUsize::new(0));
        let others: Vec<_> = (0..20)
            .map(|_| {
                let (under_way, most) = (Arc::clone(&under_way), Arc::clone(&most));
                tokio::spawn(apart(LARGE, move || {
                    most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    under_way.fetch_sub(1, Ordering::SeqCst);
                }))
            })
            .collect();
        assert_eq!(apart(1, || 7).await, 7, "this worker is free");
        go.send(()).unwrap();
        held.await.unwrap();
        under_way.fetch_sub(1, Ordering::SeqCst);
        for other in others {
            other.await.unwrap();
        }
        let cores = thread::available_parallelism().unwrap().get();
        // The one that was held counts for a moment after its turn.
        assert!(most.load(Ordering::SeqCst) <= cores.div_ceil(2) + 1);
    }

    #[tokio::test]
    async fn what_was_large_is_freed_elsewhere() {
        #[derive(Default)]
        struct Told(Option<mpsc::Sender<thread::ThreadId>>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.take().into_iter().for_each(|to| to.send(thread::current().id()).unwrap());
            }
        }
        for (size, here) in [(LARGE, false), (LARGE - 1, true)] {
            let (to, told) = mpsc::channel();
            drop(Weighty::new(Told(Some(to)), size));
            assert_eq!(told.recv().unwrap() == thread::current().id(), here);
        }
    }

    #[tokio::test]
    async fn a_panic_there_is_one_here() {
        let broken = || -> usize { std::hint::black_box(Vec::<usize>::new())[0] };
        assert!(AssertUnwindSafe(apart(LARGE, broken)).catch_unwind().await.is_err());
        assert_eq!(apart(LARGE, || 7).await, 7);
    }
}
