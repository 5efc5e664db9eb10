//! A mixed load at a constant rate: clients of both families, models of both families, plain and
//! streamed, each with its own words. Of a hundred requests two meet a fault of the provider
//! (`families`) or a client that goes away; of four hundred one comes without credentials from an
//! address of its own. It is known beforehand how each must end.

use super::answers::{self, ANSWER, DONE, PIECES};
use super::families::{Fault, MESSAGE, SENTENCE, STOP, whole_message};
use super::load::{self, Connection, PATIENCE, Pool, TOLD, connected, micros, opened, told};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use memchr::memmem;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;

/// How a request must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// With a whole answer.
    Well,
    /// With a whole answer, after the provider said 500 once.
    AfterError,
    /// With a whole answer, after the provider closed a connection once.
    AfterReset,
    /// With an error event in the midst of a stream, and no end mark.
    Cut,
    /// By the client, which goes away after the first bytes of a stream.
    Left,
    /// With 401: it has no credentials.
    Stranger,
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    fate: Fate,
    /// Whether the client speaks Anthropic's API, and whether the provider does.
    client: bool,
    provider: bool,
    stream: bool,
}

impl Kind {
    fn of(n: u64) -> Self {
        let fates = [Fate::AfterError, Fate::AfterReset, Fate::Cut, Fate::Left];
        let special = n.is_multiple_of(50);
        let fate = match (special, n % 400) {
            (true, _) => fates[usize::try_from(n / 50 % 4).unwrap()],
            (false, 125) => Fate::Stranger,
            _ => Fate::Well,
        };
        let turn = if special { n / 200 } else { n };
        let bit = |at: u32| (turn >> at) & 1 == 1;
        let stream = bit(2) || matches!(fate, Fate::Cut | Fate::Left);
        Self { fate, client: bit(0), provider: bit(1), stream }
    }
}

/// What became of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Requests that were sent, and those that ended as they must, by how.
    pub(crate) sent: u64,
    pub(crate) ended: BTreeMap<Fate, u64>,
    /// The first that ended otherwise, in words.
    pub(crate) failures: Vec<String>,
    /// Microseconds from when a request was due to the end of its answer, and to the first bytes of
    /// a stream.
    pub(crate) plain: Vec<u32>,
    pub(crate) first: Vec<u32>,
}

