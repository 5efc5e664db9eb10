//! The HTTP client of the data plane: connections are kept, no redirects, no cookies, no retries of
//! its own.
//!
//! With TLS a connection may turn out to be HTTP/2 and be shared by many requests, so a task of its
//! own drives it. Without, it has one request at a time, and that drives it ([`super::driven`]).

use super::driven::{Driven, Received};
use super::failure::{Failure, Phase};
use super::idle::Idle;
use super::within::Within;
use crate::base::tcp::Tcp;
use crate::report::Problem;
use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{HttpConnector, capture_connection};
use hyper_util::client::legacy::{Builder, Client as Pool};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use std::collections::HashMap;
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tower::ServiceExt as _;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// What an HTTP/2 connection holds of the answer to one request that nobody reads on.
const UNREAD: u32 = 1 << 20;

/// What it holds of all of them: no limit (RFC 9113 §6.9.1). Clients share a connection, and with one,
/// a few that do not read would keep the answers of all others from coming.
const UNREAD_BY_ALL: u32 = (1 << 31) - 1;

/// How an HTTP/2 connection that says nothing while an answer is awaited is asked whether it is still
/// there (RFC 9113 §6.7). One that is not would take its provider away for as long as the kernel sends
/// again, a quarter of an hour, since all requests share it.
#[derive(Clone, Copy, Debug)]
struct Probes {
    /// It is asked after so much silence.
    after: Duration,
    /// It is over if it has not said anything then.
    patience: Duration,
}

const PROBES: Probes = Probes { after: Duration::from_secs(20), patience: Duration::from_secs(10) };

/// Connections with TLS, and one limit for how long a new one may take.
type Connections = Pool<Within<HttpsConnector<HttpConnector>>, Full<Bytes>>;

/// Connections to providers, shared by all requests.
#[derive(Debug)]
pub(crate) struct Client {
    /// Makes connections without TLS.
    plain: HttpConnector,
    /// Those of them that nobody uses.
    idle: Arc<Idle>,
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
        let plain = connector(connect_timeout);
        let usual = connections(&tls, connect_timeout);
        let idle = Arc::default();
        Ok(Self { plain, idle, usual, connect_timeout, tls, others: Mutex::default() })
    }

    /// The connections with this limit.
    fn with_limit(&self, limit: Duration) -> Connections {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.entry(limit).or_insert_with(|| connections(&self.tls, limit)).clone()
    }

    /// Sends a request and waits for the head of the answer; a new connection may take as long as
    /// `connect` says, or as usual. `sent` is set once some of it may have left. Dropping the future,
    /// or the body of the answer, ends the exchange.
    ///
    /// # Errors
    /// [`Failure::Connect`] if no byte has left, else [`Failure::Transport`].
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        connect: Option<Duration>,
        sent: &mut bool,
    ) -> Result<Response<Received>, Failure> {
        let plain = request.uri().scheme() == Some(&Scheme::HTTP);
        if let Some(to) = request.uri().authority().filter(|_| plain).cloned() {
            return self.send_plain(request, to, connect, sent).await;
        }
        let connection = capture_connection(&mut request);
        let mut answer = match connect.filter(|own| *own != self.connect_timeout) {
            None => self.usual.request(request),
            Some(own) => self.with_limit(own).request(request),
        };
        let answer = poll_fn(|cx| {
            let answer = Pin::new(&mut answer).poll(cx);
            *sent = *sent || connection.connection_metadata().is_some();
            answer
        });
        answer.await.map(|response| response.map(Received::from)).map_err(|e| {
            if e.is_connect() {
                return self.unconnected(&e, connect);
            }
            let cause = e.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
            broken(&e, cause.is_some_and(hyper::Error::is_parse))
        })
    }

    /// The same without TLS.
    async fn send_plain(
        &self,
        mut request: Request<Full<Bytes>>,
        to: Authority,
        connect: Option<Duration>,
        sent: &mut bool,
    ) -> Result<Response<Received>, Failure> {
        let uri = origin(&mut request, &to);
        loop {
            let kept = self.idle.take(&to);
            let used = kept.is_some();
            let mut driven = match kept {
                Some(driven) => driven,
                // Seldom, and large: what every request carries is kept small.
                None => Box::pin(self.connected(uri.clone(), connect)).await?,
            };
            *sent = true;
            let mut error = match driven.send(request).await {
                Ok(response) => {
                    return Ok(response.map(|body| Received::on(body, driven, to, &self.idle)));
                }
                Err(error) => error,
            };
            // Its other side had ended it while nobody used it.
            match error.take_message().filter(|_| used) {
                Some(unsent) => {
                    *sent = false;
                    request = unsent;
                }
                None => {
                    let error = error.into_error();
                    return Err(broken(&error, error.is_parse()));
                }
            }
        }
    }

    async fn connected(&self, uri: Uri, limit: Option<Duration>) -> Result<Box<Driven>, Failure> {
        let mut connector = self.plain.clone();
        if let Some(own) = limit.filter(|own| *own != self.connect_timeout) {
            connector.set_connect_timeout(Some(own));
        }
        let connector = Within::new(connector, limit.unwrap_or(self.connect_timeout));
        let stream = connector.oneshot(uri).await.map_err(|e| self.unconnected(&*e, limit))?;
        Driven::on(Tcp::of(stream.into_inner())).await.map_err(|e| broken(&e, false))
    }

    /// No byte has left.
    fn unconnected(&self, error: &(dyn Error + 'static), limit: Option<Duration>) -> Failure {
        if timed_out(error) {
            return Failure::Timeout(Phase::Connect, limit.unwrap_or(self.connect_timeout));
        }
        Failure::Connect(root_cause(error))
    }
}

/// Gives a request the form in which it is sent to `to` itself (RFC 9112 §3.2.1); returns the URI
/// that it had.
fn origin(request: &mut Request<Full<Bytes>>, to: &Authority) -> Uri {
    let path = request.uri().path_and_query().cloned();
    let uri = std::mem::replace(request.uri_mut(), path.map(Uri::from).unwrap_or_default());
    // Without a user and a password, and without the port that is meant anyway.
    let text = to.as_str();
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let host = host.strip_suffix(":80").unwrap_or(host);
    if let Ok(host) = HeaderValue::from_str(host) {
        request.headers_mut().entry(HOST).or_insert(host);
    }
    uri
}

fn broken(error: &(dyn Error + 'static), not_http: bool) -> Failure {
    let why = root_cause(error);
    match not_http {
        true => Failure::Malformed(format!("it is no HTTP: {why}")),
        false => Failure::Transport(why),
    }
}

fn connector(limit: Duration) -> HttpConnector {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http.enforce_http(false);
    http.set_keepalive(Some(Duration::from_secs(60)));
    http.set_connect_timeout(Some(limit));
    http
}

fn connections(tls: &ClientConfig, limit: Duration) -> Connections {
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(connector(limit));
    pool(PROBES).build(Within::new(https, limit))
}

fn pool(probes: Probes) -> Builder {
    let mut pool = Pool::builder(TokioExecutor::new());
    pool.pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .http2_keep_alive_interval(probes.after)
        .http2_keep_alive_timeout(probes.patience)
        .http2_initial_stream_window_size(UNREAD)
        .http2_initial_connection_window_size(UNREAD_BY_ALL);
    pool
}

/// The innermost cause: the outer ones only say "client error".
pub(crate) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn timed_out(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
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

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "client_shared_tests.rs"]
mod shared_tests;
