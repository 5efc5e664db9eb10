//! Sends the probes to a server, all at once, and keeps the answers.

use super::live::{LiveFacts, Probe, REQUEST_ID};
use super::model::NoJudgement;
use super::target::{Spawned, Target};
use crate::base::Secret;
use crate::smoke::probe_tokens::{self, NoTokens, Tokens};
use crate::smoke::suite::chat_model;
use crate::smoke::{Auth, Call, Client, Exchange, NoAnswer};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

/// An origin that nobody allows.
const FOREIGN: &str = "https://evil.example";

/// Asks `target` everything. `allowed_origin` is one that the settings allow.
pub(crate) async fn ask(target: &Target, allowed_origin: Option<String>) -> LiveFacts {
    match target {
        Target::Running { url, key } => ask_at(url, key.clone(), allowed_origin, false).await,
        Target::Spawned { program, dir, profile, identity } => {
            match Spawned::start(program, dir.as_deref(), profile, identity.as_ref()) {
                Ok(server) => {
                    ask_at(&server.url, Some(server.key.clone()), allowed_origin, true).await
                }
                Err(why) => LiveFacts {
                    target: "the probe server".to_owned(),
                    spawned: true,
                    unreachable: Some(why),
                    ..LiveFacts::default()
                },
            }
        }
    }
}

async fn ask_at(
    url: &Url,
    key: Option<Secret>,
    allowed_origin: Option<String>,
    spawned: bool,
) -> LiveFacts {
    let mut facts = LiveFacts {
        target: crate::base::redact::url(url.as_str()).trim_end_matches('/').to_owned(),
        spawned,
        has_key: key.is_some(),
        allowed_origin: allowed_origin.clone(),
        ..LiveFacts::default()
    };
    let client = match Client::new(url.clone(), key.clone()) {
        Ok(client) => client,
        Err(why) => {
            facts.unreachable = Some(why.to_string());
            return facts;
        }
    };
    let first =
        client.send(&Call::get("/api/health/live").header("x-request-id", REQUEST_ID)).await;
    if let Err(why) = &first {
        facts.unreachable = Some(why.to_string());
        return facts;
    }
    let ours = first.as_ref().is_ok_and(Exchange::is_ours);
    facts.answers.insert(Probe::Live, told(first));
    if !ours {
        // Whoever answers there is not asked any further, and is not shown the key.
        return facts;
    }
    let detail = client.send(&Call::get("/api/health?detail=true").with_key()).await;
    let models = client.send(&Call::get("/v1/models").with_key()).await;
    let mode = said(&detail, "/mode");
    let model = chat_model(&client).await;
    facts.answers.insert(Probe::Detail, told(detail));
    facts.answers.insert(Probe::Models, told(models));
    if mode.as_deref() != Some("mock") {
        facts.unasked = Some(match mode {
            Some(mode) => format!(
                "in mode `{mode}` a completion spends tokens; `ultra check smoke` asks for one"
            ),
            None => {
                "the server does not tell its mode, and a completion may spend tokens".to_owned()
            }
        });
    }
    let mut calls = calls(allowed_origin.as_deref(), key.as_ref().filter(|_| spawned));
    calls.extend(completions(&model, facts.unasked.is_none()));
    match probe_tokens::mint(&client).await {
        Ok(tokens) => calls.extend(token_calls(&tokens)),
        Err(why @ NoTokens::Unsigned) => facts.no_tokens = Some(NoJudgement::Skip(why.to_string())),
        Err(why) => facts.no_tokens = Some(NoJudgement::Unknown(why.to_string())),
    }
    let answers =
        join_all(calls.iter().map(async |(probe, call)| (*probe, client.send(call).await)));
    for (probe, answer) in answers.await {
        keep(&mut facts, probe, told(answer));
    }
    facts
}

