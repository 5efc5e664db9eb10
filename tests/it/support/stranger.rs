//! A server that is not ours: it gives one answer to everything, and remembers what it was sent.

use super::fake;
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
        let (status, headers, body) = (status.to_owned(), headers.to_owned(), body.to_owned());
        let heads = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&heads);
        let addr = fake::listen(move |received, stream| {
            let mut seen = seen.lock().unwrap();
            *seen += &format!("{}\n", received.line);
            for (name, value) in &received.headers {
                *seen += &format!("{name}: {value}\n");
            }
            drop(seen);
            let body = if received.method() == "HEAD" { "" } else { &body };
            fake::reply(stream, &status, &headers, body);
        });
        Self { url: format!("http://{addr}"), heads }
    }

    /// All lines of all heads that it was sent.
    pub(crate) fn heads(&self) -> String {
        self.heads.lock().unwrap().clone()
    }
}
