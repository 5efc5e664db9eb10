//! `GET /metrics` in the OpenMetrics text format.

use crate::base::Timestamp;
use crate::serve::error;
use crate::serve::router::Outcome;
use crate::serve::state::App;
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// The type of the text.
const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Key {
    slot: String,
    generation: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Target {
    target: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BreakerState {
    target: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Load {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyState {
    slot: String,
    generation: u64,
    state: &'static str,
}

/// What is as it is now: the configuration, the breakers, and the keys, which version is where, how old it is, and what
/// it is good for. No value, and nothing that is made of one.
fn present(app: &App) -> Registry {
    let states: Family<KeyState, Gauge> = Family::default();
    let ages: Family<Key, Gauge> = Family::default();
    let in_flight: Family<Key, Gauge> = Family::default();
    let vault: Gauge = Gauge::default();
    let now = app.clock.now();
    let show = |slot: String, generation: u64, state, made_at: Option<Timestamp>| {
        let labels = KeyState { slot: slot.clone(), generation, state };
        states.get_or_create_owned(&labels).set(1);
        let key = Key { slot, generation };
        if let Some(made_at) = made_at {
            let age = now.as_second() - made_at.as_second();
            ages.get_or_create_owned(&key).set(age.max(0));
        }
        key
    };
    for slot in app.gateway.table().providers().flat_map(|p| p.slots.view()) {
        let key = show(slot.id, slot.generation, slot.state.word(), slot.made_at);
        let under_way = i64::try_from(slot.in_flight).unwrap_or(i64::MAX);
        in_flight.get_or_create_owned(&key).set(under_way);
    }
    for key in app.reloader.rings.views(now) {
        show(key.id, key.generation, key.state, key.made_at);
    }
    let breakers: Family<BreakerState, Gauge> = Family::default();
    let opened: Family<Target, Counter> = Family::default();
    let targets_in_flight: Family<Target, Gauge> = Family::default();
    let limits: Family<Target, Gauge> = Family::default();
    let full: Family<Target, Counter> = Family::default();
    let most = app.overload.ceiling();
    for (target, guard) in app.gateway.table().guards() {
        let view = guard.breaker.view();
        let places = guard.places.view(guard.ceiling.min(most));
        let of = Target { target: target.clone() };
        targets_in_flight.get_or_create_owned(&of).set(i64::from(places.in_flight));
        limits.get_or_create_owned(&of).set(i64::from(places.limit));
        full.get_or_create_owned(&of).inc_by(places.full);
        let labels = BreakerState { target: target.clone(), state: view.state.word() };
        breakers.get_or_create_owned(&labels).set(1);
        opened.get_or_create_owned(&Target { target: target.clone() }).inc_by(view.opened);
    }
    let loads: Family<Load, Counter> = Family::default();
    let (taken, refused) = app.reloader.standing.counts();
    for (outcome, count) in [("taken", taken), ("refused", refused)] {
        loads.get_or_create_owned(&Load { outcome }).inc_by(count);
    }
    let failed: Gauge = Gauge::default();
    failed.set(i64::from(app.reloader.standing.differs().refused.is_some()));
    let mut registry = Registry::with_prefix("ultra");
    registry.register("config_loads", "How often configuration was taken over or refused", loads);
    registry.register(
        "config_reload_failed",
        "Whether the last configuration was refused, and the one before is in force",
        failed,
    );
    registry.register("breaker_state", "Breakers of targets by state", breakers);
    registry.register("breaker_openings", "How often breakers have opened", opened);
    registry.register(
        "target_in_flight",
        "Requests that targets are asked at present",
        targets_in_flight,
    );
    registry.register("target_limit", "How many there may be at a time", limits);
    registry.register("target_full", "How often a target was passed over for that", full);
    registry.register("slot_state", "Keys by generation and state", states);
    registry.register("slot_age_seconds", "Time since the key was made", ages);
    registry.register("slot_in_flight", "Requests under way with the key", in_flight);
    if let Some(generation) = app.reloader.generation() {
        vault.set(i64::try_from(generation).unwrap_or(i64::MAX));
        registry.register("vault_generation", "The generation of the vault in use", vault);
    }
    registry
}

/// All counters.
pub(crate) async fn metrics(app: Arc<App>) -> Outcome {
    let mut page = String::new();
    text::encode_registry(&mut page, &app.registry)
        .and_then(|()| text::encode_registry(&mut page, &present(&app)))
        .and_then(|()| text::encode_eof(&mut page))
        .map_err(|_| error::internal())?;
    let mut response = Response::new(Body::from(page));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(KIND));
    Ok(response)
}
