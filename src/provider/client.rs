//! The HTTP client of the data plane: one pool of connections, no redirects, no cookies, no
//! retries of its own.

use super::failure::{Failure, Phase};
use crate::report::Problem;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// Connections with one limit for how long a new one may take.
type Connections = Pool<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Connections to providers, shared by all requests.
#[derive(Debug)]
pub(crate) struct Client {
    usual: Connections,
    connect_timeout: Duration,
    tls: ClientConfig,
    /// Those of routes with a limit of their own, by that.
    others: Mutex<HashMap<Duration, Connections>>,
}

impl Client {
    /// A client that trusts what the operating system trusts.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub(crate) fn new(connect_timeout: Duration) -> Result<Self, Problem> {
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(ConfigBuilderExt::try_with_platform_verifier)
            .map_err(|e| {
                Problem::error(
                    "no-certificates",
                    "cannot read the certificates that the system trusts",
                )
                .why(e)
                .hint("install the package `ca-certificates`")
            })?
            .with_no_client_auth();
        let usual = connections(&tls, connect_timeout);
        Ok(Self { usual, connect_timeout, tls, others: Mutex::default() })
    }

    /// The connections with this limit.
    fn with_limit(&self, limit: Duration) -> Connections {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.entry(limit).or_insert_with(|| connections(&self.tls, limit)).clone()
    }

    /// Sends a request and waits for the head of the answer; a new connection may take as long as
    /// `connect` says, or as usual. Dropping the future, or the body of the answer, ends the
    /// exchange.
    ///
    /// # Errors
    /// [`Failure::Connect`] if no byte has left, else [`Failure::Transport`].
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        connect: Option<Duration>,
    ) -> Result<Response<Incoming>, Failure> {
        let sent = match connect.filter(|own| *own != self.connect_timeout) {
            None => self.usual.request(request).await,
            Some(own) => self.with_limit(own).request(request).await,
        };
        sent.map_err(|e| {
            let why = root_cause(&e);
            if !e.is_connect() {
                return match not_http(&e) {
                    true => Failure::Malformed(format!("it is no HTTP: {why}")),
                    false => Failure::Transport(why),
                };
            }
            if timed_out(&e) {
                return Failure::Timeout(Phase::Connect, connect.unwrap_or(self.connect_timeout));
            }
            Failure::Connect(why)
        })
    }
}

fn connections(tls: &ClientConfig, limit: Duration) -> Connections {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http.enforce_http(false);
    http.set_keepalive(Some(Duration::from_secs(60)));
    http.set_connect_timeout(Some(limit));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(http);
    Pool::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .build(https)
}

/// The innermost cause: the outer ones only say "client error".
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn not_http(error: &hyper_util::client::legacy::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
    cause.is_some_and(hyper::Error::is_parse)
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
