//! The cache: what may be lost at any time. Memory of the process, or Redis with that memory
//! behind it.

mod memory;
mod ping;
mod redis;
#[cfg(test)]
mod suite;

pub(crate) use memory::MemoryCache;
pub(crate) use ping::{Ping, ping};

use crate::base::{Secret, Timestamp};
use crate::settings::groups::CacheKind;
use bytes::Bytes;
use serde::Serialize;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// How a cache is opened.
#[derive(Clone, Debug)]
pub(crate) struct CacheOptions {
    /// Which one.
    pub(crate) kind: CacheKind,
    /// The Redis server, for [`CacheKind::Redis`].
    pub(crate) redis_url: Option<Secret>,
    /// What the memory of the process may hold.
    pub(crate) max_bytes: u64,
    /// What keys in a shared cache begin with, such as `ultra:prod`.
    pub(crate) namespace: String,
}

/// Why there can be no cache. Texts hold no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{at}` cannot be the cache: {why}")]
pub(crate) struct Unsuitable {
    /// What was configured.
    at: String,
    /// Why it cannot be.
    why: String,
}

impl Unsuitable {
    /// The error for people.
    pub(crate) fn problem(&self) -> crate::report::Problem {
        crate::report::Problem::error("cache-unsuitable", self.to_string()).hint(
            "set `REDIS_URL` to `redis://…` of a running server, or `ULTRA_CACHE` to `memory`",
        )
    }
}

/// How a cache is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CacheStatus {
    /// Which one it is.
    pub(crate) kind: CacheKind,
    /// Where it is, without credentials.
    pub(crate) at: String,
    /// Whether the memory of this process answers in the place of the shared cache.
    pub(crate) using_fallback: bool,
    /// Since when it is in this state.
    pub(crate) since: Timestamp,
    /// The last error, if any.
    pub(crate) last_error: Option<String>,
}

/// A cache. No operation fails and none takes longer than 50 ms: what does not answer is a miss.
#[async_trait::async_trait]
pub(crate) trait Cache: Debug + Send + Sync {
    /// The value of `key`, if it is there, has not expired, and has at most `most` bytes. Of a
    /// longer one, which others may have put into a shared cache, no more is read than shows it. An
    /// empty one is none.
    async fn get(&self, key: &str, most: usize) -> Option<Bytes>;

    /// Keeps `value` for at most `ttl`.
    async fn set(&self, key: &str, value: Bytes, ttl: Duration);

    /// Forgets `key`. If a shared cache is away it is told once it is back, before it is read.
    async fn delete(&self, key: &str);

    /// How it is doing, from what is known: asks nobody.
    fn status(&self) -> CacheStatus;
}

/// Opens the cache. An absent Redis is no error: memory answers until it is there. Must be called
/// within a Tokio runtime.
///
/// # Errors
/// [`Unsuitable`] for a URL that is missing or malformed.
pub(crate) fn open(options: &CacheOptions) -> Result<Arc<dyn Cache>, Unsuitable> {
    match options.kind {
        CacheKind::Memory => Ok(Arc::new(MemoryCache::new(options.max_bytes))),
        CacheKind::Redis => Ok(redis::RedisCache::open(options)?),
    }
}
