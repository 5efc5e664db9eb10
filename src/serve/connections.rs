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

/// The most header fields that are read at all; the stack refuses fewer, with a proper answer.
const HEADERS: usize = 200;

/// How long to wait when no connection can be accepted (no file descriptor left).
const BREATH: Duration = Duration::from_millis(50);

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
                let _ = stream.set_nodelay(true);
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
        let service = service_fn(move |request| {
            let answer =
                stack::handle(Arc::clone(&self.app), self.router.clone(), self.peer, request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_headers(HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "connection ended");
        }
    }
}
