//! Connections: accepted until the server stops, then ended one by one as their requests end.

use super::stack;
use super::state::App;
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
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

/// Accepts connections until `stop`. Gives back what waits for those that are open.
pub(crate) async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    router: Router,
    header_timeout: Duration,
    stop: CancellationToken,
) -> GracefulShutdown {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return graceful,
        };
        match accepted {
            Ok((stream, peer)) => {
                set_up(&stream);
                let connection = Connection {
                    app: Arc::clone(&app),
                    router: router.clone(),
                    peer,
                    header_timeout,
                };
                tokio::spawn(connection.serve(stream, graceful.watcher()));
            }
            Err(error) => {
                tracing::warn!(error = %error.kind(), "no connection accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

struct Connection {
    app: Arc<App>,
    router: Router,
    peer: SocketAddr,
    header_timeout: Duration,
}

impl Connection {
    async fn serve(self, stream: TcpStream, watcher: Watcher) {
        let header_timeout = self.header_timeout;
        let (app, router, peer) = (self.app, Arc::new(self.router), self.peer);
        let service = service_fn(move |request| {
            let (app, router) = (Arc::clone(&app), Arc::clone(&router));
            async move { Ok::<_, Infallible>(stack::handle(app, &router, peer, request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "connection ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_ends_when_its_client_stops_reading() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        set_up(&stream);
        let set = rustix::net::sockopt::tcp_user_timeout(&stream).unwrap();
        assert_eq!(u128::from(set), UNREAD.as_millis());
        drop(client);
    }
}
