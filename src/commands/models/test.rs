//! `ultra models test NAME`: a real, tiny request.

use super::seen::{Files, Profile, Server, in_files};
use crate::exit::ExitStatus;
use crate::gateway::registry::Model;
use crate::gateway::{Asked, Call, Ended, Gateway, Meter, keys, metering};
use crate::provider::prices::{Prices, usd};
use crate::provider::{Client, Endpoint, Envelope, Tokens, usage};
use crate::report::{Block, Console, Fault, Problem, Report, Tone};
use crate::serve::Refusal;
use crate::settings::profile::Mode;
use crate::settings::{SecretSource, Workspace};
use crate::smoke;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the whole test may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// So many tokens may be answered.
const ANSWER: u64 = 16;

/// The question has no more tokens, whoever counts.
const QUESTION: u64 = 40;

/// More than this is no tiny answer.
const LARGEST: usize = 1 << 20;

/// So much of the answer is shown.
const SHOWN: usize = 80;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The model.
    pub(crate) name: String,
    /// The server that sends it; the profile's own keys do if left out.
    pub(crate) server: Option<Server>,
}

/// What came back.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

#[derive(Serialize)]
struct Answer<'a> {
    model: &'a str,
    profile: Option<&'a str>,
    server: Option<String>,
    mode: Mode,
    verdict: &'static str,
    /// Why it is not right, if it is not.
    why: Option<String>,
    provider: Option<String>,
    upstream_model: Option<String>,
    attempts: Option<u64>,
    status: Option<u16>,
    latency_ms: u64,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    /// Exact; none if it is not known.
    cost_usd: Option<String>,
    /// What it could have cost at most; none if a target has no price.
    estimate_usd: Option<String>,
    text: Option<String>,
}

/// Sends it.
///
/// # Errors
/// There is no such model (2), the profile does not hold (3), nobody agrees (6), the server does not
/// tell (5). That the model does not answer is a report.
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Fault::failure(Problem::error("runtime", "cannot ask").why(e)))?;
    match &request.server {
        Some(server) => {
            let (model, mock) = runtime.block_on(server.model(&request.name))?;
            let mode = if mock { Mode::Mock } else { Mode::Real };
            let estimate = agree(&model, mode, &server.label(), console)?;
            let began = Instant::now();
            let reply = runtime.block_on(over(server, &model));
            let reply = reply.map_err(|fault| {
                fault.problems.first().map(ToString::to_string).unwrap_or_default()
            });
            answer(&model, mode, began.elapsed(), estimate, reply, workspace, Some(server))
        }
        None => {
            let (gateway, prices, resolution, mode) = gateway(workspace, secrets)?;
            let sight = Files { resolution: &resolution, secrets, now: workspace.clock.now() };
            let model = in_files(&request.name, &gateway, &prices, &sight)?;
            let to = format!("profile `{}`", workspace.profile);
            let estimate = agree(&model, mode, &to, console)?;
            // Not before: whoever says no has opened nothing.
            let opened = keys::load(&gateway.table(), &resolution, secrets, Instant::now());
            for problem in &opened.problems {
                if model
                    .targets
                    .iter()
                    .any(|t| t.keys.iter().any(|k| problem.what.contains(&k.variable)))
                {
                    console.warn(problem);
                }
            }
            let began = Instant::now();
            let reply = runtime.block_on(through(&gateway, &model, mode));
            answer(&model, mode, began.elapsed(), estimate, reply, workspace, None)
        }
    }
}

