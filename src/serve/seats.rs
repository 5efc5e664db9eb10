//! How many connections are open at a time, and which of them goes when another wants in.
//!
//! Every connection has a seat. When all are taken, a newcomer gets the seat of the oldest
//! connection that has not asked for anything yet, else of the oldest that waits for its next
//! request; a connection with a request under way is never broken off. So whoever opens
//! connections and sends nothing, or half a head, only takes seats from others of his kind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// After this long without a free seat, another connection is asked to go: one that was asked may
/// still have to read its answer.
const PATIENCE: Duration = Duration::from_millis(50);

/// No request yet.
const NEW: u8 = 0;
/// A request is under way.
const BUSY: u8 = 1;
/// Waits for its next request.
const IDLE: u8 = 2;
/// Was new when it was asked to go. It may have a request after all before it hears of that.
const ASKED: u8 = 3;
/// Has to go once everything is sent.
const ENDING: u8 = 4;
/// Has heard that it may go at once: there is nothing to send.
const GONE: u8 = 5;

/// All seats of a listener.
#[derive(Debug)]
pub(super) struct Seats {
    free: Arc<Semaphore>,
    count: u32,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// By the order in which they came.
    seats: BTreeMap<u64, Arc<Seat>>,
    next: u64,
}

/// What is known of one connection.
#[derive(Debug)]
pub(super) struct Seat {
    state: AtomicU8,
    told: Notify,
}

/// A seat that is taken; dropped, it is free.
#[derive(Debug)]
pub(super) struct Seated {
    seats: Arc<Seats>,
    number: u64,
    seat: Arc<Seat>,
    _permit: OwnedSemaphorePermit,
}

/// A request under way, to the last byte of its answer.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Seat>);

