//! One line a request, when its last byte is out: never a body, a header, a query or a secret.

use crate::gateway::answers::Served;
use crate::serve::logging::Entry;
use crate::serve::seats::Busy;
use crate::serve::state::App;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

/// What the line says, gathered on the way.
#[derive(Debug)]
pub(crate) struct Line {
    /// The server.
    pub(crate) app: Arc<App>,
    /// The request's id.
    pub(crate) request_id: Arc<str>,
    /// The request's method.
    pub(crate) method: Method,
    /// The target: only its path is said.
    pub(crate) uri: Uri,
    /// The route in the table, or `unmatched`.
    pub(crate) route: &'static str,
    /// Where it comes from.
    pub(crate) peer: SocketAddr,
    /// The caller's id.
    pub(crate) key_id: Option<Arc<str>>,
    /// The status of the answer.
    pub(crate) status: u16,
    /// What came of the cache of answers.
    pub(crate) cache: Option<Served>,
    /// When its head was there.
    pub(crate) started: Instant,
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
    inner: Body,
    line: Line,
    bytes: u64,
    complete: bool,
    /// The request's place, kept to the last byte.
    _place: Option<OwnedSemaphorePermit>,
    /// Keeps its connection, to the last byte too.
    _busy: Busy,
}

impl Tracked {
    /// Follows `inner` to its end.
    pub(crate) fn new(
        inner: Body,
        line: Line,
        place: Option<OwnedSemaphorePermit>,
        busy: Busy,
    ) -> Self {
        line.app.metrics.in_flight.inc();
        let complete = inner.is_end_stream();
        Self { inner, line, bytes: 0, complete, _place: place, _busy: busy }
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
                self.bytes += u64::try_from(length).unwrap_or(u64::MAX);
                self.complete = self.inner.is_end_stream();
            }
            Poll::Ready(None) => self.complete = true,
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

impl Drop for Tracked {
    fn drop(&mut self) {
        let line = &self.line;
        let took = line.started.elapsed();
        line.app.metrics.in_flight.dec();
        line.app.metrics.ended(line.route, line.status, took);
        line.app.access.write(&Entry {
            method: line.method.as_str(),
            path: shown(line.uri.path()),
            status: line.status,
            us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            bytes: self.bytes,
            complete: self.complete,
            request_id: &line.request_id,
            key: line.key_id.as_deref().unwrap_or("-"),
            cache: line.cache.map(Served::word),
            peer: line.peer.ip(),
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