/// A gateway of the profile, without keys yet.
fn gateway(
    workspace: &Workspace,
    secrets: &dyn SecretSource,
) -> Result<(Gateway, Arc<Prices>, crate::settings::Resolution, Mode), Fault> {
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

/// Says what it may cost and asks; the most that it may cost in nano-dollars, if that is known.
///
/// # Errors
/// Nobody agrees (6).
fn agree(
    model: &Model,
    mode: Mode,
    whose: &str,
    console: &dyn Console,
) -> Result<Option<i128>, Fault> {
    let estimate = estimate(model);
    if mode == Mode::Mock {
        console.note("the mock answers: that costs nothing, and says nothing of a provider");
        return Ok(estimate);
    }
    let cost = match estimate {
        Some(nano) => format!("at most {} USD", usd(nano)),
        None => "an amount that nobody knows, for a target has no price".to_owned(),
    };
    let question = format!(
        "ask `{}` for at most {ANSWER} tokens, with the keys of {whose}? It costs {cost}",
        model.name
    );
    match console.confirm(&question) {
        Ok(true) => Ok(estimate),
        Ok(false) => Err(Fault::refused(Problem::error("not-confirmed", "nothing was sent"))),
        Err(unanswered) => Err(unanswered.fault(&question, "pass `--yes`")),
    }
}

/// The dearest target decides.
fn estimate(model: &Model) -> Option<i128> {
    let mut most = 0;
    for target in &model.targets {
        let price = target.known.price.as_ref()?;
        let (input, output) = (price.input_microusd_per_mtok?, price.output_microusd_per_mtok?);
        // A micro-dollar per million tokens is a pico-dollar a token.
        let pico =
            u128::from(QUESTION) * u128::from(input) + u128::from(ANSWER) * u128::from(output);
        most = most.max(pico.div_ceil(1000));
    }
    i128::try_from(most).ok()
}

/// The endpoint that serves the model, and the body for it.
fn question(model: &Model) -> (Endpoint, Value) {
    let messages = model.endpoints.first().is_some_and(|path| path == Endpoint::Messages.path());
    let endpoint = if messages { Endpoint::Messages } else { Endpoint::ChatCompletions };
    let mut body = json!({
        "model": model.name,
        "messages": [{"role": "user", "content": "Reply with the word: ready"}],
    });
    // Models of OpenAI that reason take the newer name only, and many other servers only the older.
    let newer = model.targets.first().is_some_and(|target| target.provider == "openai");
    let name = if newer && !messages { "max_completion_tokens" } else { "max_tokens" };
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.to_owned(), json!(ANSWER));
    }
    (endpoint, body)
}

/// Over a running server.
async fn over(server: &Server, model: &Model) -> Result<Reply, Fault> {
    let (endpoint, body) = question(model);
    let call = smoke::Call::post(endpoint.path(), &body).within(DEADLINE);
    let answer = server.send(call).await?;
    let mut headers = HeaderMap::new();
    for name in [PROVIDER, MODEL, ATTEMPTS, COST] {
        if let Some(value) = answer.header(name).and_then(|v| HeaderValue::from_str(v).ok()) {
            headers.insert(name, value);
        }
    }
    Ok(Reply { status: answer.status, headers, body: Bytes::from(answer.body.clone()) })
}

const PROVIDER: &str = "x-ultra-provider";
const MODEL: &str = "x-ultra-model";
const ATTEMPTS: &str = "x-ultra-attempts";
const COST: &str = "x-ultra-cost";

