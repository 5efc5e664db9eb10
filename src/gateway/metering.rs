//! Usage rows: from an attempt that has ended into the journal.

use super::attempt::{Ended, Meter};
use super::journal::{Journal, UsageRow};
use super::metrics::GatewayMetrics;
use crate::base::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Keeps every attempt in the journal and counts it.
#[derive(Debug)]
pub(crate) struct JournalMeter {
    journal: Arc<Journal>,
    metrics: Arc<GatewayMetrics>,
    clock: Arc<dyn Clock>,
    /// Until when requests are refused because a row was not kept, in milliseconds since 1970.
    closed_until: AtomicI64,
}

/// How long requests are refused after a row was not kept; then one is let through to see.
const PAUSE_MS: i64 = 1_000;

impl JournalMeter {
    /// A meter that writes to `journal`.
    pub(crate) fn new(
        journal: Arc<Journal>,
        metrics: Arc<GatewayMetrics>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { journal, metrics, clock, closed_until: AtomicI64::new(0) }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Meter for JournalMeter {
    fn ready(&self) -> Result<(), String> {
        let until = self.closed_until.load(Ordering::Relaxed);
        if until == 0 || self.clock.now().as_millisecond() >= until {
            return Ok(());
        }
        let status = self.journal.status();
        Err(status.last_error.unwrap_or_else(|| "the usage journal cannot be written".to_owned()))
    }

    fn keep(&self, ended: &Ended<'_>) -> Result<(), String> {
        self.metrics.attempt(ended);
        let asked = ended.asked;
        let tokens = ended.tokens;
        let row = UsageRow {
            id: ended.id,
            at: self.clock.now(),
            request_id: Arc::clone(&asked.request_id),
            key_id: Arc::clone(&asked.key_id),
            api: asked.family.word().into(),
            model: Arc::clone(&asked.model),
            provider: Some(Arc::clone(ended.provider)),
            upstream_model: Some(Arc::clone(ended.upstream_model)),
            mode: asked.mode.word().into(),
            outcome: ended.outcome,
            status: ended.status,
            attempt: ended.number,
            streamed: asked.stream,
            input_tokens: tokens.input,
            cached_tokens: tokens.cache_read,
            output_tokens: tokens.output,
            reasoning_tokens: tokens.reasoning,
            latency_ms: millis(asked.started.elapsed()),
            cost_nano_usd: None,
            price_version: None,
        };
        match self.journal.append(&row) {
            Ok(()) => {
                if self.closed_until.load(Ordering::Relaxed) != 0 {
                    self.closed_until.store(0, Ordering::Relaxed);
                }
                Ok(())
            }
            Err(e) => {
                let until = self.clock.now().as_millisecond() + PAUSE_MS;
                self.closed_until.store(until, Ordering::Relaxed);
                Err(e.to_string())
            }
        }
    }
}
