//! Where answers are kept: sealed, in the cache of the server, under names that tell nothing.

use super::entry::Entry;
use super::flights::{Flights, Found, Lead};
use super::key::Key;
use super::metrics::AnswerMetrics;
use crate::cache::Cache;
use bytes::Bytes;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The largest answer that is kept: the cache is shared, and has little time for each.
pub(crate) const LARGEST: usize = 1 << 20;

/// What is added to an answer on its way into the cache is no longer.
const AROUND: usize = 8 << 10;

/// Who seals what is kept, as a cache may be read and written by others.
pub(crate) trait Sealing: Debug + Send + Sync {
    /// The name of what is kept under a key, which tells nothing of it to whoever cannot open it;
    /// `None` if nothing can be sealed.
    fn name(&self, key: &[u8; 32]) -> Option<String>;

    /// Seals bytes for this name; `None` if nothing can be sealed.
    fn seal(&self, name: &str, bytes: &[u8]) -> Option<Vec<u8>>;

    /// What was sealed for this name; `None` for anything else.
    fn open(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>>;
}

/// The cache of answers.
#[derive(Debug)]
pub(crate) struct Answers {
    cache: Arc<dyn Cache>,
    sealing: Arc<dyn Sealing>,
    flights: Arc<Flights>,
    /// What came of requests.
    pub(crate) metrics: AnswerMetrics,
}

impl Answers {
    /// Answers in `cache`.
    pub(crate) fn new(
        cache: Arc<dyn Cache>,
        sealing: Arc<dyn Sealing>,
        metrics: AnswerMetrics,
    ) -> Self {
        Self { cache, sealing, flights: Arc::default(), metrics }
    }

    /// Leads, or waits until `until` for whoever asks the same.
    pub(crate) async fn join(&self, key: &Key, until: Instant) -> Found {
        self.flights.join(key, until).await
    }

    /// Leads, whoever else asks the same.
    pub(crate) fn begin(&self, key: &Key) -> Lead {
        self.flights.begin(key)
    }

    /// What is kept under a key. What somebody else has put there is nothing.
    pub(crate) async fn find(&self, key: &Key) -> Option<Entry> {
        let name = self.sealing.name(key)?;
        let sealed = self.cache.get(&name, LARGEST + AROUND).await?;
        let bytes = self.sealing.open(&name, &sealed)?;
        Entry::from_bytes(&Bytes::from(bytes))
    }

    /// Hands an answer to those who wait for it, and keeps it. It is found from this moment on:
    /// whoever comes before the cache has it gets it from the lead.
    pub(crate) fn keep(&self, lead: Lead, entry: Entry, lifetime: Duration) {
        let entry = Arc::new(entry);
        lead.land(Arc::clone(&entry), true);
        let Some(name) = self.sealing.name(lead.key()) else { return };
        let Some(sealed) = self.sealing.seal(&name, &entry.to_bytes()) else { return };
        let cache = Arc::clone(&self.cache);
        tokio::spawn(async move {
            cache.set(&name, Bytes::from(sealed), lifetime).await;
            drop(lead);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::MemoryCache;
    use http::HeaderMap;
    use std::sync::Mutex;

    /// Seals by a prefix, unless it has been withdrawn.
    #[derive(Debug, Default)]
    struct Prefix(Mutex<bool>);

    impl Sealing for Prefix {
        fn name(&self, key: &[u8; 32]) -> Option<String> {
            (!*self.0.lock().unwrap()).then(|| format!("answer:{}", key[0]))
        }

        fn seal(&self, name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
            Some([name.as_bytes(), bytes].concat())
        }

        fn open(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
            Some(sealed.strip_prefix(name.as_bytes())?.to_vec())
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_found_and_what_others_put_there_is_not() {
        let (cache, sealing) = (Arc::new(MemoryCache::new(1 << 20)), Arc::new(Prefix::default()));
        let answers = Answers::new(
            Arc::clone(&cache) as Arc<dyn Cache>,
            Arc::clone(&sealing) as Arc<dyn Sealing>,
            AnswerMetrics::default(),
        );
        let key = [1; 32];
        let entry = Entry::of(&HeaderMap::new(), Bytes::from_static(b"canary")).unwrap();
        answers.keep(answers.begin(&key), entry.clone(), Duration::from_secs(60));
        // The task that keeps it runs while it is waited for.
        while !matches!(answers.join(&key, Instant::now()).await, Found::Lead(_)) {
            tokio::task::yield_now().await;
        }
        assert_eq!(answers.find(&key).await, Some(entry));
        assert_eq!(answers.find(&[2; 32]).await, None);
        let kept = cache.get("answer:1", LARGEST).await.unwrap();
        for foreign in [
            Bytes::new(),
            Bytes::from_static(b"hostile"),
            kept.slice(..10),
            Bytes::from(vec![b'a'; LARGEST + AROUND + 1]),
        ] {
            cache.set("answer:1", foreign, Duration::from_secs(60)).await;
            assert_eq!(answers.find(&key).await, None);
        }
        cache.set("answer:1", kept, Duration::from_secs(60)).await;
        *sealing.0.lock().unwrap() = true;
        assert_eq!(answers.find(&key).await, None, "its key was taken away");
    }
}
