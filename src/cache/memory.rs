//! Bounded memory of the process.

use super::{Cache, CacheStatus};
use crate::base::Timestamp;
use crate::settings::groups::CacheKind;
use bytes::Bytes;
use moka::Expiry;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an entry costs besides its key and value: the maps and queues of the cache.
const OVERHEAD: usize = 128;

#[derive(Clone, Debug)]
struct Entry {
    value: Bytes,
    ttl: Duration,
}

/// Every entry has its own time to live.
struct ByEntry;

impl Expiry<Arc<str>, Entry> for ByEntry {
    fn expire_after_create(&self, _: &Arc<str>, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &Arc<str>,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

/// A cache in the memory of the process, bounded by bytes.
#[derive(Debug)]
pub(crate) struct MemoryCache {
    entries: moka::future::Cache<Arc<str>, Entry>,
    since: Timestamp,
}

impl MemoryCache {
    /// A cache that holds at most about `max_bytes`.
    pub(crate) fn new(max_bytes: u64) -> Self {
        let entries = moka::future::Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|key: &Arc<str>, entry: &Entry| {
                u32::try_from(key.len() + entry.value.len() + OVERHEAD).unwrap_or(u32::MAX)
            })
            .expire_after(ByEntry)
            .build();
        Self { entries, since: Timestamp::now() }
    }

    /// About how many bytes are held, after what is due has been thrown out.
    #[cfg(test)]
    pub(crate) async fn bytes(&self) -> u64 {
        self.entries.run_pending_tasks().await;
        self.entries.weighted_size()
    }
}

#[async_trait::async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str, most: usize) -> Option<Bytes> {
        let value = self.entries.get(key).await?.value;
        (1..=most).contains(&value.len()).then_some(value)
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration) {
        if ttl.is_zero() {
            return self.delete(key).await;
        }
        self.entries.insert(key.into(), Entry { value, ttl }).await;
    }

    async fn delete(&self, key: &str) {
        self.entries.invalidate(key).await;
    }

    fn status(&self) -> CacheStatus {
        CacheStatus {
            kind: CacheKind::Memory,
            at: "memory of the process".to_owned(),
            using_fallback: false,
            since: self.since,
            last_error: None,
        }
    }
}