/// Keeps an answer. Several requests may be sent for one probe, each of which must be refused: the
/// one that was let in farthest says most, then one without an answer.
fn keep(facts: &mut LiveFacts, probe: Probe, answer: Result<Exchange, String>) {
    let farthest = facts.answers.get(&probe).is_some_and(|known| let_in(known) >= let_in(&answer));
    if !farthest {
        facts.answers.insert(probe, answer);
    }
}

/// How far a request was let in.
fn let_in(answer: &Result<Exchange, String>) -> u8 {
    match answer {
        Ok(e) if e.header("access-control-allow-origin").is_some() => 4,
        Ok(e) if e.ok() => 3,
        Err(_) => 2,
        Ok(e) if e.status != 401 => 1,
        Ok(_) => 0,
    }
}

fn told(answer: Result<Exchange, NoAnswer>) -> Result<Exchange, String> {
    answer.map_err(|why| why.to_string())
}

fn said(answer: &Result<Exchange, NoAnswer>, pointer: &str) -> Option<String> {
    let json = answer.as_ref().ok()?.json()?;
    json.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

fn preflight(origin: &str) -> Call {
    Call::new(Method::OPTIONS, "/v1/chat/completions")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
}

/// The probes that spend nothing. `disposable` is a key that may be shown to anybody.
fn calls(allowed: Option<&str>, disposable: Option<&Secret>) -> Vec<(Probe, Call)> {
    let garbage = Auth::Token(Secret::new("uk_nobody.0000000000000000000000000000000000000000"));
    let mut calls = vec![
        (Probe::Ready, Call::get("/api/health/ready")),
        (Probe::DetailAnonymous, Call::get("/api/health?detail=true")),
        (Probe::ModelsAnonymous, Call::get("/v1/models")),
        (Probe::ModelsGarbage, Call::get("/v1/models").auth(garbage)),
        (Probe::AdminAnonymous, Call::post("/api/admin/keys/reload", &json!({}))),
        (Probe::MetricsAnonymous, Call::get("/metrics")),
        (Probe::Metrics, Call::get("/metrics").with_key()),
        (Probe::NotFound, Call::get("/no/such/path").with_key()),
        (Probe::CorsForeign, preflight(FOREIGN)),
        (Probe::CorsNull, preflight("null")),
        (Probe::CorsForeignActual, Call::get("/v1/models").with_key().header("origin", FOREIGN)),
    ];
    if let Some(origin) = allowed {
        calls.push((Probe::CorsAllowed, preflight(origin)));
        // Beginnings and ends of an allowed origin are foreign too.
        calls.push((Probe::CorsForeign, preflight(&format!("{origin}.evil.example"))));
    }
    // A key in a URL would reach the logs of a server that is not ours; the throw-away key of a
    // probe server may. Elsewhere the parameter has a value that opens nothing by itself.
    let value = disposable.map_or("uk_x", Secret::expose);
    calls.push((Probe::ModelsQuery, Call::get(format!("/v1/models?api_key={value}&key={value}"))));
    calls
}

/// Completions without credentials or without sense, which spend nothing; and, if `asked`, real
/// ones.
fn completions(model: &str, asked: bool) -> Vec<(Probe, Call)> {
    let path = "/v1/chat/completions";
    let messages = json!([{"role": "user", "content": "ultra readiness probe"}]);
    let body = json!({"model": model, "messages": messages, "max_tokens": 16});
    let unknown = json!({"model": "no-such-model-anywhere", "messages": messages});
    let malformed = Call::new(Method::POST, path)
        .header("content-type", "application/json")
        .body(b"{\"model\": ".to_vec());
    let mut calls = vec![
        (Probe::ChatAnonymous, Call::post(path, &body)),
        (Probe::AnonymousTestMode, Call::post(path, &body).header("x-test-mode", "true")),
        (Probe::MessagesAnonymous, Call::post("/v1/messages", &body)),
        (Probe::ChatMalformed, malformed.with_key()),
        (Probe::ChatUnknownModel, Call::post(path, &unknown).with_key()),
    ];
    if asked {
        calls.push((Probe::Chat, Call::post(path, &body).with_key()));
        let marked = Call::post(path, &body).with_key().header("x-test-mode", "true");
        calls.push((Probe::ChatTestMode, marked));
    }
    calls
}

/// The probes with tokens; what was not minted is left out, and its check is unknown.
fn token_calls(tokens: &Tokens) -> Vec<(Probe, Call)> {
    let with = |token: &Secret| Call::get("/v1/models").auth(Auth::Token(token.clone()));
    let cases = [
        (Probe::TokenValid, "valid"),
        (Probe::TokenExpired, "expired"),
        (Probe::TokenFuture, "not-yet-valid"),
        (Probe::TokenAudience, "wrong-audience"),
        (Probe::TokenIssuer, "wrong-issuer"),
    ];
    let minted =
        cases.into_iter().filter_map(|(probe, case)| Some((probe, tokens.get(case).ok()?)));
    let mut calls: Vec<(Probe, Call)> = minted.map(|(probe, token)| (probe, with(token))).collect();
    if let Ok(token) = tokens.get("no-scope") {
        let reload = Call::post("/api/admin/keys/reload", &json!({}));
        calls.push((Probe::TokenUserOnAdmin, reload.auth(Auth::Token(token.clone()))));
    }
    if let Ok(valid) = tokens.get("valid") {
        calls.extend(probe_tokens::tampered(valid).map(|t| (Probe::TokenTampered, with(&t))));
        for token in probe_tokens::without_algorithm(valid) {
            calls.push((Probe::TokenAlgNone, with(&token)));
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn answer(status: u16, allows: bool) -> Result<Exchange, String> {
        let allow = ("access-control-allow-origin".to_owned(), "x".to_owned());
        Ok(Exchange {
            request: String::new(),
            status,
            headers: allows.then_some(allow).into_iter().collect(),
            body: String::new(),
            latency: Duration::ZERO,
            first_byte: Duration::ZERO,
        })
    }

    #[test]
    fn of_several_requests_the_one_that_was_let_in_farthest_is_kept() {
        let order = [
            answer(401, false),
            answer(403, false),
            Err("gone".to_owned()),
            answer(204, false),
            answer(204, true),
        ];
        for (n, less) in order.iter().enumerate() {
            for more in &order[n + 1..] {
                for pair in [[less, more], [more, less]] {
                    let mut facts = LiveFacts::default();
                    for one in pair {
                        keep(&mut facts, Probe::CorsForeign, one.clone());
                    }
                    let kept = facts.answers.get(&Probe::CorsForeign).unwrap();
                    assert_eq!(let_in(kept), let_in(more));
                }
            }
        }
    }

    /// A server that says of everything that it is ultra in mode mock, and keeps what it was asked.
    async fn recorder() -> (Url, std::sync::Arc<std::sync::Mutex<String>>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let targets = std::sync::Arc::<std::sync::Mutex<String>>::default();
        let kept = std::sync::Arc::clone(&targets);
        let router = axum::Router::new().fallback(move |uri: http::Uri| async move {
            kept.lock().unwrap().push_str(&format!("{uri}\n"));
            axum::Json(json!({"status": "ok", "mode": "mock"}))
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        (url, targets)
    }

    #[tokio::test]
    async fn only_the_key_of_our_own_probe_server_is_put_into_a_url() {
        let key = Secret::new("uk_probe1.canary-4f9a1c77");
        for spawned in [false, true] {
            let (url, targets) = recorder().await;
            ask_at(&url, Some(key.clone()), None, spawned).await;
            let targets = targets.lock().unwrap();
            assert!(targets.contains("/v1/models?api_key="), "{targets}");
            assert_eq!(targets.contains(key.expose()), spawned, "{targets}");
        }
    }
}
