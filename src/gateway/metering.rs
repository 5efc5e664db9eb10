//! Usage rows: from an attempt that has ended into the journal.

use super::journal::{Journal, UsageRow};
use super::metrics::GatewayMetrics;
use super::request::{Ended, Meter};
use crate::base::Clock;
use crate::provider::Endpoint;
use crate::provider::prices::Prices;
use crate::settings::profile::Mode;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;

/// Keeps every attempt in the journal and counts it.
#[derive(Debug)]
pub(crate) struct JournalMeter {
    journal: Arc<Journal>,
    metrics: Arc<GatewayMetrics>,
    prices: Arc<ArcSwap<Prices>>,
    clock: Arc<dyn Clock>,
}

impl JournalMeter {
    /// A meter that writes to `journal`; `prices` may be replaced at any time.
    pub(crate) fn new(
        journal: Arc<Journal>,
        metrics: Arc<GatewayMetrics>,
        prices: Arc<ArcSwap<Prices>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { journal, metrics, prices, clock }
    }
}

/// What an attempt cost, in nano-dollars. Nobody pays for what the mock answers in the place of a
/// provider: only a price of the mock's own counts for it. Counting tokens is free everywhere, and so
/// is what no provider has heard of.
pub(crate) fn cost(prices: &Prices, ended: &Ended<'_>) -> Option<i64> {
    if ended.asked.endpoint == Endpoint::CountTokens || ended.unsent {
        return Some(0);
    }
    let provider = match ended.asked.mode {
        Mode::Mock => "mock",
        Mode::Real => ended.provider,
    };
    prices.find(provider, ended.upstream_model)?.of(&ended.tokens)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Meter for JournalMeter {
    fn ready(&self) -> Result<(), String> {
        // The journal finds out by itself when it can be written again: no request is let through
        // to see, for it would cost money that nobody could account for.
        if self.journal.writable() {
            return Ok(());
        }
        let status = self.journal.status();
        Err(status.last_error.unwrap_or_else(|| "the usage journal cannot be written".to_owned()))
    }

    fn keep(&self, ended: &Ended<'_>) -> Result<Option<i64>, String> {
        let (row, cost) = self.row(ended);
        self.journal.append(row).map_err(|e| e.to_string())?;
        Ok(cost)
    }

    fn hand_over(&self, ended: &Ended<'_>) -> Result<(Option<i64>, Option<u64>), String> {
        let (row, cost) = self.row(ended);
        let turn = self.journal.hand_over(row).map_err(|e| e.to_string())?;
        Ok((cost, turn))
    }

    fn settle(&self, turn: u64) -> Result<(), String> {
        self.journal.settle(turn).map_err(|e| e.to_string())
    }
}

impl JournalMeter {
    /// Counts an attempt; its row, and what it cost.
    fn row(&self, ended: &Ended<'_>) -> (UsageRow, Option<i64>) {
        let prices = self.prices.load();
        let cost = cost(&prices, ended);
        self.metrics.attempt(ended, cost);
        let asked = ended.asked;
        let tokens = ended.tokens;
        let row = UsageRow {
            id: ended.id,
            at: self.clock.now(),
            request_id: Arc::clone(&asked.request_id),
            key_id: Arc::clone(&asked.key_id),
            api: asked.endpoint.family().word().into(),
            model: Arc::clone(&asked.model),
            provider: Some(Arc::clone(ended.provider)),
            upstream_model: Some(Arc::clone(ended.upstream_model)),
            mode: asked.mode.word().into(),
            outcome: ended.outcome,
            status: ended.status,
            attempt: ended.number,
            streamed: asked.stream,
            user_id: asked.user_id.clone(),
            input_tokens: tokens.input,
            cached_tokens: tokens.cache_read,
            cache_write_5m_tokens: tokens.cache_write.map(|_| tokens.cache_write_5m()),
            cache_write_1h_tokens: tokens.cache_write_1h,
            output_tokens: tokens.output,
            reasoning_tokens: tokens.reasoning,
            latency_ms: millis(asked.started.elapsed()),
            cost_nano_usd: cost,
            price_version: Some(Arc::clone(prices.version())),
        };
        (row, cost)
    }
}
