//! What Prometheus learns of requests. Routes are those of the table, so labels stay few.

use super::router::ROUTES;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::OnceLock;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: &'static str,
}

/// Counters of requests.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    /// One for every route of the table.
    known: Vec<Known>,
    /// Requests that are worked on.
    pub(crate) in_flight: Gauge,
}

/// The counters that a route uses most, found once instead of for every request.
#[derive(Debug)]
struct Known {
    route: &'static str,
    ok: OnceLock<Counter>,
    seconds: OnceLock<Histogram>,
}

const SECONDS: [f64; 12] =
    [0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0];

impl HttpMetrics {
    /// The counters, made known to `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            known: ROUTES
                .iter()
                .map(|spec| Known {
                    route: spec.path,
                    ok: OnceLock::new(),
                    seconds: OnceLock::new(),
                })
                .collect(),
            in_flight: Gauge::default(),
        };
        registry.register(
            "http_requests",
            "Requests by route and status",
            metrics.requests.clone(),
        );
        registry.register(
            "http_request_seconds",
            "Time from the head of a request to the last byte of its answer",
            metrics.seconds.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests that are worked on, one that asks for this included",
            metrics.in_flight.clone(),
        );
        metrics
    }

    /// Counts a request that has ended.
    pub(crate) fn ended(&self, route: &'static str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let counted = || self.requests.get_or_create_owned(&Request { route, status });
        let timed = || self.seconds.get_or_create_owned(&Route { route });
        match self.known.iter().find(|known| known.route == route) {
            Some(known) => {
                if status == 200 {
                    known.ok.get_or_init(counted).inc();
                } else {
                    counted().inc();
                }
                known.seconds.get_or_init(timed).observe(seconds);
            }
            None => {
                counted().inc();
                timed().observe(seconds);
            }
        }
    }
}