/// Through a gateway in this process: the way of a server's requests.
async fn through(gateway: &Gateway, model: &Model, mode: Mode) -> Result<Reply, String> {
    let (endpoint, body) = question(model);
    let body = Bytes::from(body.to_string());
    let refused = |refusal: Refusal| Reply {
        status: refusal.status.as_u16(),
        headers: HeaderMap::new(),
        body: Bytes::from(
            json!({"error": {"message": refusal.message, "code": refusal.code}}).to_string(),
        ),
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
        let call =
            Call { endpoint, envelope, body: body.clone(), headers: HeaderMap::new(), asked };
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

fn answer(
    model: &Model,
    mode: Mode,
    took: Duration,
    estimate: Option<i128>,
    reply: Result<Reply, String>,
    workspace: &Workspace,
    server: Option<&Server>,
) -> Result<Report, Fault> {
    let (endpoint, _) = question(model);
    let judged = judge(&reply, endpoint);
    let reply = reply.ok();
    let header = |name: &str| {
        let value = reply.as_ref()?.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let body = reply.as_ref().map(|reply| &reply.body);
    let tokens = body.and_then(|body| usage::in_json(body, endpoint)).unwrap_or_default();
    let (verdict, why, status) = match &judged {
        Ok(_) => ("answered", None, ExitStatus::Holds),
        Err((status, why)) if *status == ExitStatus::Unreachable => {
            ("unreachable", Some(why.clone()), *status)
        }
        Err((status, why)) => ("wrong", Some(why.clone()), *status),
    };
    let answer = Answer {
        model: &model.name,
        profile: server.is_none().then_some(workspace.profile.as_str()),
        server: server.map(Server::label),
        mode,
        verdict,
        why,
        provider: header(PROVIDER).or_else(|| only(model, |target| &target.provider)),
        upstream_model: header(MODEL).or_else(|| only(model, |target| &target.model)),
        attempts: header(ATTEMPTS).and_then(|n| n.parse().ok()),
        status: reply.as_ref().map(|reply| reply.status),
        latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        input_tokens: counted(&tokens),
        output_tokens: tokens.output,
        cost_usd: header(COST),
        estimate_usd: estimate.map(usd),
        text: judged.ok().flatten(),
    };
    let view = view(&answer);
    Ok(Report::new("ultra.models.test/1", answer, view)?.status(status))
}

/// All of the request, cached or not.
fn counted(tokens: &Tokens) -> Option<u64> {
    let cached = tokens.cache_read.unwrap_or(0).saturating_add(tokens.cache_write.unwrap_or(0));
    tokens.input.map(|input| input.saturating_add(cached))
}

/// What every target of the model has in common.
fn only(model: &Model, which: fn(&crate::gateway::registry::Target) -> &String) -> Option<String> {
    let first = which(model.targets.first()?);
    model.targets.iter().all(|target| which(target) == first).then(|| first.clone())
}

/// The text of a right answer, if it has one; else how the command ends, and why.
fn judge(
    reply: &Result<Reply, String>,
    endpoint: Endpoint,
) -> Result<Option<String>, (ExitStatus, String)> {
    let reply = reply.as_ref().map_err(|why| (ExitStatus::Unreachable, why.clone()))?;
    let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
    if !(200..300).contains(&reply.status) {
        let said = json.as_ref().and_then(|json| json.pointer("/error/message")?.as_str());
        let said = said.map(|said| format!(": {}", plain(said, 200))).unwrap_or_default();
        // These pass by themselves; what is wrong with the request or a key does not.
        let later = reply.status >= 500 || matches!(reply.status, 408 | 429);
        let code = json.as_ref().and_then(|json| json.pointer("/error/code")?.as_str());
        let status = if later && !code.is_some_and(|code| HOPELESS.contains(&code)) {
            ExitStatus::Unreachable
        } else {
            ExitStatus::DoesNotHold
        };
        let reason = StatusCode::from_u16(reply.status).ok().and_then(|s| s.canonical_reason());
        let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
        return Err((status, format!("it answered {}{reason}{said}", reply.status)));
    }
    let wrong = |why: &str| (ExitStatus::DoesNotHold, why.to_owned());
    let json = json.ok_or_else(|| wrong("its answer is no JSON"))?;
    let (text, ended) = match endpoint {
        Endpoint::Messages => ("/content/0/text", "/stop_reason"),
        _ => ("/choices/0/message/content", "/choices/0/finish_reason"),
    };
    let text = json.pointer(text).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    // A model that reasons may have used up its few tokens before it said anything.
    let ended = json.pointer(ended).is_some_and(Value::is_string);
    if text.is_none() && !ended {
        return Err(wrong("its answer has neither a text nor an end"));
    }
    Ok(text.map(|text| plain(text, SHOWN)))
}

/// Codes of ours that say that trying again is in vain, whatever the status.
const HOPELESS: [&str; 2] = ["upstream_credentials_exhausted", "model_unavailable"];

/// In one line, and not too long.
fn plain(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.trim().chars().take(most).collect()
}

fn view(answer: &Answer<'_>) -> Vec<Block> {
    let unknown = || "unknown".to_owned();
    let number = |n: Option<u64>| n.map_or_else(unknown, |n| n.to_string());
    let verdict = match &answer.why {
        None => Block::Toned(Tone::Good, format!("`{}` answers", answer.model)),
        Some(why) => Block::Toned(
            Tone::Bad,
            format!("`{}` does not answer as it should: {why}", answer.model),
        ),
    };
    let mut pairs = vec![
        ("mode", answer.mode.word().to_owned()),
        ("latency", format!("{} ms", answer.latency_ms)),
    ];
    let mut add = |name: &'static str, value: Option<String>| {
        pairs.extend(value.map(|value| (name, value)));
    };
    add("provider", answer.provider.clone());
    add("model there", answer.upstream_model.clone());
    add("attempts", answer.attempts.map(|n| n.to_string()));
    if answer.why.is_none() {
        add(
            "tokens",
            Some(format!(
                "{} in, {} out",
                number(answer.input_tokens),
                number(answer.output_tokens)
            )),
        );
        add("cost USD", Some(answer.cost_usd.clone().unwrap_or_else(unknown)));
    }
    add("said", answer.text.clone());
    vec![verdict, Block::pairs(pairs)]
}
