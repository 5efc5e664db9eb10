//! A handler that panics ends its request and nothing else.

use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;

/// Runs `handler`; `None` if it panicked. What it was about is logged by the hook of the process.
pub(crate) async fn contain<T>(handler: impl Future<Output = T>) -> Option<T> {
    // What a request shares with others is behind locks and atomics that survive a panic.
    AssertUnwindSafe(handler).catch_unwind().await.ok()
}

/// Logs panics by their place: what a panic says may hold anything.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(%place, "panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_contained_and_an_answer_passes() {
        async fn broken(n: usize) -> usize {
            let values = [1, 2, 3];
            *values.get(n).unwrap()
        }
        assert_eq!(contain(broken(1)).await, Some(2));
        assert_eq!(contain(broken(7)).await, None);
    }
}
