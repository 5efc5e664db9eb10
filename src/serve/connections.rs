//! Connections: accepted until the server stops, then ended one by one as their requests end.

use super::patience::Patience;
use super::seats::{self, Busy, Seated, Seats};
use super::stack;
use super::state::App;
use crate::base::tcp::Tcp;
use crate::gateway::Reset;
use axum::Router;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How long to wait when no connection can be accepted (no file descriptor left).
const BREATH: Duration = Duration::from_millis(50);

/// How long a client may leave unread what it was sent. Without an end, one that reads nothing
/// would keep its place and its connection to the provider for ever: a body that cannot be written
/// is not asked for more, so no other time limit is looked at.
const UNREAD: Duration = Duration::from_secs(60);

/// What every accepted connection is set to.
fn set_up(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let patience = u32::try_from(UNREAD.as_millis()).unwrap_or(u32::MAX);
    // The kernel counts unacknowledged bytes and a closed window alike (tcp(7), TCP_USER_TIMEOUT).
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, patience) {
        tracing::debug!(%error, "a client that reads nothing will not be noticed");
    }
}

/// Accepts connections until `stop`, at most as many at a time as there are seats, and hands each
/// to `serve`.
pub(super) async fn accept_each<S, F>(
    listener: TcpListener,
    seats: &Arc<Seats>,
    stop: &CancellationToken,
    serve: S,
) where
    S: Fn(TcpStream, SocketAddr, Seated) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let seated = tokio::select! {
                    seated = seats.take() => seated,
                    () = stop.cancelled() => return,
                };
                set_up(&stream);
                tokio::spawn(serve(stream, peer, seated));
            }
            Err(error) => {
                tracing::warn!(error = %error.kind(), "no connection accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Answers the requests of one connection with `answer` until it ends or its seat is wanted.
pub(super) async fn converse<A, F, B>(
    stream: TcpStream,
    seated: Seated,
    header_timeout: Duration,
    answer: A,
) where
    A: Fn(Request<Incoming>, Busy) -> F,
    F: Future<Output = Response<B>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let seat = seated.seat();
    let service = service_fn(|request| {
        let answered = answer(request, seats::busy(&seat));
        async move {
            let response = answered.await;
            // With an error in the place of a head, nothing is sent.
            if response.extensions().get::<Reset>().is_some() {
                Err(NoAnswer)
            } else {
                Ok(response)
            }
        }
    });
    let mut connection = http1::Builder::new()
        .timer(Patience::default())
        .header_read_timeout(header_timeout)
        .serve_connection(Tcp::of(stream), service);
    let ended = tokio::select! {
        biased;
        at_once = seated.told() => {
            if at_once {
                return;
            }
            Pin::new(&mut connection).graceful_shutdown();
            Pin::new(&mut connection).await
        }
        ended = &mut connection => ended,
    };
    let Err(error) = ended else { return };
    tracing::debug!(%error, "connection ended");
    if error.source().is_some_and(<dyn Error>::is::<NoAnswer>) {
        // Closed without lingering, a connection is reset instead of ended.
        let stream = connection.into_parts().io.into_inner();
        if let Err(error) = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)) {
            tracing::debug!(%error, "a connection is ended, and not reset");
        }
    }
}

/// The connection is to be reset.
#[derive(Debug)]
struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the mock resets the connection, as its model says")
    }
}

impl Error for NoAnswer {}

/// Accepts connections for the API until `stop`.
pub(super) async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    router: Router,
    header_timeout: Duration,
    seats: Arc<Seats>,
    stop: CancellationToken,
) {
    let router = Arc::new(router);
    accept_each(listener, &seats, &stop, |stream, peer, seated| {
        let (app, router) = (Arc::clone(&app), Arc::clone(&router));
        converse(stream, seated, header_timeout, move |request, busy| {
            let (app, router) = (Arc::clone(&app), Arc::clone(&router));
            async move { stack::handle(app, &router, peer, busy, request).await }
        })
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_ends_when_its_client_stops_reading() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stop, seats) = (CancellationToken::new(), Seats::new(1));
        let (told, mut tell) = tokio::sync::mpsc::channel(1);
        let accepting = accept_each(listener, &seats, &stop, |stream, _, _seated| {
            let told = told.clone();
            async move {
                let set = rustix::net::sockopt::tcp_user_timeout(&stream).unwrap();
                told.send(set).await.unwrap();
            }
        });
        // Whoever listens: every connection is set up before it is served.
        let set = tokio::select! {
            set = tell.recv() => set.unwrap(),
            () = accepting => unreachable!("nobody stopped it"),
        };
        assert_eq!(u128::from(set), UNREAD.as_millis());
        drop(client);
    }
}
