//! A provider with an admin API, of the test's own: it makes, lists, disables and deletes keys, and
//! lists models for those that are good. It plays OpenAI below `/v1` and Anthropic below `/`.

use super::fake::{self, Received};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

/// The admin key of OpenAI that it knows.
pub(crate) const OPENAI_ADMIN: &str = "sk-admin-canary-41c9d7e0b2";

/// The admin key of Anthropic that it knows.
pub(crate) const ANTHROPIC_ADMIN: &str = "sk-ant-admin01-canary-88f0a1c3";

/// The project that it knows.
pub(crate) const PROJECT: &str = "proj_test";

/// How the admin API answers.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    /// As its documentation says.
    Well,
    /// With this status line and body, where `KEY` stands for the key it was asked with.
    Says(&'static str, &'static str),
    /// Not at all.
    Silent,
    /// It does what it is asked for and loses the answer of what changes anything.
    Forgets,
    /// It says that a key has the status it was to have, and leaves the one that it has.
    Pretends,
}

/// A key as the provider has it.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    /// The id of the key; that of its account has `svc_` before it.
    pub(crate) id: String,
    /// The name it was made under.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: String,
    /// `active`, `inactive` or `archived`.
    pub(crate) status: String,
}

struct Inside {
    mood: Mood,
    keys: Vec<Issued>,
    made: usize,
    asked: Vec<String>,
}

/// A running one; its threads end with the test.
pub(crate) struct AdminApi {
    addr: SocketAddr,
    inside: Arc<Mutex<Inside>>,
}

impl AdminApi {
    /// One that has these keys already, made by hand.
    pub(crate) fn with(values: &[&str]) -> Self {
        let hand_made = |(n, value): (usize, &&str)| Issued {
            id: format!("key_hand_{n}"),
            name: "by hand".to_owned(),
            value: (*value).to_owned(),
            status: "active".to_owned(),
        };
        let keys = values.iter().enumerate().map(hand_made).collect();
        let inside = Inside { mood: Mood::Well, keys, made: 0, asked: Vec::new() };
        let inside = Arc::new(Mutex::new(inside));
        let shared = Arc::clone(&inside);
        let addr = fake::listen(move |received, stream| answer(received, stream, &shared));
        Self { addr, inside }
    }

    /// From here on its admin API answers so.
    pub(crate) fn becomes(&self, mood: Mood) {
        self.inside.lock().unwrap().mood = mood;
    }

    /// The keys that it has.
    pub(crate) fn keys(&self) -> Vec<Issued> {
        self.inside.lock().unwrap().keys.clone()
    }

    /// Makes an account with a key under a name; says what it is called.
    pub(crate) fn makes(&self, name: &str) -> String {
        let mut inside = self.inside.lock().unwrap();
        let (_, made) = inside.openai("POST", &["service_accounts"], &json!({ "name": name }));
        made["id"].as_str().unwrap().to_owned()
    }

    /// Somebody deletes a key in its console.
    pub(crate) fn revoke(&self, value: &str) {
        self.inside.lock().unwrap().keys.retain(|key| key.value != value);
    }

    /// What it was asked since the last time, as `METHOD path`, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inside.lock().unwrap().asked)
    }

    /// The base URL for OpenAI.
    pub(crate) fn openai(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// The base URL for Anthropic.
    pub(crate) fn anthropic(&self) -> String {
        format!("http://{}", self.addr)
    }
}

fn answer(request: &Received, stream: &mut TcpStream, inside: &Mutex<Inside>) {
    let (status, body) = {
        let mut inside = inside.lock().unwrap();
        inside.asked.push(format!("{} {}", request.method(), request.path()));
        let admin = request.path().contains("organization");
        match inside.mood.clone() {
            Mood::Says(status, body) if admin => {
                (status.to_owned(), body.replace("KEY", request.key()))
            }
            Mood::Silent if admin => {
                drop(inside);
                return fake::keep_silent(stream);
            }
            Mood::Forgets if admin && request.method() != "GET" => {
                let _ = inside.act(request);
                ("500 Internal Server Error".to_owned(), String::new())
            }
            _ => {
                let (status, body) = inside.act(request);
                (status.to_owned(), body.to_string())
            }
        }
    };
    fake::reply(stream, &status, "", &body);
}

fn hint(value: &str) -> String {
    format!("{}...{}", &value[..6], &value[value.len() - 4..])
}

fn no(status: &'static str, why: &str) -> (&'static str, Value) {
    (status, json!({ "error": { "message": why } }))
}