/// Sends so many requests a second until `seconds` are over, and waits for all answers.
pub(crate) async fn run(target: SocketAddr, rate: u32, seconds: Duration, key: String) -> Tally {
    let end = Instant::now() + seconds;
    let mut due = load::paced(rate, move || Instant::now() > end);
    let (pool, key, tally) =
        (Arc::new(Pool::default()), Arc::new(key), Arc::new(Mutex::new(Tally::default())));
    let mut requests = tokio::task::JoinSet::new();
    while let Some((n, at)) = due.recv().await {
        while requests.try_join_next().is_some() {}
        let (pool, key, tally) = (Arc::clone(&pool), Arc::clone(&key), Arc::clone(&tally));
        requests.spawn(async move {
            let kind = Kind::of(n);
            let sent = tokio::time::timeout(PATIENCE, one(target, &pool, &key, n, kind));
            let ended = sent.await.unwrap_or_else(|_| Err("no end in time".to_owned()));
            let mut tally = tally.lock().unwrap();
            tally.sent += 1;
            match ended {
                Ok((first, end)) => {
                    *tally.ended.entry(kind.fate).or_default() += 1;
                    match (kind.fate, kind.stream) {
                        (Fate::Well, true) => tally.first.push(micros(first - at)),
                        (Fate::Well, false) => tally.plain.push(micros(end - at)),
                        _ => {}
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
    drop(requests);
    std::mem::take(&mut *tally.lock().unwrap())
}

fn request(n: u64, key: &str, kind: Kind) -> Request<Full<Bytes>> {
    let word = match kind.fate {
        Fate::AfterError => Fault::Error.word(n),
        Fate::AfterReset => Fault::Reset.word(n),
        Fate::Cut => Fault::Cut.word(n),
        _ => format!("number {n}"),
    };
    let model = if kind.provider { "claude-haiku-4-5" } else { "gpt-4o-mini" };
    let path = if kind.client { "/v1/messages" } else { "/v1/chat/completions" };
    let body = format!(
        r#"{{"model":"{model}","max_tokens":64,"messages":[{{"role":"user","content":"How fast is {word} ?"}}],"stream":{}}}"#,
        kind.stream
    );
    let request =
        Request::post(path).header("host", "rig").header("content-type", "application/json");
    let request = match (kind.fate, kind.client) {
        (Fate::Stranger, _) => request,
        (_, false) => request.header("authorization", format!("Bearer {key}")),
        (_, true) => request.header("x-api-key", key).header("anthropic-version", "2023-06-01"),
    };
    request.body(Full::new(Bytes::from(body))).unwrap()
}

/// A connection from an address that nobody had before: loopback has sixteen million.
async fn from_afar(target: SocketAddr, n: u64) -> Result<Connection, String> {
    let [_, _, a, b, ..] = u32::try_from(n / 400).unwrap().to_be_bytes();
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind((Ipv4Addr::new(127, 77, a, b), 0).into())
        .map_err(|e| format!("no address: {e}"))?;
    opened(socket.connect(target).await.map_err(|e| format!("no connection: {e}"))?).await
}

/// When the first bytes of the body came, and the last.
async fn one(
    target: SocketAddr,
    pool: &Pool,
    key: &str,
    n: u64,
    kind: Kind,
) -> Result<(Instant, Instant), String> {
    let mut connection = match kind.fate {
        Fate::Stranger => from_afar(target, n).await?,
        _ => connected(target, pool).await?,
    };
    let failed = |what: &str, why: hyper::Error| format!("{what}: {why:?}");
    let sent = connection.send_request(request(n, key, kind)).await;
    let answer = sent.map_err(|e| failed("no answer", e))?;
    let status = answer.status();
    let (mut body, mut first) = (answer.into_body(), None);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| failed("cut short", e))?;
        first.get_or_insert_with(Instant::now);
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |bytes| bytes));
        if kind.fate == Fate::Left {
            return match status.as_u16() {
                200 => Ok((Instant::now(), Instant::now())),
                _ => Err(told(status, &bytes)),
            };
        }
    }
    let end = Instant::now();
    let expected = if kind.fate == Fate::Stranger { 401 } else { 200 };
    if status != expected || !is_right(kind, &bytes) {
        return Err(told(status, &bytes));
    }
    if kind.fate != Fate::Stranger {
        pool.lock().unwrap().push((connection, end));
    }
    Ok((first.unwrap_or(end), end))
}

/// Whether an answer ends as it must: within a family every byte is known, between families what it
/// says.
fn is_right(kind: Kind, bytes: &[u8]) -> bool {
    let has = |what: &str| memmem::find(bytes, what.as_bytes()).is_some();
    let end = if kind.client { STOP } else { DONE };
    match (kind.fate, kind.stream) {
        (Fate::Stranger, _) => has("error"),
        (Fate::Left, _) => true,
        (Fate::Cut, _) => has("\"error\"") && !has(end.trim_end()),
        (_, false) if kind.client != kind.provider => has(SENTENCE),
        (_, true) if kind.client != kind.provider => {
            all_pieces(kind, bytes) && bytes.ends_with(end.as_bytes())
        }
        (_, false) => bytes == if kind.client { MESSAGE } else { ANSWER }.as_bytes(),
        (_, true) => bytes == if kind.client { whole_message() } else { answers::whole() },
    }
}

/// Whether every piece of the text is there, one after another.
fn all_pieces(kind: Kind, mut bytes: &[u8]) -> bool {
    let field = if kind.client { "text" } else { "content" };
    (0..PIECES).all(|n| {
        let piece = format!("\"{field}\":\"t{n} \"");
        let found = memmem::find(bytes, piece.as_bytes());
        bytes = found.and_then(|at| bytes.get(at + piece.len()..)).unwrap_or_default();
        found.is_some()
    })
}
