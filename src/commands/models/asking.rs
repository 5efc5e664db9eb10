//! A tiny request to a model: over a running server, or through a gateway in this process.

use super::seen::{Profile, Server};
use crate::gateway::registry::Model;
use crate::gateway::{Asked, Call, Ended, Gateway, Meter, metering};
use crate::provider::prices::Prices;
use crate::provider::translation::is_of_openai;
use crate::provider::{Client, Endpoint, Envelope};
use crate::report::{Fault, Problem};
use crate::serve::Refusal;
use crate::settings::profile::Mode;
use crate::settings::{Resolution, SecretSource, Workspace};
use crate::smoke;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Limited};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the whole test may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// So many tokens may be answered.
pub(super) const ANSWER: u64 = 16;

/// What is asked; for an embedding, what is embedded.
const QUESTION: &str = "Reply with the word: ready";

/// Where a model is asked, if it can be.
const ASKED: [Endpoint; 4] =
    [Endpoint::ChatCompletions, Endpoint::Messages, Endpoint::Responses, Endpoint::Embeddings];

/// More than this is no tiny answer.
const LARGEST: usize = 1 << 20;

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) const PROVIDER: &str = "x-ultra-provider";
pub(super) const MODEL: &str = "x-ultra-model";
pub(super) const ATTEMPTS: &str = "x-ultra-attempts";
pub(super) const COST: &str = "x-ultra-cost";
pub(super) const RETRY: &str = "x-should-retry";

/// A gateway of the profile, without keys yet.
pub(super) fn gateway(
    workspace: &Workspace,
    secrets: &dyn SecretSource,
) -> Result<(Gateway, Arc<Prices>, Resolution, Mode), Fault> {
    let Profile { settings, resolution, prices, table, .. } = Profile::read(workspace, secrets)?;
    let mode = settings.server.mode;
    let client = match mode {
        Mode::Mock => None,
        Mode::Real => {
            Some(Client::new(CONNECT).map_err(|problem| Fault::does_not_hold(vec![problem]))?)
        }
    };
    let prices = Arc::new(prices);
    let meter = Arc::new(Priced(Arc::clone(&prices)));
    let hop = HeaderValue::from_static("models-test");
    Ok((Gateway::new(table, client, meter, hop), prices, resolution, mode))
}

/// Prices attempts and keeps nothing: this is no server, and has no journal.
#[derive(Debug)]
struct Priced(Arc<Prices>);

impl Meter for Priced {
    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    fn keep(&self, ended: &Ended<'_>) -> Result<Option<i64>, String> {
        Ok(metering::cost(&self.0, ended))
    }
}

/// The endpoint that serves the model, and the body for it.
///
/// # Errors
/// There is no such endpoint (3).
pub(super) fn question(model: &Model) -> Result<(Endpoint, Value), Fault> {
    let serves = |endpoint: &Endpoint| model.endpoints.iter().any(|path| path == endpoint.path());
    // The first is the provider's own, or what most clients use.
    let first = model.endpoints.first().is_some_and(|path| path == Endpoint::Messages.path());
    let endpoint = [Endpoint::Messages].into_iter().filter(|_| first).chain(ASKED).find(serves);
    let Some(endpoint) = endpoint else {
        let what = format!("`{}` is a model that no endpoint of a server is for", model.name);
        let problem = Problem::error("no-endpoint", what);
        return Err(Fault::does_not_hold(vec![problem.hint("ultra models list")]));
    };
    let messages = json!([{"role": "user", "content": QUESTION}]);
    let body = match endpoint {
        Endpoint::Embeddings => json!({"model": model.name, "input": QUESTION}),
        Endpoint::Responses => json!({
            "model": model.name, "input": QUESTION, "max_output_tokens": ANSWER, "store": false,
        }),
        // Models of OpenAI that reason take the newer name only, and many other servers only the
        // older.
        Endpoint::ChatCompletions if takes_newer(model) => json!({
            "model": model.name, "messages": messages, "max_completion_tokens": ANSWER,
        }),
        _ => json!({"model": model.name, "messages": messages, "max_tokens": ANSWER}),
    };
    Ok((endpoint, body))
}

/// Whether the model that is asked first is one of OpenAI's own, whatever its provider is called.
fn takes_newer(model: &Model) -> bool {
    let target = model.targets.first();
    target.is_some_and(|target| target.provider == "openai" || is_of_openai(&target.model))
}

/// Over a running server; why there is no reply, if so.
///
/// # Errors
/// The server does not let this key ask (5).
pub(super) async fn over(
    server: &Server,
    (endpoint, body): (Endpoint, Value),
) -> Result<Result<Reply, String>, Fault> {
    let call = smoke::Call::post(endpoint.path(), &body).within(DEADLINE);
    let answer = match server.send(call).await {
        Ok(answer) => answer,
        Err(fault) => {
            let why = fault.problems.first().map(ToString::to_string).unwrap_or_default();
            return Ok(Err(why));
        }
    };
    // What a provider refused names it.
    if matches!(answer.status, 401 | 403) && answer.header(PROVIDER).is_none() {
        return Err(server.refused(answer.status));
    }
    let mut headers = HeaderMap::new();
    for name in [PROVIDER, MODEL, ATTEMPTS, COST, RETRY] {
        if let Some(value) = answer.header(name).and_then(|v| HeaderValue::from_str(v).ok()) {
            headers.insert(name, value);
        }
    }
    Ok(Ok(Reply { status: answer.status, headers, body: Bytes::from(answer.body.clone()) }))
}

/// Through a gateway in this process: the way of a server's requests.
pub(super) async fn through(
    gateway: &Gateway,
    model: &Model,
    (endpoint, body): (Endpoint, Value),
    mode: Mode,
) -> Result<Reply, String> {
    let body = Bytes::from(body.to_string());
    let refused = |refusal: Refusal| {
        let mut headers = HeaderMap::new();
        if let Some(tried) = &refusal.tried {
            tried.tell(&mut headers);
        }
        let body = json!({"error": {"message": refusal.message, "code": refusal.code}});
        let (status, body) = (refusal.status.as_u16(), Bytes::from(body.to_string()));
        Reply { status, headers, body }
    };
    let asked = async {
        let envelope = Envelope::read(&body, endpoint).map_err(Refusal::from)?;
        let route = gateway.route(&model.name)?;
        let asked = Arc::new(Asked {
            request_id: "models-test".into(),
            key_id: "models-test".into(),
            user_id: None,
            endpoint,
            model: Arc::clone(&route.model),
            stream: false,
            mode,
            started: Instant::now(),
        });
        // As clients say it, who are refused without: what they say is passed on.
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
        let call = Call { endpoint, envelope, body: body.clone(), headers, asked };
        let (parts, body) = gateway.answer(&route, call).await?.into_parts();
        Ok::<_, Refusal>((parts, Limited::new(body, LARGEST).collect().await))
    };
    match tokio::time::timeout(DEADLINE, asked).await {
        Err(_) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
        Ok(Err(refusal)) => Ok(refused(refusal)),
        Ok(Ok((_, Err(_)))) => Err("the answer could not be read".to_owned()),
        Ok(Ok((parts, Ok(body)))) => Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.to_bytes(),
        }),
    }
}
