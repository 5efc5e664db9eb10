//! The control socket: HTTP over a Unix socket in the state directory, for the same user on the
//! same machine. It needs no store and no key, so it answers when nothing else does.
//!
//! The first server of a directory has `serve.sock`, for as long as it lives; who that is, a lock
//! says that goes with its holder. A further one has its process id in the name.

use super::fleet;
use super::routes::{admin, breakers, health, json};
use super::state::App;
use super::surface::Surface;
use crate::base::lock::Lock;
use crate::base::socket::SocketFolder;
use crate::rotation::control as names;
use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json as object;
use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// The file whose lock the first server of a directory holds.
const LOCK: &str = "serve.lock";

/// Connections at a time.
const MOST: usize = 16;

/// How long one connection may take: a reload waits for files and the keyring.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);

/// Who listens on a control socket; dropped, the socket is gone.
#[derive(Debug)]
pub(super) struct Control {
    listener: UnixListener,
    path: PathBuf,
    /// Held by whoever has the usual name.
    _lock: Option<Lock>,
}

impl Drop for Control {
    fn drop(&mut self) {
        // A socket that stays behind is harmless: nobody listens on it.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Control {
    /// Listens in the state directory. Sockets of killed servers are cleared away.
    ///
    /// # Errors
    /// What the file system says. A server can live without a control socket.
    pub(super) fn listen(state_dir: &Path) -> io::Result<Self> {
        let lock = Lock::take(&state_dir.join(LOCK), "serve", Duration::ZERO).ok();
        let pid = std::process::id();
        let name = if lock.is_some() { names::SOCKET.to_owned() } else { names::further(pid) };
        let folder = SocketFolder::open(state_dir)?;
        sweep(state_dir, &folder);
        // Made under another name and moved: nobody sees it before its permissions are set, and
        // the socket of a killed server gives way at once.
        let temp = folder.path(&format!(".ultra-{pid}.sock"));
        let _ = std::fs::remove_file(&temp);
        let listener = UnixListener::bind(&temp)?;
        std::fs::set_permissions(&temp, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&temp, folder.path(&name))?;
        Ok(Self { listener, path: state_dir.join(name), _lock: lock })
    }

    /// Where it listens.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Removes the sockets of servers that were killed, but for the usual name: that one is replaced
/// by who holds the lock.
fn sweep(state_dir: &Path, folder: &SocketFolder) {
    for name in names::sockets(state_dir).iter().filter(|name| *name != names::SOCKET) {
        let path = folder.path(name);
        let answer = std::os::unix::net::UnixStream::connect(&path);
        if answer.is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Answers until `stop`; `drain` is told when somebody wants the server to end.
pub(super) async fn serve(
    control: Control,
    app: Arc<App>,
    drain: CancellationToken,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let accepted = tokio::select! {
            accepted = control.listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(peer) = stream.peer_cred() else { continue };
        if !may(peer.uid()) {
            tracing::warn!(uid = peer.uid(), pid = peer.pid(), "control socket refused");
            continue;
        }
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (app, drain) = (Arc::clone(&app), drain.clone());
        tokio::spawn(async move {
            let _place = place;
            let _ = tokio::time::timeout(PATIENCE, converse(stream, peer, app, drain)).await;
        });
    }
}

/// Whether a user may: the one that the server runs as, and root, who may anything.
fn may(uid: u32) -> bool {
    uid == rustix::process::geteuid().as_raw() || uid == 0
}

async fn converse(stream: UnixStream, peer: UCred, app: Arc<App>, drain: CancellationToken) {
    let service = service_fn(|request: Request<Incoming>| {
        let (app, drain) = (Arc::clone(&app), drain.clone());
        async move { Ok::<_, Infallible>(answer(&app, peer, &drain, &request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection of the control socket ended");
    }
}

async fn answer(
    app: &Arc<App>,
    peer: UCred,
    drain: &CancellationToken,
    request: &Request<Incoming>,
) -> Response<Body> {
    let (method, mut path) = (request.method(), request.uri().path());
    let answered = match (method, path) {
        (&Method::GET, "/health") => json(&health::document(app)),
        (&Method::GET, "/slots") => json(&fleet::replica(app)),
        (&Method::POST, "/reload") => match admin::reload_keys(Arc::clone(app)).await {
            Ok(response) => response,
            Err(refusal) => refusal.response(Surface::Ours, "", app.mode.word()),
        },
        (&Method::GET, "/circuit-breakers") => json(&breakers::document(app)),
        (&Method::POST, "/circuit-breakers/reset") => {
            match breakers::close_asked(app, request.uri()) {
                Ok(document) => json(&document),
                Err(refusal) => refusal.response(Surface::Ours, "", app.mode.word()),
            }
        }
        (&Method::POST, "/drain") => {
            drain.cancel();
            let mut response = json(&object!({"status": "draining", "instance": app.instance}));
            *response.status_mut() = StatusCode::ACCEPTED;
            response
        }
        _ => {
            // What the peer wrote is its own affair: only what is known is logged as it stands.
            path = "unknown";
            let mut response = json(&object!({
                "error": "not_found",
                "known": [
                    "GET /health", "GET /slots", "GET /circuit-breakers",
                    "POST /reload", "POST /circuit-breakers/reset", "POST /drain",
                ],
            }));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    };
    tracing::info!(
        uid = peer.uid(),
        pid = peer.pid(),
        method = %method,
        path,
        status = answered.status().as_u16(),
        "control socket used"
    );
    answered
}
