//! How requests that had to do with the cache were answered.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// How a request was answered for which the cache was wanted, or would have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// From the cache.
    Hit,
    /// With the answer that another request was waiting for.
    Joined,
    /// By a provider, as there was none.
    Miss,
    /// By a provider, as the cache is not for this request.
    Bypass,
}

impl Served {
    /// The word for it in metrics and in the log.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Joined => "joined",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }

    /// The word for it in the answer: whoever got another's answer had no provider asked either.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Joined => Self::Hit.word(),
            other => other.word(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    result: &'static str,
}

/// Counters of such requests.
#[derive(Debug, Default)]
pub(crate) struct AnswerMetrics(Family<Labels, Counter>);

impl AnswerMetrics {
    /// The counters, made known to `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "answer_cache",
            "Requests that the cache of answers was wanted for, by what came of it",
            metrics.0.clone(),
        );
        metrics
    }

    /// Counts a request.
    pub(crate) fn count(&self, served: Served) {
        self.0.get_or_create_owned(&Labels { result: served.word() }).inc();
    }
}
