//! A provider under the tests' control: it keeps what it was sent and answers as it is told, byte
//! by byte.

use crate::support::fake::{self, Received};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The provider.
pub(crate) struct Upstream {
    scheme: &'static str,
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    list: Arc<Mutex<Vec<u8>>>,
}

/// A question for the list of models, which a server asks by itself.
fn asks_for_the_list(received: &Received) -> bool {
    received.line.starts_with("GET ") && received.line.contains("/models")
}

impl Upstream {
    /// A provider that answers every request with what `respond` writes; then it closes. It lists
    /// no models until it is told to.
    pub(crate) fn start(
        respond: impl Fn(&Received, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::new(Mutex::new(json("404 Not Found", "{}")));
        let (kept, told) = (Arc::clone(&received), Arc::clone(&list));
        let addr = fake::listen(move |asked, stream| {
            kept.lock().unwrap().push(asked.clone());
            if asks_for_the_list(asked) {
                let answer = told.lock().unwrap().clone();
                let _ = stream.write_all(&answer);
            } else {
                respond(asked, stream);
            }
        });
        let port = addr.port();
        Self { scheme: "http", port, received, list }
    }

    /// A provider with TLS that takes every connection, and never shakes hands.
    pub(crate) fn without_handshake() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                kept.push(stream);
            }
        });
        Self { scheme: "https", port, received: Arc::default(), list: Arc::default() }
    }

    /// A provider that says the same to everybody.
    pub(crate) fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_, stream| {
            let _ = stream.write_all(&answer);
        })
    }

    /// Its base URL as the OpenAI SDK writes it.
    pub(crate) fn openai(&self) -> String {
        format!("{}://127.0.0.1:{}/v1", self.scheme, self.port)
    }

    /// Its base URL as the Anthropic SDK writes it.
    pub(crate) fn anthropic(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// Answers questions for the list of models with this from now on.
    pub(crate) fn lists(self, answer: Vec<u8>) -> Self {
        *self.list.lock().unwrap() = answer;
        self
    }

    /// What it was sent so far, but for questions for the list of models.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().iter().filter(|r| !asks_for_the_list(r)).cloned().collect()
    }

    /// The questions for the list of models.
    pub(crate) fn asked_for_the_list(&self) -> Vec<Received> {
        self.received.lock().unwrap().iter().filter(|r| asks_for_the_list(r)).cloned().collect()
    }
}

/// A JSON answer with its length.
pub(crate) fn json(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\nx-unknown: kept\r\nset-cookie: gone=1\r\nx-ratelimit-limit-requests: 1\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The head of a stream of events.
pub(crate) const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";

/// Writes one chunk.
pub(crate) fn chunk(stream: &mut TcpStream, data: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n", data.len()).as_bytes())?;
    stream.write_all(data)?;
    stream.write_all(b"\r\n")?;
    stream.flush()
}