impl Inside {
    fn act(&mut self, request: &Received) -> (&'static str, Value) {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
        let wanted = match path.as_slice() {
            ["v1", "organization", ..] => Some(OPENAI_ADMIN),
            ["v1", "organizations", ..] => Some(ANTHROPIC_ADMIN),
            _ => None,
        };
        if wanted.is_some_and(|wanted| wanted != request.key()) {
            // Real ones quote what they were given.
            return no(
                "401 Unauthorized",
                &format!("Incorrect API key provided: {}", request.key()),
            );
        }
        match (request.method(), path.as_slice()) {
            ("GET", ["v1", "models"]) => self.models(request.key()),
            ("GET", ["v1", "organization", "projects"]) => page([json!({ "id": PROJECT })]),
            (method, ["v1", "organization", "projects", project, rest @ ..])
                if *project == PROJECT =>
            {
                self.openai(method, rest, &body)
            }
            ("GET", ["v1", "organizations", "api_keys"]) => page(self.keys.iter().map(anthropic)),
            ("POST", ["v1", "organizations", "api_keys", id]) => {
                let Some(key) = self.keys.iter_mut().find(|key| key.id == *id) else {
                    return no("404 Not Found", "no such key");
                };
                let before =
                    std::mem::replace(&mut key.status, body["status"].as_str().unwrap().to_owned());
                let told = anthropic(key);
                if matches!(self.mood, Mood::Pretends) {
                    key.status = before;
                }
                ("200 OK", told)
            }
            ("GET", ["v1", "organizations", "api_keys", id]) => {
                match self.keys.iter().find(|key| key.id == *id) {
                    Some(key) => ("200 OK", anthropic(key)),
                    None => no("404 Not Found", "no such key"),
                }
            }
            _ => no("404 Not Found", "no such thing"),
        }
    }

    fn models(&self, key: &str) -> (&'static str, Value) {
        match self.keys.iter().find(|k| k.value == key) {
            Some(key) if key.status == "active" => page([json!({ "id": "gpt-4o" })]),
            _ => no("401 Unauthorized", &format!("Incorrect API key provided: {key}")),
        }
    }

    fn openai(&mut self, method: &str, path: &[&str], body: &Value) -> (&'static str, Value) {
        let account = |key: &Issued| key.id.starts_with("key_made_");
        match (method, path) {
            ("GET", ["service_accounts"]) => {
                let made = self.keys.iter().filter(|key| account(key));
                page(
                    made.map(|key| {
                        json!({ "object": "organization.project.service_account",
                                "id": format!("svc_{}", key.id), "name": key.name,
                                "role": "member", "created_at": 1_711_471_533 })
                    })
                )
            }
            ("POST", ["service_accounts"]) => {
                self.made += 1;
                let key = Issued {
                    id: format!("key_made_{}", self.made),
                    name: body["name"].as_str().unwrap().to_owned(),
                    value: format!("sk-svcacct-canary-{:04}-5eed", self.made),
                    status: "active".to_owned(),
                };
                let answer = json!({
                    "object": "organization.project.service_account",
                    "id": format!("svc_{}", key.id), "name": key.name, "role": "member",
                    "created_at": 1_711_471_533,
                    "api_key": {
                        "object": "organization.project.service_account.api_key",
                        "id": key.id, "name": "Secret Key", "value": key.value,
                        "created_at": 1_711_471_533,
                    },
                });
                self.keys.push(key);
                ("200 OK", answer)
            }
            ("DELETE", ["service_accounts", id]) => {
                self.remove(id.trim_start_matches("svc_"), id)
            }
            ("DELETE", ["api_keys", id]) => self.remove(id, id),
            ("GET", ["api_keys"]) => page(
                self.keys
                    .iter()
                    .map(|key| {
                        let owner = match account(key) {
                            true => json!({ "type": "service_account",
                                            "service_account": { "id": format!("svc_{}", key.id) } }),
                            false => json!({ "type": "user", "user": { "id": "user_1" } }),
                        };
                        json!({ "object": "organization.project.api_key", "id": key.id,
                                "name": key.name, "redacted_value": hint(&key.value),
                                "created_at": 1_711_471_533, "owner": owner })
                    })
            ),
            _ => no("404 Not Found", "no such thing"),
        }
    }

    fn remove(&mut self, key: &str, id: &str) -> (&'static str, Value) {
        let before = self.keys.len();
        self.keys.retain(|k| k.id != key);
        match self.keys.len() < before {
            true => ("200 OK", json!({ "id": id, "deleted": true })),
            false => no("404 Not Found", "no such thing"),
        }
    }
}

fn page(data: impl IntoIterator<Item = Value>) -> (&'static str, Value) {
    (
        "200 OK",
        json!({ "object": "list", "data": data.into_iter().collect::<Vec<_>>(), "has_more": false }),
    )
}

fn anthropic(key: &Issued) -> Value {
    json!({ "id": key.id, "type": "api_key", "name": key.name, "status": key.status,
            "workspace_id": null, "created_at": "2024-10-30T23:58:27.427722Z",
            "partial_key_hint": hint(&key.value) })
}
