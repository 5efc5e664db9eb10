//! What Prometheus learns of providers. Labels are names that the operator has configured and
//! words of ours, never what a client sends.

use super::request::Ended;
use crate::store::Outcome;
use arc_swap::ArcSwap;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::{Arc, OnceLock};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    provider: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: Arc<str>,
    model: Arc<str>,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    provider: Arc<str>,
    model: Arc<str>,
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
    cost: Family<ModelLabels, Counter>,
    unpriced: Family<ModelLabels, Counter>,
    seconds: Family<ProviderLabels, Histogram, fn() -> Histogram>,
    /// One for every provider and model that was asked.
    known: ArcSwap<Vec<Arc<Known>>>,
}

/// The counters of a model at a provider, found once instead of for every attempt.
#[derive(Debug)]
struct Known {
    provider: Arc<str>,
    /// The provider's own name of it.
    model: Arc<str>,
    ok: OnceLock<Counter>,
    /// As [`KINDS`].
    tokens: [OnceLock<Counter>; 4],
    cost: OnceLock<Counter>,
    seconds: Histogram,
}

/// So many models have counters of their own. Clients may ask for any name of a model at a
/// provider; what is more is counted as [`OTHERS`].
const MODELS: usize = 200;

/// The models that have no counters of their own.
const OTHERS: &str = "(others)";

/// What providers count.
const KINDS: [&str; 4] = ["input", "cache_read", "cache_write", "output"];

/// From a millisecond to ten minutes.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0];

impl GatewayMetrics {
    /// The counters, made known to `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            attempts: Family::default(),
            tokens: Family::default(),
            cost: Family::default(),
            unpriced: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            known: ArcSwap::default(),
        };
        registry.register(
            "upstream_attempts",
            "Attempts at providers by how they ended",
            metrics.attempts.clone(),
        );
        registry.register("tokens", "Tokens as providers count them", metrics.tokens.clone());
        registry.register(
            "cost_nano_usd",
            "What priced attempts cost, in thousand-millionths of a US dollar",
            metrics.cost.clone(),
        );
        registry.register(
            "unpriced_attempts",
            "Attempts that may have cost something nobody knows: no price, or no counts",
            metrics.unpriced.clone(),
        );
        registry.register(
            "upstream_seconds",
            "Time from the beginning of an attempt to the end of its answer",
            metrics.seconds.clone(),
        );
        metrics
    }

    /// Counts an attempt that has ended, and what it cost in nano-dollars if that is known.
    pub(super) fn attempt(&self, ended: &Ended<'_>, cost: Option<i64>) {
        let known = self.of(ended.provider, ended.upstream_model);
        let model = || Arc::clone(&known.model);
        let provider = || Arc::clone(ended.provider);
        let counted = || {
            let outcome = ended.outcome.word();
            self.attempts.get_or_create_owned(&AttemptLabels { provider: provider(), outcome })
        };
        if ended.outcome == Outcome::Ok {
            known.ok.get_or_init(counted).inc();
        } else {
            counted().inc();
        }
        let tokens = ended.tokens;
        let counts = [tokens.input, tokens.cache_read, tokens.cache_write, tokens.output];
        for ((kind, count), counter) in KINDS.into_iter().zip(counts).zip(&known.tokens) {
            if let Some(count) = count.filter(|n| *n > 0) {
                let labels = || TokenLabels { provider: provider(), model: model(), kind };
                counter.get_or_init(|| self.tokens.get_or_create_owned(&labels())).inc_by(count);
            }
        }
        let labels = || ModelLabels { provider: provider(), model: model() };
        match cost {
            Some(cost) => {
                known
                    .cost
                    .get_or_init(|| self.cost.get_or_create_owned(&labels()))
                    .inc_by(u64::try_from(cost).unwrap_or(0));
            }
            None if ended.is_billable() => {
                self.unpriced.get_or_create_owned(&labels()).inc();
            }
            None => {}
        }
        known.seconds.observe(ended.began.elapsed().as_secs_f64());
    }

    fn of(&self, provider: &Arc<str>, model: &Arc<str>) -> Arc<Known> {
        let all = self.known.load();
        let find = |model: &str| {
            all.iter().find(|known| *known.model == *model && known.provider == *provider)
        };
        if let Some(known) = find(model) {
            return Arc::clone(known);
        }
        let model = if all.len() < MODELS { Arc::clone(model) } else { Arc::from(OTHERS) };
        if let Some(known) = find(&model) {
            return Arc::clone(known);
        }
        let labels = ProviderLabels { provider: Arc::clone(provider) };
        let known = Arc::new(Known {
            provider: Arc::clone(provider),
            model,
            ok: OnceLock::new(),
            tokens: Default::default(),
            cost: OnceLock::new(),
            seconds: self.seconds.get_or_create_owned(&labels),
        });
        // Two at once may both add it; the first is found, and both count into the same counters.
        self.known.rcu(|all| {
            let mut all = Vec::clone(all);
            all.push(Arc::clone(&known));
            all
        });
        known
    }
}
