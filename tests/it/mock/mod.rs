//! The models of the mock, through the binary and over the wire: each does what its name says, in
//! the shape of the family that asks.

mod accounts;
mod clients;
mod connections;
mod endpoints;
mod listing;
mod often;
mod refusals;
mod rows;
mod streams;
mod tools;

use crate::serve::http::{Answer, Request};
use crate::support::{Server, Ultra};
use rows::{Row, rows};
use serde_json::Value;

/// A family, as its clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    OpenAi,
    Anthropic,
}

const BOTH: [Family; 2] = [Family::OpenAi, Family::Anthropic];

impl Family {
    fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/chat/completions",
            Self::Anthropic => "/v1/messages",
        }
    }

    /// The text of a whole answer.
    fn text(self, answer: &Value) -> &str {
        let text = match self {
            Self::OpenAi => &answer["choices"][0]["message"]["content"],
            Self::Anthropic => &answer["content"][0]["text"],
        };
        text.as_str().unwrap_or_else(|| panic!("no text: {answer}"))
    }

    /// The text of a stream's events.
    fn streamed_text(self, events: &[Value]) -> String {
        let delta = |event: &Value| match self {
            Self::OpenAi => event["choices"][0]["delta"]["content"].as_str().map(str::to_owned),
            Self::Anthropic => event["delta"]["text"].as_str().map(str::to_owned),
        };
        events.iter().filter_map(delta).collect()
    }

    /// Input and output tokens of a whole answer.
    fn tokens(self, answer: &Value) -> (u64, u64) {
        let of = |name: &str| answer["usage"][name].as_u64().unwrap();
        match self {
            Self::OpenAi => (of("prompt_tokens"), of("completion_tokens")),
            Self::Anthropic => (of("input_tokens"), of("output_tokens")),
        }
    }

    /// Whether a stream has its last event.
    fn is_finished(self, stream: &str) -> bool {
        stream.contains(match self {
            Self::OpenAi => "data: [DONE]\n\n",
            Self::Anthropic => "event: message_stop\n",
        })
    }
}

/// A server in mode mock.
struct Mock {
    ultra: Ultra,
    server: Server,
}

impl Mock {
    fn start() -> Self {
        let ultra = Ultra::empty();
        let server = Server::start(&ultra, &["--mock"]);
        Self { ultra, server }
    }

    fn with_key(&self, method: &str, path: &str) -> Request {
        let key = self.ultra.read(".ultra/dev-key");
        Request::new(method, path).header("authorization", &format!("Bearer {}", key.trim()))
    }

    fn request(&self, family: Family, body: &Value) -> Request {
        self.with_key("POST", family.path()).json(&body.to_string())
    }

    /// Asks a model for an answer.
    #[track_caller]
    fn ask(&self, family: Family, model: &str, stream: bool) -> Answer {
        self.send(family, &conversation(model, stream))
    }

    #[track_caller]
    fn send(&self, family: Family, body: &Value) -> Answer {
        self.request(family, body).send(self.server.addr())
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        self.with_key("GET", path).send(self.server.addr()).is(200).json()
    }

    /// What the mock has counted.
    #[track_caller]
    fn ledger(&self) -> Value {
        self.get("/api/health?detail=true")["mock_ledger"].clone()
    }

    /// The last usage row, once there is one of this request.
    #[track_caller]
    fn row(&self, answered: &Answer) -> Row {
        self.row_of(answered.header("x-request-id").expect("every answer has an id"))
    }

    #[track_caller]
    fn row_of(&self, request_id: &str) -> Row {
        let rows = rows(&self.ultra, |rows| rows.iter().any(|row| row.request_id == request_id));
        let mut own = rows.into_iter().filter(|row| row.request_id == request_id);
        let row = own.next().unwrap();
        assert_eq!(own.next(), None, "one row an attempt, and the mock is asked once");
        row
    }
}

fn conversation(model: &str, stream: bool) -> Value {
    serde_json::json!({
        "model": model,
        "max_tokens": 200,
        "stream": stream,
        "messages": [{"role": "user", "content": "say something"}],
    })
}

/// The events of a stream that are JSON.
fn events(stream: &str) -> Vec<Value> {
    stream
        .split("\n\n")
        .filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")))
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}
