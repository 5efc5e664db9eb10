//! Clients: each asks one request after the other on a connection of its own, and some leave.

use super::super::http::{self, Answer, Request};
use super::plan::{Expected, Leaves, Plan};
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a client waits for a piece.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client that stayed was told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The request's id.
    pub(super) id: String,
    /// How often providers were asked, where the answer says.
    pub(super) attempts: Option<u64>,
    /// Input and output tokens of a whole plain answer.
    pub(super) tokens: Option<(u64, u64)>,
    /// Whether it is a whole answer.
    pub(super) whole: bool,
}

/// What has come of the load.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) told: Vec<Told>,
    pub(super) left: u64,
    /// Answers that came while the store was frozen.
    pub(super) meanwhile: u64,
    /// How often a breaker rested, and the client came back.
    pub(super) rested: u64,
    pub(super) slowest: Duration,
    /// What should not have happened.
    pub(super) wrong: Vec<String>,
}

/// The load: so many requests at least, and as long as it is kept up.
pub(super) struct Load {
    pub(super) addr: String,
    pub(super) key: String,
    pub(super) requests: u64,
    /// Never more than these.
    pub(super) most: u64,
    pub(super) begun: AtomicU64,
    pub(super) keep_on: AtomicBool,
    pub(super) frozen: AtomicBool,
}

impl Load {
    /// One client until the load ends.
    pub(super) fn client(&self) -> Outcome {
        let mut outcome = Outcome::default();
        let mut line = None;
        loop {
            let more = self.begun.load(Ordering::SeqCst) >= self.requests;
            if more && !self.keep_on.load(Ordering::SeqCst) {
                return outcome;
            }
            if more {
                // There is time until the store is back.
                std::thread::sleep(Duration::from_millis(20));
            }
            let n = self.begun.fetch_add(1, Ordering::SeqCst);
            if n >= self.most {
                return outcome;
            }
            let plan = Plan::of(n);
            match plan.leaves {
                Some(leaves) => {
                    self.leave(&plan, leaves);
                    outcome.left += 1;
                }
                None => self.stay(n, &plan, &mut line, &mut outcome),
            }
        }
    }

    fn request(&self, plan: &Plan) -> Request {
        let mut request = Request::new("POST", plan.path())
            .header("authorization", &format!("Bearer {}", self.key));
        if plan.complete {
            request = request.header("x-ultra-stream-commit", "complete");
        }
        if let Some(run) = plan.run() {
            request = request.header("x-mock-run", run);
        }
        request.json(&plan.body())
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    fn leave(&self, plan: &Plan, leaves: Leaves) {
        let bytes = self.request(plan).bytes();
        let mut stream = self.connect();
        if leaves == Leaves::Asking {
            let _ = stream.write_all(&bytes[..bytes.len() - 3]);
            return;
        }
        let _ = stream.write_all(&bytes);
        match leaves {
            Leaves::Asking => {}
            Leaves::After(millis) => std::thread::sleep(Duration::from_millis(millis)),
            Leaves::Reading(pieces) => {
                // What never comes is not waited for.
                stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
                let mut stream = BufReader::new(stream);
                if std::io::BufRead::fill_buf(&mut stream).is_ok_and(|bytes| !bytes.is_empty()) {
                    let (_, headers) = http::head(&mut stream);
                    if headers.iter().any(|(_, value)| value == "chunked") {
                        for _ in 0..pieces {
                            let _ = http::chunk(&mut stream);
                        }
                    }
                }
            }
        }
    }

    fn stay(
        &self,
        n: u64,
        plan: &Plan,
        line: &mut Option<BufReader<TcpStream>>,
        outcome: &mut Outcome,
    ) {
        let bytes = self.request(plan).bytes();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let frozen = self.frozen.load(Ordering::SeqCst);
            let mut stream = line.take().unwrap_or_else(|| BufReader::new(self.connect()));
            let began = Instant::now();
            if stream.get_mut().write_all(&bytes).is_err() {
                outcome.wrong.push(format!("{n}: the connection is closed: {plan:?}"));
                return;
            }
            let answer = Answer::read(&mut stream, false);
            outcome.slowest = outcome.slowest.max(began.elapsed());
            if answer.header("connection") != Some("close") && answer.whole {
                *line = Some(stream);
            }
            let text = String::from_utf8_lossy(&answer.body()).into_owned();
            if answer.status == 503
                && text.contains("upstream_resting")
                && Instant::now() < deadline
            {
                outcome.rested += 1;
                std::thread::sleep(Duration::from_millis(500));
                continue;
            }
            let ok = answer.status == 200 && answer.whole;
            let whole = ok && (!plan.stream || plan.is_whole(&text));
            if !whole && plan.expected == Expected::Answer || !answer.whole || answer.status < 200 {
                let status = answer.status;
                outcome.wrong.push(format!("{n}: {status}, frozen {frozen}: {plan:?}: {text}"));
            }
            let json = || serde_json::from_str(&text).unwrap_or_default();
            outcome.meanwhile += u64::from(whole && frozen);
            outcome.told.push(Told {
                id: answer.header("x-request-id").unwrap_or_default().to_owned(),
                attempts: answer.header("x-ultra-attempts").and_then(|n| n.parse().ok()),
                tokens: (whole && !plan.stream).then(|| plan.told(&json())),
                whole,
            });
            return;
        }
    }
}
