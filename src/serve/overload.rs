//! What this process bears: how many requests it works on, how many bytes of their bodies it holds,
//! and whether it gets to its work in time.
//!
//! The first two are fixed bounds. The third is measured: a task asks to be woken at a moment, and
//! how late it is then is how long everything waits for its turn. If it was late every time for half
//! a second, more is asked of the process than it can do, and a tenth of the requests is refused;
//! half a second later, if nothing is better, another tenth. That even the best moment of a while
//! was too late is what tells a standing queue from a burst (K. Nichols and V. Jacobson, "Controlling
//! Queue Delay", 2012).
//!
//! Only the data plane is bounded. Operators get through however much there is to do.

use super::error::Refusal;
use crate::settings::groups::ServerSettings;
use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Bodies up to this size are not counted: the bound on requests bounds them too, and they must not
/// be refused because large ones are there.
pub(crate) const SMALL: u64 = 64 << 10;

/// Bytes are counted by so many.
const UNIT: u64 = 1 << 10;

/// How often it is looked whether the process is late.
const TICK: Duration = Duration::from_millis(50);

/// How long it must be late, or not, before anything changes.
const SPAN: Duration = Duration::from_millis(500);

/// So many looks are the fewest that say something.
const ENOUGH: u32 = 3;

/// The share of requests that a change is about, in thousandths.
const STEP: u32 = 100;

/// The largest share that is refused: the rest shows whether it gets better.
const MOST: u32 = 900;

/// After so many spans that were neither too late nor early enough a step is taken back: no share
/// stays for ever.
const BETWEEN: u32 = 10;

/// So few requests under way are not what makes the process late: a machine that has other things to
/// do is not helped by refusing them.
const FEW: u32 = 8;

/// How long nobody must have been refused before the log says so.
const QUIET: Duration = Duration::from_secs(10);

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shed {
    /// As many are worked on as may be.
    Concurrency,
    /// The process does not get to its work in time.
    Lag,
    /// As many bytes of bodies are held as may be.
    Bodies,
    /// What answers for the model is asked as much as it bears.
    Targets,
}

impl Shed {
    const ALL: [Self; 4] = [Self::Concurrency, Self::Lag, Self::Bodies, Self::Targets];

    fn word(self) -> &'static str {
        match self {
            Self::Concurrency => "concurrency",
            Self::Lag => "lag",
            Self::Bodies => "bodies",
            Self::Targets => "targets",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// The bounds, and how near they are.
#[derive(Debug)]
pub(crate) struct Overload {
    places: Arc<Semaphore>,
    ceiling: u32,
    bodies: Arc<Semaphore>,
    body_units: u64,
    /// How late is too late; zero if nobody looks.
    lag: Duration,
    /// The share of requests that is refused, in thousandths.
    share: AtomicU32,
    refused: Family<Reason, Counter>,
    shown_share: Gauge<f64, AtomicU64>,
    shown_lag: Gauge<f64, AtomicU64>,
    /// Whether the log says that requests are refused, and whether one was since that was looked at.
    told: AtomicBool,
    recent: AtomicBool,
}

impl Overload {
    /// The bounds that the settings say.
    pub(crate) fn of(server: &ServerSettings, registry: &mut Registry) -> Self {
        let (requests, bytes) = (server.max_concurrency.0, server.body_memory.0);
        Self::new(requests, bytes, server.body_limit.0, server.lag_limit, registry)
    }

    /// Bounds of so many requests, and so many bytes of their bodies; a body of the largest size
    /// always finds room where there is no other. The counters are made known to `registry`.
    fn new(
        requests: u64,
        bytes: u64,
        body_limit: u64,
        lag: Duration,
        registry: &mut Registry,
    ) -> Self {
        let body_units = units(bytes.max(body_limit));
        let permits = |n: u64| {
            usize::try_from(n).map_or(Semaphore::MAX_PERMITS, |n| n.min(Semaphore::MAX_PERMITS))
        };
        let overload = Self {
            places: Arc::new(Semaphore::new(permits(requests))),
            ceiling: u32::try_from(requests).unwrap_or(u32::MAX),
            bodies: Arc::new(Semaphore::new(permits(body_units))),
            body_units,
            lag,
            share: AtomicU32::new(0),
            refused: Family::default(),
            shown_share: Gauge::default(),
            shown_lag: Gauge::default(),
            told: AtomicBool::new(false),
            recent: AtomicBool::new(false),
        };
        for reason in Shed::ALL {
            drop(overload.refused.get_or_create_owned(&Reason { reason: reason.word() }));
        }
        registry.register(
            "shed",
            "Requests that were refused because there is too much to do, by reason",
            overload.refused.clone(),
        );
        registry.register(
            "shed_ratio",
            "The share of requests that is refused because the process is late",
            overload.shown_share.clone(),
        );
        registry.register(
            "lag_seconds",
            "How late the process gets to its work, at best, in the last half second",
            overload.shown_lag.clone(),
        );
        overload
    }

    /// The most requests that are worked on at a time.
    pub(crate) fn ceiling(&self) -> u32 {
        self.ceiling
    }

    /// How it stands, for operators.
    pub(crate) fn status(&self) -> serde_json::Value {
        let free = |semaphore: &Semaphore| {
            u64::try_from(semaphore.available_permits()).unwrap_or(u64::MAX)
        };
        serde_json::json!({
            "max_concurrency": self.ceiling,
            "in_flight": self.under_way(),
            "body_memory": self.body_units * UNIT,
            "body_bytes": self.body_units.saturating_sub(free(&self.bodies)) * UNIT,
            "shed_ratio": f64::from(self.share.load(Ordering::Relaxed)) / 1000.0,
            "lag_seconds": self.shown_lag.get(),
        })
    }

    /// Requests that are worked on.
    fn under_way(&self) -> u32 {
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        self.ceiling.saturating_sub(free)
    }

    /// A place among the requests that are worked on, kept until the answer's last byte. Overload
    /// is refused at once; nobody queues.
    ///
    /// # Errors
    /// 503 with `Retry-After`.
    pub(crate) fn enter(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let share = self.share.load(Ordering::Relaxed);
        if share > 0 && self.under_way() > FEW && rand::random::<u32>() % 1000 < share {
            return Err(self.shed(Shed::Lag));
        }
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| self.shed(Shed::Concurrency))
    }

    /// Room for `bytes` of a body.
    ///
    /// # Errors
    /// 503 with `Retry-After`.
    pub(crate) fn hold(&self, bytes: u64) -> Result<Room, Refusal> {
        let mut room = Room { held: None, bytes: SMALL };
        self.enlarge(&mut room, bytes)?;
        Ok(room)
    }

    /// Makes room for `bytes` in all.
    ///
    /// # Errors
    /// 503 with `Retry-After`.
    pub(crate) fn enlarge(&self, room: &mut Room, bytes: u64) -> Result<(), Refusal> {
        if bytes <= room.bytes {
            return Ok(());
        }
        let counted = if room.held.is_some() { units(room.bytes) } else { 0 };
        let more = u32::try_from(units(bytes).saturating_sub(counted)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.bodies).try_acquire_many_owned(more);
        let permit = permit.map_err(|_| self.shed(Shed::Bodies))?;
        match &mut room.held {
            Some(held) => held.merge(permit),
            None => room.held = Some(permit),
        }
        room.bytes = units(bytes) * UNIT;
        Ok(())
    }

    /// Counts a request that is refused, and says so.
    fn shed(&self, reason: Shed) -> Refusal {
        self.count(reason);
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Refusal::OVERLOADED,
            "the server has too much to do, try again in a second",
        )
        .retry_after(1)
    }

