//! An open-loop load of chat completions: requests are sent when they are due, whether or not those
//! before are answered, and latency counts from when a request was due.
//!
//! Every second request is a stream; of both kinds every second one carries a service key, the
//! others an access token. A request is answered when its answer is whole: nothing is tried twice.

use super::answers::{self, ANSWER};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;

/// How long a request may take in all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that was not used for so long is not used again: its server may be about to close it.
const IDLE: Duration = Duration::from_secs(2);

/// How many failures are told in words.
pub(crate) const TOLD: usize = 10;

/// What to send where.
#[derive(Debug)]
pub(crate) struct Load {
    /// The servers, asked in turn.
    pub(crate) targets: Vec<SocketAddr>,
    /// Requests per second, of all servers together.
    pub(crate) rate: u32,
    /// The service key.
    pub(crate) key: String,
    /// The access tokens, used in turn; more may come while the load runs.
    pub(crate) tokens: RwLock<Vec<String>>,
    /// Ends the load; what was sent is waited for.
    pub(crate) over: AtomicBool,
}

/// What became of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Requests that were sent.
    pub(crate) sent: u64,
    /// Those that were answered, whole.
    pub(crate) answered: u64,
    /// Those with an access token among them.
    pub(crate) tokens: u64,
    /// The first failures, in words.
    pub(crate) failures: Vec<String>,
    /// Microseconds from when a request was due to the end of its answer: those that are no streams.
    pub(crate) plain: Vec<u32>,
    /// The same to the first event of a stream.
    pub(crate) first: Vec<u32>,
    /// Microseconds from when a request was due to when it was sent: how far behind the load itself
    /// was.
    pub(crate) behind: Vec<u32>,
}

impl Tally {
    /// Requests that were not answered.
    pub(crate) fn failed(&self) -> u64 {
        self.sent - self.answered
    }
}

/// A connection that takes one request after another.
pub(crate) type Connection = SendRequest<Full<Bytes>>;
/// Connections that are not in use, and since when.
pub(crate) type Pool = Mutex<Vec<(Connection, Instant)>>;

/// The number of every request and when it is due, told when it is, until it is over.
pub(crate) fn paced(
    rate: u32,
    over: impl Fn() -> bool + Send + 'static,
) -> UnboundedReceiver<(u64, Instant)> {
    let (send, due) = tokio::sync::mpsc::unbounded_channel();
    // Timers of the runtime are a millisecond apart; a thread wakes up nearer to the time.
    std::thread::spawn(move || {
        let begin = Instant::now();
        for n in 0_u64.. {
            let at = begin + Duration::from_nanos(n * 1_000_000_000 / u64::from(rate));
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if over() || send.send((n, at)).is_err() {
                return;
            }
        }
    });
    due
}

/// Runs the load until it is over and everything is answered, in a Tokio runtime.
pub(crate) async fn run(load: Arc<Load>) -> Tally {
    let pools: Arc<Vec<Pool>> = Arc::new(load.targets.iter().map(|_| Pool::default()).collect());
    let tally = Arc::new(Mutex::new(Tally::default()));
    let ends = Arc::clone(&load);
    let mut due = paced(load.rate, move || ends.over.load(Ordering::Relaxed));
    let mut requests = tokio::task::JoinSet::new();
    while let Some((n, at)) = due.recv().await {
        while requests.try_join_next().is_some() {}
        let (load, pools, tally) = (Arc::clone(&load), Arc::clone(&pools), Arc::clone(&tally));
        requests.spawn(async move {
            let kind = Kind::of(n);
            let behind = micros(at.elapsed());
            let sent = tokio::time::timeout(PATIENCE, one(&load, &pools, n, kind));
            let ended = sent.await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            let mut tally = tally.lock().unwrap();
            tally.sent += 1;
            tally.behind.push(behind);
            match ended {
                Ok((first, end)) => {
                    tally.answered += 1;
                    tally.tokens += u64::from(kind.token);
                    match kind.stream {
                        true => tally.first.push(micros(first - at)),
                        false => tally.plain.push(micros(end - at)),
                    }
                }
                Err(why) if tally.failures.len() < TOLD => {
                    tally.failures.push(format!("request {n} ({kind:?}): {why}"));
                }
                Err(_) => {}
            }
        });
    }
    while requests.join_next().await.is_some() {}
    let tally = tally.lock().unwrap();
    tally.clone()
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    stream: bool,
    token: bool,
}

impl Kind {
    fn of(n: u64) -> Self {
        Self { stream: n.is_multiple_of(2), token: (n / 2).is_multiple_of(2) }
    }
}

/// An answer that was not expected, in words.
pub(crate) fn told(status: StatusCode, body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).chars().take(300).collect();
    format!("{status}, {} bytes: {text}", body.len())
}

/// A time in whole microseconds.
pub(crate) fn micros(took: Duration) -> u32 {
    u32::try_from(took.as_micros()).unwrap_or(u32::MAX)
}

/// When the first bytes of the body came, and the last.
async fn one(
    load: &Load,
    pools: &[Pool],
    n: u64,
    kind: Kind,
) -> Result<(Instant, Instant), String> {
    let turn = usize::try_from(n / 4).unwrap();
    let target = turn % load.targets.len();
    let credential = match kind.token {
        true => {
            let tokens = load.tokens.read().unwrap();
            tokens[turn % tokens.len()].clone()
        }
        false => load.key.clone(),
    };
    let body = format!(
        r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"How fast is this?"}}],"stream":{}}}"#,
        kind.stream
    );
    let request = Request::post("/v1/chat/completions")
        .header("host", "rig")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {credential}"))
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let mut connection = connected(load.targets[target], &pools[target]).await?;
    let failed = |what: &str, why: hyper::Error| format!("{what}: {why:?}");
    let answer = connection.send_request(request).await.map_err(|e| failed("no answer", e))?;
    let status = answer.status();
    let (mut body, mut first) = (answer.into_body(), None);
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| failed("cut short", e))?;
        first.get_or_insert_with(Instant::now);
        whole.extend_from_slice(frame.data_ref().map_or(&[], |bytes| bytes));
    }
    let end = Instant::now();
    let expected = if kind.stream { answers::whole() } else { ANSWER.as_bytes() };
    if status != 200 || whole != expected {
        return Err(told(status, &whole));
    }
    pools[target].lock().unwrap().push((connection, end));
    Ok((first.unwrap_or(end), end))
}

/// The connection that was used last, if it can be used again; else a new one.
pub(crate) async fn connected(target: SocketAddr, pool: &Pool) -> Result<Connection, String> {
    loop {
        let last = pool.lock().unwrap().pop();
        let Some((mut connection, used)) = last else { break };
        if used.elapsed() < IDLE && connection.ready().await.is_ok() {
            return Ok(connection);
        }
    }
    let socket = TcpStream::connect(target).await.map_err(|e| format!("no connection: {e}"))?;
    opened(socket).await
}

/// HTTP over a new connection.
pub(crate) async fn opened(socket: TcpStream) -> Result<Connection, String> {
    let _ = socket.set_nodelay(true);
    let (send, connection) =
        handshake(TokioIo::new(socket)).await.map_err(|e| format!("no connection: {e}"))?;
    tokio::spawn(connection);
    Ok(send)
}
