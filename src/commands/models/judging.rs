//! What came back from a model that was asked: whether it is right, and the report of it.

use super::asking::{ATTEMPTS, COST, MODEL, PROVIDER, RETRY, Reply, question};
use super::seen::Server;
use crate::exit::ExitStatus;
use crate::gateway::registry::{Model, Target};
use crate::provider::prices::usd;
use crate::provider::{Endpoint, Tokens, UNUSABLE, usage};
use crate::report::{Block, Fault, Report, Tone};
use crate::settings::Workspace;
use crate::settings::profile::Mode;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// So much of the answer is shown.
const SHOWN: usize = 80;

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

pub(super) fn answer(
    model: &Model,
    mode: Mode,
    took: Duration,
    estimate: Option<i128>,
    reply: Result<Reply, String>,
    workspace: &Workspace,
    server: Option<&Server>,
) -> Result<Report, Fault> {
    let (endpoint, _) = question(model)?;
    let judged = judge(&reply, endpoint).map_err(|(status, why)| {
        // Clients are not told why there is no key.
        let reason = model.reason.as_ref().filter(|_| reply.as_ref().is_ok_and(is_keyless));
        (status, reason.map_or(why.clone(), |reason| format!("{why} ({reason})")))
    });
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
fn only(model: &Model, which: fn(&Target) -> &String) -> Option<String> {
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
        let status = if later && !is_hopeless(reply, json.as_ref()) && !said.contains(UNUSABLE) {
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
    if endpoint == Endpoint::Embeddings {
        let vector = json.pointer("/data/0/embedding");
        // In words of base64, or as numbers.
        let is_one = vector.is_some_and(|vector| vector.is_array() || vector.is_string());
        return is_one.then_some(None).ok_or_else(|| wrong("its answer has no embedding"));
    }
    let (text, ended) = match endpoint {
        Endpoint::Responses => (said_by(&json), "/status"),
        Endpoint::Messages => (json.pointer("/content/0/text"), "/stop_reason"),
        _ => (json.pointer("/choices/0/message/content"), "/choices/0/finish_reason"),
    };
    let text = text.and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    // A model that reasons may have used up its few tokens before it said anything.
    let ended = json.pointer(ended).is_some_and(Value::is_string);
    if text.is_none() && !ended {
        return Err(wrong("its answer has neither a text nor an end"));
    }
    Ok(text.map(|text| plain(text, SHOWN)))
}

/// The first text of a response: thoughts may come before it.
fn said_by(response: &Value) -> Option<&Value> {
    let items = response.get("output")?.as_array()?.iter();
    items.filter_map(|item| item.get("content")?.as_array()).flatten().find_map(|c| c.get("text"))
}

/// Codes of ours that say that it answers wrongly, or that trying again is in vain, whatever the
/// status.
const HOPELESS: [&str; 3] =
    ["upstream_credentials_exhausted", "upstream_malformed", "model_unavailable"];

/// Whether an error says so; where its API has no codes, in a header.
fn is_hopeless(reply: &Reply, json: Option<&Value>) -> bool {
    let code = json.and_then(|json| json.pointer("/error/code")?.as_str());
    code.is_some_and(|code| HOPELESS.contains(&code))
        || reply.headers.get(RETRY).is_some_and(|value| value == "false")
}

/// Whether there is no key for the model.
fn is_keyless(reply: &Reply) -> bool {
    let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
    reply.status == 503 && is_hopeless(reply, json.as_ref())
}

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
