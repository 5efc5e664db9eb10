//! One request asks for many: of those that want the same answer at the same time one leads, and the
//! others wait for what it gets. One that fails leaves the lead to the next; its failure is its own.

use super::entry::Entry;
use super::key::Key;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::timeout_at;

/// A client that has not asked for more of its stream for so long keeps nobody else waiting.
const STUCK: Duration = Duration::from_secs(1);

/// How often those who wait look for that.
const LOOK: Duration = Duration::from_millis(250);

/// What is being asked for.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Key, Arc<Flight>>>);

/// One request of several, or alone.
#[derive(Debug)]
struct Flight {
    state: watch::Sender<State>,
    began: Instant,
    /// When its client got a piece and has not asked for more since: milliseconds after `began`
    /// and one; 0 if it is being waited for the provider.
    handed: AtomicU64,
}

#[derive(Clone, Debug)]
enum State {
    UnderWay,
    /// The answer, and whether a provider has just given it.
    Landed(Arc<Entry>, bool),
    /// There is an answer, but it is not for others.
    Apart,
    /// There is none.
    Gone,
}

/// What comes of looking for others that ask the same.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nobody does: whoever looks leads.
    Lead(Lead),
    /// The answer, and whether a provider has just given it.
    Landed(Arc<Entry>, bool),
    /// Everybody asks for himself.
    Apart,
}

impl Flights {
    /// Leads, or waits for whoever does, until `until` at most.
    pub(super) async fn join(self: &Arc<Self>, key: &Key, until: Instant) -> Found {
        loop {
            let flight = match self.lead_or(key, None) {
                Ok(lead) => return Found::Lead(lead),
                Err(flight) => flight,
            };
            match flight.wait(until).await {
                Some(State::Landed(entry, fresh)) => return Found::Landed(entry, fresh),
                Some(State::Apart) => return Found::Apart,
                Some(State::Gone) => {}
                // One of those who wait takes the lead of a client that does not read on.
                Some(State::UnderWay) => {
                    if let Ok(lead) = self.lead_or(key, Some(&flight)) {
                        return Found::Lead(lead);
                    }
                }
                None => return Found::Apart,
            }
        }
    }

    /// Leads, whoever else does: those who come from now on wait for this one.
    pub(super) fn begin(self: &Arc<Self>, key: &Key) -> Lead {
        let flight = Arc::new(Flight::new());
        self.all(|all| all.insert(*key, Arc::clone(&flight)));
        Lead { flights: Arc::clone(self), key: *key, flight }
    }

    /// The lead, if nobody has it, or only whoever has it in `place`; else whoever has it.
    fn lead_or(
        self: &Arc<Self>,
        key: &Key,
        place: Option<&Arc<Flight>>,
    ) -> Result<Lead, Arc<Flight>> {
        self.all(|all| {
            if let Some(other) = all.get(key)
                && !place.is_some_and(|place| Arc::ptr_eq(place, other))
            {
                return Err(Arc::clone(other));
            }
            let flight = Arc::new(Flight::new());
            all.insert(*key, Arc::clone(&flight));
            Ok(Lead { flights: Arc::clone(self), key: *key, flight })
        })
    }

