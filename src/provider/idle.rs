//! Connections that nobody uses at present.

use super::driven::Driven;
use http::uri::Authority;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often those that are left are looked after.
const LOOK: Duration = Duration::from_secs(5);

/// After so many looks a connection is ended: a minute, as most servers do.
const LOOKS: u64 = 12;

/// Open connections by where they lead.
#[derive(Debug, Default)]
pub(super) struct Idle(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// There are as many as there are base URLs, which is few.
    places: Vec<Place>,
    /// How often was looked.
    looks: u64,
    /// Whether a task looks.
    looking: bool,
}

#[derive(Debug)]
struct Place {
    to: Authority,
    /// With the look since which nobody has used it; the last one first to be used again.
    free: Vec<(u64, Box<Driven>)>,
}

impl Idle {
    /// A connection to `to`. It may have come to its end: that is found out by using it.
    pub(super) fn take(&self, to: &Authority) -> Option<Box<Driven>> {
        let mut kept = self.kept();
        let place = kept.places.iter_mut().find(|place| place.to == *to)?;
        place.free.pop().map(|(_, driven)| driven)
    }

    /// Keeps a connection for the next request. Must be called within a Tokio runtime.
    pub(super) fn keep(self: &Arc<Self>, to: Authority, driven: Box<Driven>) {
        let mut kept = self.kept();
        let since = kept.looks;
        match kept.places.iter_mut().find(|place| place.to == to) {
            Some(place) => place.free.push((since, driven)),
            None => kept.places.push(Place { to, free: vec![(since, driven)] }),
        }
        if !kept.looking {
            kept.looking = true;
            tokio::spawn(look_after(Arc::downgrade(self)));
        }
    }

    /// Ends what has been unused for too long or was ended by the other side; whether there is
    /// something left to look after.
    fn look(&self) -> bool {
        let mut kept = self.kept();
        kept.looks += 1;
        let looks = kept.looks;
        for place in &mut kept.places {
            place.free.retain_mut(|(since, driven)| looks - *since <= LOOKS && driven.is_open());
        }
        kept.places.retain(|place| !place.free.is_empty());
        kept.looking = !kept.places.is_empty();
        kept.looking
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whoever panicked here has left whole connections.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look_after(idle: std::sync::Weak<Idle>) {
    loop {
        tokio::time::sleep(LOOK).await;
        if !idle.upgrade().is_some_and(|idle| idle.look()) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::tcp::Tcp;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn what_was_ended_or_not_used_for_too_long_is_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to: Authority = listener.local_addr().unwrap().to_string().parse().unwrap();
        let idle = Arc::<Idle>::default();
        let mut other_ends = Vec::new();
        for _ in 0..2 {
            let stream = TcpStream::connect(to.as_str()).await.unwrap();
            other_ends.push(listener.accept().await.unwrap().0);
            let mut driven = Driven::on(Tcp::of(stream)).await.unwrap();
            assert!(driven.is_open());
            idle.keep(to.clone(), driven);
        }
        assert!(idle.look(), "both are open");
        drop(other_ends.pop());
        let left = || idle.kept().places.iter().map(|place| place.free.len()).sum::<usize>();
        for _ in 0..100 {
            if left() == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert!(idle.look());
            // Only the end of the other side is looked for here.
            idle.kept().looks = 0;
        }
        assert_eq!(left(), 1);
        for _ in 0..LOOKS {
            idle.look();
        }
        assert!(!idle.look(), "nobody has used it for a minute");
        assert!(idle.take(&to).is_none());
        assert_eq!(other_ends.len(), 1);
    }
}
