//! HTTP as servers of the tests' own speak it: one request on a connection, read in whole, then
//! whatever the test answers.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Its first line.
    pub(crate) line: String,
    /// Its header fields, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// The method.
    pub(crate) fn method(&self) -> &str {
        self.line.split_whitespace().next().unwrap_or_default()
    }

    /// What was asked for, without a query.
    pub(crate) fn path(&self) -> &str {
        let target = self.line.split_whitespace().nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default()
    }

    /// A header field by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The key it was sent with, in the way of either API.
    pub(crate) fn key(&self) -> &str {
        let bearer = self.header("authorization").map(|text| text.trim_start_matches("Bearer "));
        self.header("x-api-key").or(bearer).unwrap_or_default()
    }
}

/// Listens on a free port, and gives every request to `answer` on a thread of its own; then it
/// closes the connection. All threads end with the test.
pub(crate) fn listen(
    answer: impl Fn(&Received, &mut TcpStream) + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                if let Some(received) = read(&mut reader) {
                    answer(&received, reader.get_mut());
                }
            });
        }
    });
    addr
}

/// A request; `None` if the connection ends before its end.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let headers = fields(reader);
    let mut received = Received { line: line.trim().to_owned(), headers, body: Vec::new() };
    let length = received.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    received.body.resize(length, 0);
    reader.read_exact(&mut received.body).ok()?;
    Some(received)
}

/// Header fields up to the blank line, names in lower case.
pub(crate) fn fields(reader: &mut impl BufRead) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            return headers;
        }
        if let Some((name, value)) = line.trim_end().split_once(':') {
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
    }
}

/// Sends an answer: status, header lines that end in CR LF each, body. Whoever asked may be gone.
pub(crate) fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let _ = stream.write_all((head + body).as_bytes());
}

/// Says nothing until whoever asked gives up.
pub(crate) fn keep_silent(stream: &mut TcpStream) {
    let _ = stream.read(&mut [0; 16]);
}
