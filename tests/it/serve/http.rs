//! HTTP/1.1 by hand: the tests look at every byte, and send what no library would.

use crate::support::fake::fields;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer; `chunks` are the pieces as they were framed, or one piece for a plain body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) chunks: Vec<Vec<u8>>,
    /// Whether the body came to its proper end.
    pub(crate) whole: bool,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { method: method.into(), path: path.into(), headers: vec![], body: vec![] }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The bytes on the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: test\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() || self.method == "POST" {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend(&self.body);
        bytes
    }

    /// Sends it, and leaves the connection open.
    #[track_caller]
    pub(crate) fn open(&self, addr: &str) -> TcpStream {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(&self.bytes());
        stream
    }

    /// Sends it and reads the answer.
    #[track_caller]
    pub(crate) fn send(&self, addr: &str) -> Answer {
        Answer::read(&mut BufReader::new(self.open(addr)), self.method == "HEAD")
    }
}

impl Answer {
    /// Reads an answer.
    #[track_caller]
    pub(crate) fn read(stream: &mut BufReader<TcpStream>, bodiless: bool) -> Self {
        let (status, headers) = head(stream);
        let header = |name: &str| {
            headers.iter().find(|(n, _)| n == name).map(|(_, v): &(String, String)| v.as_str())
        };
        let (mut chunks, mut whole) = (Vec::new(), true);
        if bodiless || status == 204 {
        } else if header("transfer-encoding") == Some("chunked") {
            whole = false;
            while let Some(chunk) = chunk(stream) {
                if chunk.is_empty() {
                    whole = true;
                    break;
                }
                chunks.push(chunk);
            }
        } else if let Some(length) = header("content-length") {
            let mut body = vec![0; length.parse().unwrap()];
            whole = stream.read_exact(&mut body).is_ok();
            chunks.push(body);
        }
        Self { status, headers, chunks, whole }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body()).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body()).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body()));
        self
    }
}

/// The head of an answer or a request: its first line's second word, and its headers.
pub(crate) fn head(stream: &mut BufReader<TcpStream>) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, fields(stream))
}

/// The next chunk; empty at the end, `None` if the connection broke.
pub(crate) fn chunk(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut line = String::new();
    if stream.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let length = usize::from_str_radix(line.trim(), 16).ok()?;
    let mut data = vec![0; length + 2];
    stream.read_exact(&mut data).ok()?;
    data.truncate(length);
    Some(data)
}
