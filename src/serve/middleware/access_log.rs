//! One line a request, when its last byte is out or nobody waits for it any more: never a body, a
//! header, a query or a secret.

use crate::gateway::answers::Served;
use crate::serve::logging::Entry;
use crate::serve::router;
use crate::serve::seats::Busy;
use crate::serve::state::App;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

/// The status of a request whose client did not wait for one, as nginx writes it.
const CLIENT_CLOSED: u16 = 499;

/// What the line says, gathered on the way. However the request ends, it is dropped then, and
/// written.
#[derive(Debug)]
pub(crate) struct Line {
    app: Arc<App>,
    /// The request's id.
    pub(crate) request_id: Arc<str>,
    method: Method,
    /// The target: only its path is said.
    uri: Uri,
    /// The route in the table, or `unmatched`.
    route: &'static str,
    /// Where it comes from.
    peer: SocketAddr,
    /// The caller's id.
    pub(crate) key_id: Option<Arc<str>>,
    /// The status of the answer.
    pub(crate) status: u16,
    /// What came of the cache of answers.
    pub(crate) cache: Option<Served>,
    /// When its head was there.
    started: Instant,
    bytes: u64,
    complete: bool,
}

impl Line {
    /// The line of a request that has just begun; from here on it is one that is worked on.
    pub(crate) fn begin<B>(
        app: &Arc<App>,
        request: &Request<B>,
        request_id: &Arc<str>,
        peer: SocketAddr,
        started: Instant,
    ) -> Self {
        app.metrics.in_flight.inc();
        Self {
            app: Arc::clone(app),
            request_id: Arc::clone(request_id),
            method: request.method().clone(),
            uri: request.uri().clone(),
            route: router::label(request.uri().path()),
            peer,
            key_id: None,
            status: CLIENT_CLOSED,
            cache: None,
            started,
            bytes: 0,
            complete: false,
        }
    }
}

/// The longest path that is said, in bytes: anybody may send a long one, again and again.
const LONGEST_PATH: usize = 256;

/// As much of a path as is said.
fn shown(path: &str) -> &str {
    path.get(..path.floor_char_boundary(LONGEST_PATH)).unwrap_or_default()
}

/// The body of an answer on its way out.
#[derive(Debug)]
pub(crate) struct Tracked {
    line: Line,
    inner: Body,
    /// The request's place, kept to the last byte.
    _place: Option<OwnedSemaphorePermit>,
    /// Keeps its connection, to the last byte too.
    _busy: Busy,
}

impl Tracked {
    /// Follows `inner` to its end.
    pub(crate) fn new(
        inner: Body,
        mut line: Line,
        place: Option<OwnedSemaphorePermit>,
        busy: Busy,
    ) -> Self {
        line.complete = inner.is_end_stream();
        Self { line, inner, _place: place, _busy: busy }
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.line.bytes += u64::try_from(length).unwrap_or(u64::MAX);
                self.line.complete = self.inner.is_end_stream();
            }
            Poll::Ready(None) => self.line.complete = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        self.app.metrics.in_flight.dec();
        self.app.metrics.ended(self.route, self.status, took);
        self.app.access.write(&Entry {
            method: self.method.as_str(),
            path: shown(self.uri.path()),
            status: self.status,
            us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            bytes: self.bytes,
            complete: self.complete,
            request_id: &self.request_id,
            key: self.key_id.as_deref().unwrap_or("-"),
            cache: self.cache.map(Served::word),
            peer: self.peer.ip(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_cut_between_characters() {
        assert_eq!(shown("/v1/models"), "/v1/models");
        let long = format!("/{}", "\u{e9}".repeat(300));
        assert_eq!(shown(&long).len(), 255);
        assert!(long.starts_with(shown(&long)));
    }
}
