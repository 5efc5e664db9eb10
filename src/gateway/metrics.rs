//! What Prometheus learns of providers. Labels are names that the operator has configured and
//! words of ours, never what a client sends.

use super::attempt::Ended;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    provider: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: Arc<str>,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: Arc<str>,
}

/// Counters of attempts at providers.
#[derive(Debug)]
pub(crate) struct GatewayMetrics {
    attempts: Family<AttemptLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    seconds: Family<ProviderLabels, Histogram, fn() -> Histogram>,
}

/// From a millisecond to ten minutes.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0];

impl GatewayMetrics {
    /// The counters, made known to `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            attempts: Family::default(),
            tokens: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
        };
        registry.register(
            "upstream_attempts",
            "Attempts at providers by how they ended",
            metrics.attempts.clone(),
        );
        registry.register("tokens", "Tokens as providers count them", metrics.tokens.clone());
        registry.register(
            "upstream_seconds",
            "Time from the beginning of an attempt to the end of its answer",
            metrics.seconds.clone(),
        );
        metrics
    }

    /// Counts an attempt that has ended.
    pub(super) fn attempt(&self, ended: &Ended<'_>) {
        let provider = || Arc::clone(ended.provider);
        self.attempts
            .get_or_create(&AttemptLabels { provider: provider(), outcome: ended.outcome.word() })
            .inc();
        let tokens = ended.tokens;
        for (kind, count) in [
            ("input", tokens.input),
            ("cache_read", tokens.cache_read),
            ("cache_write", tokens.cache_write),
            ("output", tokens.output),
        ] {
            if let Some(count) = count.filter(|n| *n > 0) {
                self.tokens
                    .get_or_create(&TokenLabels { provider: provider(), kind })
                    .inc_by(count);
            }
        }
        self.seconds
            .get_or_create(&ProviderLabels { provider: provider() })
            .observe(ended.began.elapsed().as_secs_f64());
    }
}
