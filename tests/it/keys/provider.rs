//! A provider of the test's own: it lists models for the keys it knows, and remembers all keys.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How the provider answers.
#[derive(Clone, Debug)]
pub(super) enum Manner {
    /// 200 for these keys, 401 as JSON for others.
    Knows(Vec<String>),
    /// This status line and body for everybody.
    Says(&'static str, &'static str),
    /// It takes the request and says nothing.
    Silent,
}

struct Inside {
    manner: Manner,
    seen: Vec<String>,
}

/// A running provider; its thread ends with the test.
pub(super) struct Provider {
    addr: SocketAddr,
    inside: Arc<Mutex<Inside>>,
}

impl Provider {
    /// A provider that knows these keys.
    pub(super) fn knowing(keys: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let manner = Manner::Knows(keys.iter().map(|k| (*k).to_owned()).collect());
        let inside = Arc::new(Mutex::new(Inside { manner, seen: Vec::new() }));
        let shared = Arc::clone(&inside);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || answer(stream, &shared));
            }
        });
        Self { addr, inside }
    }

    /// From here on it answers so.
    pub(super) fn becomes(&self, manner: Manner) {
        self.inside.lock().unwrap().manner = manner;
    }

    /// The keys that it was asked with since the last time, in order.
    pub(super) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.inside.lock().unwrap().seen)
    }

    /// The base URL for the OpenAI API.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// The base URL for the Anthropic API.
    pub(super) fn root_url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

fn answer(mut stream: TcpStream, inside: &Mutex<Inside>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut key = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else { continue };
        match name.to_lowercase().as_str() {
            "authorization" => key = value.trim_start_matches("Bearer ").to_owned(),
            "x-api-key" => key = value.to_owned(),
            _ => {}
        }
    }
    let manner = {
        let mut inside = inside.lock().unwrap();
        inside.seen.push(key.clone());
        inside.manner.clone()
    };
    let (status, body) = match manner {
        Manner::Knows(keys) if keys.contains(&key) => (
            "200 OK",
            r#"{"object":"list","data":[{"id":"gpt-4o"},{"id":"gpt-4o-mini"}]}"#.to_owned(),
        ),
        // Real providers quote the key they were given.
        Manner::Knows(_) => (
            "401 Unauthorized",
            format!(r#"{{"error":{{"message":"Incorrect API key provided: {key}"}}}}"#),
        ),
        Manner::Says(status, body) => (status, body.replace("KEY", &key)),
        Manner::Silent => {
            let _ = reader.read_line(&mut String::new());
            return;
        }
    };
    let kind = if body.starts_with('{') { "application/json" } else { "text/html" };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}
