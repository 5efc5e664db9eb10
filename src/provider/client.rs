//! The HTTP client of the data plane: one pool of connections, no redirects, no cookies, no
//! retries of its own.

use super::failure::{Failure, Phase};
use crate::report::Problem;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error as _;
use std::time::Duration;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// Connections to providers, shared by all requests.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
    connect_timeout: Duration,
}

impl Client {
    /// A client that trusts what the operating system trusts.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub(crate) fn new(connect_timeout: Duration) -> Result<Self, Problem> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.enforce_http(false);
        http.set_keepalive(Some(Duration::from_secs(60)));
        http.set_connect_timeout(Some(connect_timeout));
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_platform_verifier(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(|e| {
                Problem::error(
                    "no-certificates",
                    "cannot read the certificates that the system trusts",
                )
                .why(e)
                .hint("install the package `ca-certificates`")
            })?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(http);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(https);
        Ok(Self { pool, connect_timeout })
    }

    /// Sends a request and waits for the head of the answer. Dropping the future, or the body of
    /// the answer, ends the exchange.
    ///
    /// # Errors
    /// [`Failure::Connect`] if no byte has left, else [`Failure::Transport`].
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        self.pool.request(request).await.map_err(|e| {
            let why = root_cause(&e);
            if !e.is_connect() {
                return Failure::Transport(why);
            }
            if timed_out(&e) {
                return Failure::Timeout(Phase::Connect, self.connect_timeout);
            }
            Failure::Connect(why)
        })
    }
}

/// The innermost cause: the outer ones only say "client error".
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn timed_out(error: &hyper_util::client::legacy::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::TimedOut)
        {
            return true;
        }
        cause = error.source();
    }
    false
}