    fn all<T>(&self, work: impl FnOnce(&mut HashMap<Key, Arc<Flight>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Flight {
    fn new() -> Self {
        let state = watch::Sender::new(State::UnderWay);
        Self { state, began: Instant::now(), handed: AtomicU64::new(0) }
    }

    /// Waits for what comes of it: [`State::UnderWay`] if its client is stuck, `None` if the time
    /// is over.
    async fn wait(&self, until: Instant) -> Option<State> {
        let mut state = self.state.subscribe();
        loop {
            let look = (Instant::now() + LOOK).min(until);
            let over = |state: &State| !matches!(state, State::UnderWay);
            match timeout_at(look.into(), state.wait_for(over)).await {
                Ok(Ok(state)) => return Some(State::clone(&state)),
                // Whoever leads is held by those who wait; it cannot be.
                Ok(Err(_)) => return Some(State::Gone),
                Err(_) if self.is_stuck() => return Some(State::UnderWay),
                Err(_) if look >= until => return None,
                Err(_) => {}
            }
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn is_stuck(&self) -> bool {
        let handed = self.handed.load(Ordering::Relaxed);
        handed > 0 && Duration::from_millis(self.millis().saturating_sub(handed)) > STUCK
    }
}

/// Asks for those who wait. Dropped without an answer, it leaves the lead to the next.
#[derive(Debug)]
pub(crate) struct Lead {
    flights: Arc<Flights>,
    key: Key,
    flight: Arc<Flight>,
}

impl Lead {
    /// What is asked for.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Hands the answer to all who wait, and to those who come until the lead is dropped. `fresh`
    /// says that a provider has just given it.
    pub(crate) fn land(&self, entry: Arc<Entry>, fresh: bool) {
        self.flight.state.send_replace(State::Landed(entry, fresh));
    }

    /// There is an answer, but only for whoever asked: the others ask for themselves, at once.
    pub(crate) fn part(self) {
        self.flight.state.send_replace(State::Apart);
    }

    /// The client has been handed a piece.
    pub(crate) fn handed(&self) {
        self.flight.handed.store(self.flight.millis(), Ordering::Relaxed);
    }

    /// The client wants more.
    pub(crate) fn wanted(&self) {
        self.flight.handed.store(0, Ordering::Relaxed);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flights.all(|all| {
            if all.get(&self.key).is_some_and(|other| Arc::ptr_eq(other, &self.flight)) {
                all.remove(&self.key);
            }
        });
        // Whoever looks again finds its place free.
        self.flight.state.send_if_modified(|state| {
            let open = matches!(state, State::UnderWay);
            if open {
                *state = State::Gone;
            }
            open
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use http::HeaderMap;
    use std::sync::atomic::AtomicUsize;

    const KEY: Key = [7; 32];

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    fn entry(body: &'static str) -> Arc<Entry> {
        Arc::new(Entry::of(&HeaderMap::new(), Bytes::from_static(body.as_bytes())).unwrap())
    }

    async fn lead(flights: &Arc<Flights>) -> Lead {
        match flights.join(&KEY, later()).await {
            Found::Lead(lead) => lead,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn all_get_what_one_has_asked_for() {
        let flights = Arc::new(Flights::default());
        let first = lead(&flights).await;
        let mut waiting: Vec<_> = (0..50).map(|_| Box::pin(flights.join(&KEY, later()))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        assert!(matches!(flights.join(&[8; 32], later()).await, Found::Lead(_)));
        first.land(entry("a"), true);
        for one in waiting {
            assert!(matches!(one.await, Found::Landed(entry, true) if entry.body == "a"));
        }
        // Until it is kept it is found here.
        assert!(matches!(flights.join(&KEY, later()).await, Found::Landed(..)));
        drop(first);
        assert!(flights.0.lock().unwrap().is_empty());
        lead(&flights).await;
    }

    #[tokio::test]
    async fn whoever_fails_leaves_the_lead_to_one_of_the_others() {
        let flights = Arc::new(Flights::default());
        let first = lead(&flights).await;
        let asked = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for _ in 0..20 {
            let (flights, asked) = (Arc::clone(&flights), Arc::clone(&asked));
            tasks.push(tokio::spawn(async move {
                match flights.join(&KEY, later()).await {
                    // The second and the third fail, too.
                    Found::Lead(lead) if asked.fetch_add(1, Ordering::SeqCst) < 2 => drop(lead),
                    Found::Lead(lead) => lead.land(entry("b"), true),
                    Found::Landed(entry, true) => assert_eq!(entry.body, "b"),
                    other => panic!("{other:?}"),
                }
            }));
        }
        tokio::task::yield_now().await;
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        // Those who came after the last one had landed and gone led anew.
        assert!(asked.load(Ordering::SeqCst) >= 3);
        assert!(flights.0.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_longer_than_he_can() {
        let flights = Arc::new(Flights::default());
        let _first = lead(&flights).await;
        let soon = Instant::now() + Duration::from_millis(20);
        assert!(matches!(flights.join(&KEY, soon).await, Found::Apart));
    }

    #[tokio::test]
    async fn an_answer_that_is_not_for_others_lets_them_go() {
        let flights = Arc::new(Flights::default());
        let first = lead(&flights).await;
        let mut waiting = Box::pin(flights.join(&KEY, later()));
        assert!(waiting.as_mut().now_or_never().is_none());
        first.part();
        assert!(matches!(waiting.await, Found::Apart));
        lead(&flights).await;
    }

    #[tokio::test]
    async fn one_of_the_others_takes_over_from_a_client_that_is_stuck() {
        let flights = Arc::new(Flights::default());
        let first = lead(&flights).await;
        first.handed();
        first.wanted();
        let until = Instant::now() + Duration::from_secs(4);
        let mut waiting = Box::pin(flights.join(&KEY, until));
        let soon = tokio::time::timeout(Duration::from_millis(1400), waiting.as_mut()).await;
        assert!(soon.is_err(), "its provider is slow, which it would be for all");
        first.handed();
        let began = Instant::now();
        let both = tokio::join!(waiting, flights.join(&KEY, until));
        assert!(began.elapsed() >= STUCK);
        let second = match both {
            (Found::Lead(lead), Found::Apart) | (Found::Apart, Found::Lead(lead)) => lead,
            other => panic!("one of them leads: {other:?}"),
        };
        // What has been taken over is not taken away by its former owner.
        drop(first);
        assert_eq!(flights.0.lock().unwrap().len(), 1);
        drop(second);
        assert!(flights.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn whoever_begins_anew_leads_from_then_on() {
        let flights = Arc::new(Flights::default());
        let first = lead(&flights).await;
        let second = flights.begin(&KEY);
        drop(first);
        second.land(entry("new"), true);
        assert!(
            matches!(flights.join(&KEY, later()).await, Found::Landed(e, _) if e.body == "new")
        );
    }
}