impl Seats {
    /// So many seats.
    pub(super) fn new(count: u32) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(usize::try_from(count).unwrap_or(usize::MAX)));
        Arc::new(Self { free, count, taken: Mutex::default() })
    }

    /// A seat for a new connection. Waits while every other one is busy.
    pub(super) async fn take(self: &Arc<Self>) -> Seated {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            self.make_room();
            let freed = Arc::clone(&self.free).acquire_owned();
            if let Ok(Ok(permit)) = tokio::time::timeout(PATIENCE, freed).await {
                break permit;
            }
        };
        let seat = Arc::new(Seat { state: AtomicU8::new(NEW), told: Notify::new() });
        let mut taken = self.taken();
        let number = taken.next;
        taken.next += 1;
        taken.seats.insert(number, Arc::clone(&seat));
        drop(taken);
        Seated { seats: Arc::clone(self), number, seat, _permit: permit }
    }

    /// Asks one connection to go, if there is one without a request under way.
    fn make_room(&self) {
        let taken = self.taken();
        for (state, asked) in [(NEW, ASKED), (IDLE, ENDING)] {
            if let Some(seat) = taken.seats.values().find(|seat| seat.becomes(state, asked)) {
                seat.told.notify_one();
                return;
            }
        }
    }

    /// Asks every connection to end after the request that is under way.
    pub(super) fn end(&self) {
        for seat in self.taken().seats.values() {
            seat.told.notify_one();
        }
    }

    /// Waits until every seat is free.
    pub(super) async fn empty(&self) {
        // It is never closed, so there is no error to speak of.
        let _ = self.free.acquire_many(self.count).await;
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Whoever panicked here has left a whole map.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    fn becomes(&self, from: u8, to: u8) -> bool {
        self.state.load(Ordering::Relaxed) == from
            && self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

impl Seated {
    /// What is known of the connection.
    pub(super) fn seat(&self) -> Arc<Seat> {
        Arc::clone(&self.seat)
    }

    /// Waits until the connection is to go. `true` if it may go at once, `false` if what it was
    /// asked last has to be answered to the end: a request that comes before this counts.
    pub(super) async fn told(&self) -> bool {
        self.seat.told.notified().await;
        self.seat.becomes(ASKED, GONE)
    }
}

/// A request has arrived on a connection.
pub(super) fn busy(seat: &Arc<Seat>) -> Busy {
    // Whoever makes room changes the state at most once in between, and only to one that comes
    // later here.
    let _ = seat.becomes(NEW, BUSY) || seat.becomes(ASKED, ENDING) || seat.becomes(IDLE, BUSY);
    Busy(Arc::clone(seat))
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.becomes(BUSY, IDLE);
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.seats.taken().seats.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    /// What can happen to a connection.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Event {
        /// Its seat is wanted.
        Wanted,
        /// A request has been read.
        Request,
        /// Its answer is sent.
        Answered,
        /// It hears whether it has to go.
        Told,
    }

    /// Every order in which things happen to one connection, up to six of them: what has been asked
    /// is answered, a seat is given up when it is wanted, and only then.
    #[tokio::test]
    async fn no_order_of_events_breaks_off_a_request_or_keeps_a_seat() {
        use Event::{Answered, Request, Told, Wanted};
        let mut orders: Vec<Vec<Event>> = vec![vec![]];
        let mut told_at_once = 0;
        for _ in 0..6 {
            orders = orders
                .iter()
                .flat_map(|order| {
                    [Wanted, Request, Answered, Told].map(|event| [&order[..], &[event]].concat())
                })
                .collect();
            for order in &orders {
                told_at_once += u32::from(live_through(order).await);
            }
        }
        assert!(told_at_once > 0, "no connection was ever ended at once");
    }

    /// Whether the connection was told to go at once.
    async fn live_through(order: &[Event]) -> bool {
        let seats = Seats::new(1);
        let seated = seats.take().await;
        let seat = seated.seat();
        let (mut under_way, mut requests, mut wanted) = (None, 0, false);
        for event in order {
            match event {
                Event::Wanted => {
                    let free = under_way.is_none();
                    let before = seat.state.load(Ordering::Relaxed);
                    seats.make_room();
                    let asked = before != seat.state.load(Ordering::Relaxed);
                    assert!(!asked || free, "{order:?}: a busy connection was asked to go");
                    assert!(asked || wanted || !free, "{order:?}: a free seat was kept");
                    wanted |= asked;
                }
                // One at a time, as on a connection.
                Event::Request if under_way.is_none() => {
                    requests += 1;
                    under_way = Some(busy(&seat));
                }
                Event::Answered => under_way = None,
                Event::Told => match seated.told().now_or_never() {
                    None => {}
                    Some(at_once) => {
                        assert!(wanted, "{order:?}: nobody wanted its seat");
                        assert_eq!(at_once, requests == 0, "{order:?}");
                        // From here on it reads no further request.
                        return at_once;
                    }
                },
                Event::Request => {}
            }
        }
        // However it went, one whose seat is wanted hears of it.
        assert_eq!(seated.told().now_or_never().is_some(), wanted, "{order:?}");
        false
    }

    #[tokio::test]
    async fn the_oldest_without_a_request_goes_first_and_a_busy_one_never() {
        let seats = Seats::new(3);
        let busy_one = seats.take().await;
        let under_way = busy(&busy_one.seat());
        let idle = seats.take().await;
        drop(busy(&idle.seat()));
        let new = seats.take().await;
        let mut next = Box::pin(seats.take());
        assert!((&mut next).now_or_never().is_none());
        assert_eq!(new.told().now_or_never(), Some(true), "nothing was asked of it");
        assert!(idle.told().now_or_never().is_none() && busy_one.told().now_or_never().is_none());
        drop(new);
        let newest = next.await;
        let asked = busy(&newest.seat());
        let mut next = Box::pin(seats.take());
        assert!((&mut next).now_or_never().is_none());
        assert_eq!(idle.told().now_or_never(), Some(false), "its answer may be on its way");
        drop(idle);
        let last = next.await;
        let asked_last = busy(&last.seat());
        // All are busy: the newcomer waits for the first that is done.
        let mut next = Box::pin(seats.take());
        assert!(tokio::time::timeout(PATIENCE * 3, &mut next).await.is_err());
        drop(under_way);
        let gone = tokio::select! {
            gone = busy_one.told() => gone,
            _ = &mut next => unreachable!("no seat is free"),
        };
        assert!(!gone);
        drop(busy_one);
        drop(next.await);
        drop((asked, asked_last, newest, last));
        seats.end();
        seats.empty().await;
    }
}
