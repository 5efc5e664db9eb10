//! A small server that is right in everything, or wrong in exactly one thing: what tries the
//! checker.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// The only key that it knows.
pub(super) const KEY: &str = "uk_mutant.only-for-tests-only-for-tests";

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    NotAlive,
    NotReady,
    MetricsOpen,
    NoUsage,
    NoDone,
    ModelNotListed,
    RequestIdLost,
    AcceptsNobody,
    NoChallenge,
    AcceptsGarbage,
    AcceptsExpired,
    ExpiredWithoutCode,
    AcceptsFuture,
    AcceptsForeign,
    AcceptsAlgNone,
}

/// A running one.
pub(super) struct Mutant {
    pub(super) url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Mutant {
    pub(super) fn start(defect: Defect) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/api/health/live", get(live))
            .route("/api/health/ready", get(ready))
            .route("/api/health", get(health))
            .route("/metrics", get(metrics))
            .route("/v1/models", get(models))
            .route("/api/available-models", get(available))
            .route("/v1/chat/completions", post(chat))
            .route("/api/admin/check/tokens", post(tokens))
            .with_state(defect);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { url, _runtime: runtime }
    }
}

/// A token whose payload says what is special about it; the signature is a word.
fn token(case: &str) -> String {
    let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}.signed", part(json!({"alg": "HS256"})), part(json!({"case": case})))
}

fn refusal(defect: Defect, code: &str) -> Response {
    let body = axum::Json(json!({"error": {"code": code, "message": "no"}}));
    if defect == Defect::NoChallenge {
        return (StatusCode::UNAUTHORIZED, body).into_response();
    }
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], body).into_response()
}

/// Lets in whoever may come in, and whom the defect lets in.
fn admit(defect: Defect, headers: &HeaderMap) -> Result<(), Response> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return if defect == Defect::AcceptsNobody {
            Ok(())
        } else {
            Err(refusal(defect, "missing_token"))
        };
    };
    let bearer = value.to_str().unwrap().trim_start_matches("Bearer ");
    if bearer == KEY || bearer == token("valid") {
        return Ok(());
    }
    if !bearer.contains('.') || bearer.starts_with("uk_") {
        let open = defect == Defect::AcceptsGarbage;
        return if open { Ok(()) } else { Err(refusal(defect, "invalid_api_key")) };
    }
    let unsigned = bearer.ends_with('.');
    let let_in = match defect {
        Defect::AcceptsExpired => bearer == token("expired"),
        Defect::AcceptsFuture => bearer == token("not-yet-valid"),
        Defect::AcceptsForeign => bearer == token("wrong-issuer"),
        Defect::AcceptsAlgNone => unsigned,
        _ => false,
    };
    if let_in {
        return Ok(());
    }
    let expired = bearer == token("expired") && defect != Defect::ExpiredWithoutCode;
    Err(refusal(defect, if expired { "token_expired" } else { "invalid_token" }))
}

async fn live(State(defect): State<Defect>, headers: HeaderMap) -> Response {
    if defect == Defect::NotAlive {
        let body = axum::Json(json!({"status": "critical", "mode": "mock"}));
        return (StatusCode::INTERNAL_SERVER_ERROR, body).into_response();
    }
    let id = headers.get("x-request-id").filter(|_| defect != Defect::RequestIdLost);
    let mut response = axum::Json(json!({"status": "ok", "mode": "mock"})).into_response();
    if let Some(id) = id {
        response.headers_mut().insert("x-request-id", id.clone());
    }
    response
}

async fn ready(State(defect): State<Defect>) -> Response {
    let status =
        if defect == Defect::NotReady { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let body = json!({"status": "ok", "mode": "mock", "reasons": ["the store is away"]});
    (status, axum::Json(body)).into_response()
}

async fn health(State(defect): State<Defect>, uri: Uri, headers: HeaderMap) -> Response {
    if uri.query().is_some()
        && let Err(refused) = admit(defect, &headers)
    {
        return refused;
    }
    axum::Json(json!({"profile": "dev", "mode": "mock", "version": "9.9.9"})).into_response()
}

async fn metrics(State(defect): State<Defect>, headers: HeaderMap) -> Response {
    if defect == Defect::MetricsOpen || admit(Defect::None, &headers).is_ok() {
        return "# TYPE a counter\na 1\n".into_response();
    }
    refusal(defect, "missing_token")
}

async fn models(State(defect): State<Defect>, headers: HeaderMap) -> Response {
    match admit(defect, &headers) {
        Ok(()) => axum::Json(json!({"data": [{"id": "m1"}]})).into_response(),
        Err(refused) => refused,
    }
}

async fn available(State(defect): State<Defect>, headers: HeaderMap) -> Response {
    if let Err(refused) = admit(defect, &headers) {
        return refused;
    }
    let more = if defect == Defect::ModelNotListed { json!(["m1", "m2"]) } else { json!(["m1"]) };
    let chat = json!({"name": "m1", "available": true, "endpoints": ["/v1/chat/completions"]});
    axum::Json(json!({"available_models": more, "models": [chat]})).into_response()
}

async fn chat(State(defect): State<Defect>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(refused) = admit(defect, &headers) {
        return refused;
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let usage = json!({"total_tokens": 7});
    let mode = [("x-ultra-mode", "mock")];
    if body["stream"] == true {
        let done = if defect == Defect::NoDone { "" } else { "data: [DONE]\n\n" };
        let chunk = json!({"choices": [{"delta": {"content": "ready"}}]});
        let last = json!({"choices": [], "usage": usage});
        let text = format!("data: {chunk}\n\ndata: {last}\n\n{done}");
        return (mode, [(header::CONTENT_TYPE, "text/event-stream")], text).into_response();
    }
    let mut answer = json!({"id": "c1", "choices": [{"message": {"content": "ready"}}]});
    if defect != Defect::NoUsage {
        answer["usage"] = usage;
    }
    (mode, axum::Json(answer)).into_response()
}

async fn tokens(State(defect): State<Defect>, headers: HeaderMap) -> Response {
    if let Err(refused) = admit(defect, &headers) {
        return refused;
    }
    let cases = ["valid", "expired", "not-yet-valid", "wrong-audience", "wrong-issuer", "no-scope"];
    let tokens: Vec<Value> =
        cases.iter().map(|case| json!({"case": case, "token": token(case)})).collect();
    axum::Json(json!({ "tokens": tokens })).into_response()
}