    /// Counts a request that is refused. The log says so once for as long as it goes on.
    pub(crate) fn count(&self, reason: Shed) {
        let reason = reason.word();
        self.refused.get_or_create(&Reason { reason }).inc();
        self.recent.store(true, Ordering::Relaxed);
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(reason, "too much to do: requests are refused");
        }
    }

    /// Looks whether the process is late, until `stop`.
    pub(crate) async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut control = Control::new(Instant::now(), self.lag);
        let mut quiet_since = Instant::now();
        loop {
            let due = Instant::now() + TICK;
            tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {}
                () = stop.cancelled() => return,
            }
            let now = Instant::now();
            if let Some(best) = control.look(now, now.saturating_duration_since(due)) {
                self.share.store(control.share, Ordering::Relaxed);
                self.shown_share.set(f64::from(control.share) / 1000.0);
                self.shown_lag.set(best.as_secs_f64());
            }
            if self.recent.swap(false, Ordering::Relaxed) {
                quiet_since = now;
            } else if now.saturating_duration_since(quiet_since) >= QUIET
                && self.told.swap(false, Ordering::Relaxed)
            {
                tracing::info!("requests are no longer refused");
            }
        }
    }
}

/// So many units hold `bytes`.
fn units(bytes: u64) -> u64 {
    bytes.div_ceil(UNIT)
}

/// Room for the bytes of a body. Dropped, it is free for others.
#[derive(Debug)]
pub(crate) struct Room {
    held: Option<OwnedSemaphorePermit>,
    /// As many fit in.
    bytes: u64,
}

/// Decides what share of requests is refused. Time comes from outside.
#[derive(Debug)]
struct Control {
    limit: Duration,
    since: Instant,
    looks: u32,
    /// The least that it was late in this span.
    best: Duration,
    share: u32,
    /// So many spans in a row were neither too late nor early enough.
    between: u32,
}

impl Control {
    fn new(now: Instant, limit: Duration) -> Self {
        Self { limit, since: now, looks: 0, best: Duration::MAX, share: 0, between: 0 }
    }

    /// Takes note of how late it was; at the end of a span, says how late it was at best.
    fn look(&mut self, now: Instant, late: Duration) -> Option<Duration> {
        self.looks += 1;
        self.best = self.best.min(late);
        if self.looks < ENOUGH || now.saturating_duration_since(self.since) < SPAN {
            return None;
        }
        let best = self.best;
        let mut between = 0;
        if !self.limit.is_zero() && best > self.limit {
            self.share = (self.share + STEP).min(MOST);
        } else if best <= self.limit / 2 || self.between >= BETWEEN {
            self.share = self.share.saturating_sub(STEP);
        } else {
            between = self.between + 1;
        }
        *self = Self { share: self.share, between, ..Self::new(now, self.limit) };
        Some(best)
    }
}

#[cfg(test)]
#[path = "overload_tests.rs"]
mod tests;
