//! A provider that answers for the keys it accepts, and remembers how often and when each was used.

use super::answers::{ANSWER, Body, MODELS, events, json, streamed};
use super::listen;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

/// Into how many parts a stream is cut, with a pause before each but the first.
const PARTS: usize = 4;

/// What is known of a key.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Completions that were given for it.
    pub(crate) answered: u64,
    /// Requests that were refused.
    pub(crate) refused: u64,
    /// The time of the last request, for whatever it asked, in microseconds of Unix time.
    pub(crate) last: u64,
}

#[derive(Debug, Default)]
struct Inside {
    accepted: BTreeSet<String>,
    seen: BTreeMap<String, Seen>,
}

/// The provider.
#[derive(Debug)]
pub(crate) struct Keyed {
    inside: Mutex<Inside>,
    parts: Vec<Bytes>,
    pause: Duration,
}

/// Now, in microseconds of Unix time.
pub(crate) fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

impl Keyed {
    /// One that accepts nothing yet. Its streams last three times `pause`, so that at every instant
    /// some are half-way.
    pub(crate) fn new(pause: Duration) -> Arc<Self> {
        let events = events();
        let parts =
            events.chunks(events.len().div_ceil(PARTS)).map(|c| Bytes::from(c.concat())).collect();
        Arc::new(Self { inside: Mutex::default(), parts, pause })
    }

    /// Accepts the key from now on.
    pub(crate) fn accept(&self, key: &str) {
        self.inside.lock().unwrap().accepted.insert(key.to_owned());
    }

    /// Refuses the key from now on.
    pub(crate) fn refuse(&self, key: &str) {
        self.inside.lock().unwrap().accepted.remove(key);
    }

    /// What is known of the keys.
    pub(crate) fn seen(&self) -> BTreeMap<String, Seen> {
        self.inside.lock().unwrap().seen.clone()
    }

    /// Notes the use of a key; whether it is accepted.
    fn uses(&self, key: &str, completion: bool) -> bool {
        let mut inside = self.inside.lock().unwrap();
        let accepted = inside.accepted.contains(key);
        let seen = inside.seen.entry(key.to_owned()).or_default();
        seen.last = now();
        seen.answered += u64::from(accepted && completion);
        seen.refused += u64::from(!accepted);
        accepted
    }

    fn stream(&self) -> Response<Body> {
        let (parts, pause) = (self.parts.clone(), self.pause);
        let paced = stream::unfold(parts.into_iter().enumerate(), move |mut left| async move {
            let (n, part) = left.next()?;
            if n > 0 {
                tokio::time::sleep(pause).await;
            }
            Some((Ok::<_, hyper::Error>(Frame::data(part)), left))
        });
        let answer = Response::builder().header("content-type", "text/event-stream");
        answer.body(StreamBody::new(paced).boxed()).unwrap()
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
        let key = request.headers().get("authorization").and_then(|v| v.to_str().ok());
        let key = key.and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default();
        let models = request.uri().path().ends_with("/models");
        if !self.uses(key, !models) {
            return Ok(json(
                401,
                r#"{"error":{"message":"no such key","type":"invalid_request_error"}}"#,
            ));
        }
        let body = request.into_body().collect().await?.to_bytes();
        Ok(match (models, streamed(&body)) {
            (true, _) => json(200, MODELS),
            (false, true) => self.stream(),
            (false, false) => json(200, ANSWER),
        })
    }

    /// Answers whoever connects.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let answer = move |request| {
            let this = Arc::clone(&self);
            async move { this.answer(request).await }
        };
        listen::serve(listener, answer).await;
    }
}
