//! Limits on callers: one interface, and a local GCRA behind it.

mod local;

pub(crate) use local::LocalLimiter;

use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Who is limited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Limited {
    /// A service key or the subject of a token, by its id.
    Key(Arc<str>),
    /// A client address that carries no valid credentials.
    Address(IpAddr),
    /// All requests for a model.
    Route(Arc<str>),
}

/// What a limiter says about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Whether the request may pass; if so it has been counted.
    pub(crate) allowed: bool,
    /// Requests per minute: `x-ratelimit-limit-requests`.
    pub(crate) limit: u32,
    /// Requests that may follow at once: `x-ratelimit-remaining-requests`.
    pub(crate) remaining: u32,
    /// Until the whole limit is free again: `x-ratelimit-reset-requests`.
    pub(crate) reset: Duration,
    /// Until one request may pass: `Retry-After`, zero if it passed.
    pub(crate) retry_after: Duration,
}

impl Decision {
    /// `Retry-After` in whole seconds, rounded up, at least 1 (RFC 9110 §10.2.3).
    pub(crate) fn retry_after_seconds(&self) -> u64 {
        let up = u64::from(self.retry_after.subsec_nanos() > 0);
        (self.retry_after.as_secs() + up).max(1)
    }
}

/// Counts requests. Asynchronous because a limiter may ask a shared counter, within a deadline of
/// its own; none ever fails: it falls back to what it knows.
#[async_trait::async_trait]
pub(crate) trait Limiter: Debug + Send + Sync {
    /// Counts one request of `who` against `per_minute`, if it may pass.
    async fn check(&self, who: &Limited, per_minute: u32) -> Decision;

    /// Forgets everybody whose limit is whole again. To be called every minute or so, or memory
    /// grows with every address ever seen.
    fn retain_recent(&self);
}
