//! A provider under the tests' control: it keeps what it was sent and answers as it is told, byte
//! by byte.

use super::http::fields;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the provider was sent.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// The provider.
pub(super) struct Upstream {
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
    pub(super) fn start(
        respond: impl Fn(&Received, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::new(Mutex::new(json("404 Not Found", "{}")));
        let told = Arc::clone(&list);
        let (kept, respond) = (Arc::clone(&received), Arc::new(respond));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (kept, respond) = (Arc::clone(&kept), Arc::clone(&respond));
                let told = Arc::clone(&told);
                std::thread::spawn(move || one(stream, &kept, &told, &*respond));
            }
        });
        Self { port, received, list }
    }

    /// A provider that says the same to everybody.
    pub(super) fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_, stream| {
            let _ = stream.write_all(&answer);
        })
    }

    /// Its base URL as the OpenAI SDK writes it.
    pub(super) fn openai(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Its base URL as the Anthropic SDK writes it.
    pub(super) fn anthropic(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Answers questions for the list of models with this from now on.
    pub(super) fn lists(self, answer: Vec<u8>) -> Self {
        *self.list.lock().unwrap() = answer;
        self
    }

    /// What it was sent so far, but for questions for the list of models.
    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().iter().filter(|r| !asks_for_the_list(r)).cloned().collect()
    }

    /// The questions for the list of models.
    pub(super) fn asked_for_the_list(&self) -> Vec<Received> {
        self.received.lock().unwrap().iter().filter(|r| asks_for_the_list(r)).cloned().collect()
    }
}

fn one(
    stream: TcpStream,
    kept: &Mutex<Vec<Received>>,
    list: &Mutex<Vec<u8>>,
    respond: &(dyn Fn(&Received, &mut TcpStream) + Send + Sync),
) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let headers = fields(&mut reader);
    let length = headers
        .iter()
        .find(|(n, _)| n == "content-length")
        .and_then(|(_, v)| v.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let received = Received { line: line.trim().to_owned(), headers, body };
    kept.lock().unwrap().push(received.clone());
    if asks_for_the_list(&received) {
        let answer = list.lock().unwrap().clone();
        let _ = reader.get_mut().write_all(&answer);
        return;
    }
    respond(&received, reader.get_mut());
}

/// A JSON answer with its length.
pub(super) fn json(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\nx-unknown: kept\r\nset-cookie: gone=1\r\nx-ratelimit-limit-requests: 1\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The head of a stream of events.
pub(super) const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";

/// Writes one chunk.
pub(super) fn chunk(stream: &mut TcpStream, data: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n", data.len()).as_bytes())?;
    stream.write_all(data)?;
    stream.write_all(b"\r\n")?;
    stream.flush()
}
