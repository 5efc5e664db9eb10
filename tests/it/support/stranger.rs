//! A server that is not ours: it gives one answer to everything, and remembers what it was sent.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A running one; its thread ends with the process.
pub(crate) struct Stranger {
    /// Where it listens.
    pub(crate) url: String,
    heads: Arc<Mutex<String>>,
}

impl Stranger {
    /// Answers everything with this status line, these header lines and this body.
    pub(crate) fn start(status: &str, headers: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        let (body, heads) = (body.to_owned(), Arc::new(Mutex::new(String::new())));
        let seen = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let (mut head_only, mut line) = (false, String::new());
                while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                    head_only |= line.starts_with("HEAD ");
                    seen.lock().unwrap().push_str(&line);
                    line.clear();
                }
                let body = if head_only { "" } else { &body };
                let _ = reader.get_mut().write_all(format!("{head}{body}").as_bytes());
            }
        });
        Self { url, heads }
    }

    /// All lines of all heads that it was sent.
    pub(crate) fn heads(&self) -> String {
        self.heads.lock().unwrap().clone()
    }
}
