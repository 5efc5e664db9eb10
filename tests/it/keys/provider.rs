//! A provider of the test's own: it lists models for the keys it knows, and remembers all keys.

use crate::support::fake;
use std::net::{SocketAddr, TcpStream};
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
        let manner = Manner::Knows(keys.iter().map(|k| (*k).to_owned()).collect());
        let inside = Arc::new(Mutex::new(Inside { manner, seen: Vec::new() }));
        let shared = Arc::clone(&inside);
        let addr = fake::listen(move |received, stream| answer(received.key(), stream, &shared));
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

fn answer(key: &str, stream: &mut TcpStream, inside: &Mutex<Inside>) {
    let manner = {
        let mut inside = inside.lock().unwrap();
        inside.seen.push(key.to_owned());
        inside.manner.clone()
    };
    let (status, body) = match manner {
        // A list of models and an answer in one.
        Manner::Knows(keys) if keys.iter().any(|known| known == key) => (
            "200 OK",
            r#"{"object":"list","data":[{"id":"gpt-4o"},{"id":"gpt-4o-mini"}],"choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}"#
                .to_owned(),
        ),
        // Real providers quote the key they were given.
        Manner::Knows(_) => (
            "401 Unauthorized",
            format!(r#"{{"error":{{"message":"Incorrect API key provided: {key}"}}}}"#),
        ),
        Manner::Says(status, body) => (status, body.replace("KEY", key)),
        Manner::Silent => return fake::keep_silent(stream),
    };
    let kind = if body.starts_with('{') { "application/json" } else { "text/html" };
    fake::reply(stream, status, &format!("content-type: {kind}\r\n"), &body);
}
