//! Connections to providers without TLS, each driven by the request that uses it.
//!
//! A client of its own task for every connection has a request hop to that task and back, often to
//! another core: two wake-ups and a message in each direction. Here the one who waits for an answer
//! polls the connection beside it (docs/adr/0017). A connection that nobody uses is driven by nobody:
//! what its provider has sent meanwhile, as a rule its end, is met by whoever takes it up next, or by
//! [`super::idle`], which looks after those that are left.

use super::idle::Idle;
use crate::base::tcp::Tcp;
use bytes::Bytes;
use http::uri::Authority;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::task::unconstrained;

/// One connection, and the end of it that takes requests.
#[derive(Debug)]
pub(super) struct Driven {
    sender: SendRequest<Full<Bytes>>,
    /// None once it is over. It is dropped then, which tells whoever waits for something of it.
    connection: Option<Connection<Tcp, Full<Bytes>>>,
    /// Whether a task is woken when it goes on.
    awaited: bool,
}

impl Driven {
    /// A connection on a stream that is open.
    ///
    /// # Errors
    /// None that is known; the library reserves some.
    pub(super) async fn on(stream: Tcp) -> hyper::Result<Box<Self>> {
        let (sender, connection) = handshake(stream).await?;
        Ok(Box::new(Self { sender, connection: Some(connection), awaited: false }))
    }

    /// Moves the connection on as far as it goes at present. The task of `cx` is woken when it goes
    /// on; the one that was given last counts.
    fn drive(&mut self, cx: &mut Context<'_>) {
        self.awaited = true;
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(cx).is_ready()
        {
            // What went wrong is told to whoever waits for an answer, or for the rest of one.
            self.connection = None;
        }
    }

    /// The same, but nobody is woken.
    fn advance(&mut self) {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.awaited = false;
    }

    /// Whether another request may be sent. Nobody is woken for this connection from now on.
    fn is_free(&mut self) -> bool {
        if self.awaited || !self.sender.is_ready() {
            self.advance();
        }
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Whether the other side has left it as it is, for a connection that nobody uses.
    pub(super) fn is_open(&mut self) -> bool {
        self.advance();
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of the answer. Dropping the future leaves a connection
    /// that is of no use any more.
    ///
    /// # Errors
    /// The request comes back with the error if nothing of it has left.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        // Without a budget: once that is used up, nothing is read, so that a connection that has
        // ended is taken for one that is open, and the answer would be told to come back to a waker
        // that wakes nobody.
        unconstrained(poll_fn(|cx| {
            self.drive(cx);
            // Only that brings the answer on, so nobody need be woken for it.
            answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        }))
        .await
    }
}

/// The body of an answer, and the connection that it comes from.
#[derive(Debug)]
pub(crate) struct Received {
    body: Incoming,
    /// None if a task of its own drives the connection, or if the body has come to its end.
    way: Option<Way>,
}

/// A connection in use, and where it is kept afterwards.
#[derive(Debug)]
struct Way {
    driven: Box<Driven>,
    to: Authority,
    idle: Arc<Idle>,
}

impl From<Incoming> for Received {
    fn from(body: Incoming) -> Self {
        Self { body, way: None }
    }
}

impl Received {
    /// The body of an answer that has begun to arrive on `driven`; at its end the connection to `to`
    /// is given to `idle`.
    pub(super) fn on(
        body: Incoming,
        mut driven: Box<Driven>,
        to: Authority,
        idle: &Arc<Idle>,
    ) -> Self {
        // The connection would wake the task that waited for the head as soon as the body is asked
        // for.
        driven.advance();
        let mut received = Self { body, way: Some(Way { driven, to, idle: Arc::clone(idle) }) };
        if received.body.is_end_stream() {
            received.release();
        }
        received
    }

    /// Gives the connection back.
    fn release(&mut self) {
        if let Some(mut way) = self.way.take()
            && way.driven.is_free()
        {
            way.idle.keep(way.to, way.driven);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Some(way) = &mut self.way else { return Pin::new(&mut self.body).poll_frame(cx) };
        let mut unwoken = Context::from_waker(Waker::noop());
        if let ready @ Poll::Ready(_) = Pin::new(&mut self.body).poll_frame(&mut unwoken) {
            return ready;
        }
        // What has arrived already is there now; else the last time it is driven says who waits.
        way.driven.advance();
        if let ready @ Poll::Ready(_) = Pin::new(&mut self.body).poll_frame(&mut unwoken) {
            return ready;
        }
        way.driven.drive(cx);
        Pin::new(&mut self.body).poll_frame(&mut unwoken)
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let frame = ready!(self.poll(cx));
        if self.way.is_some() && (frame.is_none() || self.body.is_end_stream()) {
            self.release();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
