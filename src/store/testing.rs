//! For tests only: rows, and a store that can be taken away.

use super::{
    AppliedMigration, Heartbeat, Outcome, PublishedHead, PublishedVault, SchemaStatus, ServiceKey,
    Store, StoreError, StoreKind, UsageQuery, UsageRow, UsageSum,
};
use crate::base::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// A usage row that differs from others by `n`.
pub(crate) fn usage_row(n: u32) -> UsageRow {
    UsageRow {
        id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(n)),
        at: Timestamp::from_second(1_790_000_000 + i64::from(n)).unwrap(),
        request_id: format!("req-{n}").into(),
        key_id: "key".into(),
        api: "openai".into(),
        model: "gpt-4o".into(),
        provider: Some("openai".into()),
        upstream_model: Some("gpt-4o-2024".into()),
        mode: "mock".into(),
        outcome: Outcome::Ok,
        status: 200,
        attempt: 1,
        streamed: n.is_multiple_of(2),
        input_tokens: Some(u64::from(n)),
        user_id: None,
        cached_tokens: None,
        cache_write_5m_tokens: None,
        cache_write_1h_tokens: None,
        output_tokens: Some(7),
        reasoning_tokens: Some(0),
        latency_ms: 12,
        cost_nano_usd: None,
        price_version: None,
    }
}

/// A store that can be taken away, and counts how often it is read.
#[derive(Debug)]
pub(crate) struct Flaky {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) away: AtomicBool,
    pub(crate) reads: AtomicU32,
    /// The model whose usage rows it will never take.
    pub(crate) rejects: Option<&'static str>,
    /// How often it is given usage rows before it goes away.
    pub(crate) leaves_after: AtomicU32,
}

impl Flaky {
    /// A store in front of `inner`.
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            away: AtomicBool::new(false),
            reads: AtomicU32::new(0),
            rejects: None,
            leaves_after: AtomicU32::new(u32::MAX),
        }
    }

    fn there(&self) -> Result<(), StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unreachable { at: "x".into(), why: "away".into() });
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Store for Flaky {
    fn kind(&self) -> StoreKind {
        self.inner.kind()
    }
    fn location(&self) -> &str {
        self.inner.location()
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
    async fn schema(&self) -> Result<SchemaStatus, StoreError> {
        self.inner.schema().await
    }
    async fn migrate(&self) -> Result<Vec<AppliedMigration>, StoreError> {
        self.inner.migrate().await
    }
    async fn service_keys(&self) -> Result<Vec<ServiceKey>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.there()?;
        self.inner.service_keys().await
    }
    async fn create_service_key(&self, key: &ServiceKey) -> Result<(), StoreError> {
        self.inner.create_service_key(key).await
    }
    async fn revoke_service_key(&self, id: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.inner.revoke_service_key(id, at).await
    }
    async fn replace_service_key(
        &self,
        id: &str,
        until: Option<Timestamp>,
        new: &ServiceKey,
    ) -> Result<bool, StoreError> {
        self.inner.replace_service_key(id, until, new).await
    }
    async fn service_key_uses(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.inner.service_key_uses().await
    }
    async fn record_usage(&self, rows: &[UsageRow]) -> Result<u64, StoreError> {
        if self.leaves_after.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.away.store(true, Ordering::SeqCst);
        }
        self.there()?;
        if self.rejects.is_some_and(|model| rows.iter().any(|row| &*row.model == model)) {
            return Err(StoreError::Rejected { at: "x".into(), code: "22021".into() });
        }
        self.inner.record_usage(rows).await
    }
    async fn recent_usage(&self, limit: u32) -> Result<Vec<UsageRow>, StoreError> {
        self.inner.recent_usage(limit).await
    }
    async fn count_usage(&self) -> Result<u64, StoreError> {
        self.inner.count_usage().await
    }
    async fn usage_report(&self, query: &UsageQuery) -> Result<Vec<UsageSum>, StoreError> {
        self.there()?;
        self.inner.usage_report(query).await
    }
    async fn beat(&self, heartbeat: &Heartbeat) -> Result<(), StoreError> {
        self.inner.beat(heartbeat).await
    }
    async fn heartbeats(&self, within: Duration) -> Result<Vec<Heartbeat>, StoreError> {
        self.inner.heartbeats(within).await
    }
    async fn leave(&self, instance: &str) -> Result<(), StoreError> {
        self.inner.leave(instance).await
    }
    async fn publish_vault(&self, vault: &PublishedVault) -> Result<Option<u64>, StoreError> {
        self.there()?;
        self.inner.publish_vault(vault).await
    }
    async fn published_heads(&self) -> Result<Vec<PublishedHead>, StoreError> {
        self.there()?;
        self.inner.published_heads().await
    }
    async fn published_vault(&self, vault_id: &str) -> Result<Option<PublishedVault>, StoreError> {
        self.there()?;
        self.inner.published_vault(vault_id).await
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}
