//! `ultra check status`: what is broken on a running server, in one read-only pass.

use crate::base::Secret;
use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Problem, Report, Table, Tone};
use crate::settings::{Workspace, servers, service_key};
use crate::smoke::{Call, Client, Exchange, NoAnswer};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// How long the first question may take.
const FIRST: Duration = Duration::from_millis(1200);

/// How long the others may take, which are asked together: the whole pass stays below two seconds.
const OTHERS: Duration = Duration::from_millis(750);

/// One part of a server.
#[derive(Clone, Debug, Serialize)]
struct Component {
    name: String,
    status: String,
    critical: bool,
    using_fallback: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// One server.
#[derive(Clone, Debug, Default, Serialize)]
struct Seen {
    url: String,
    /// Whether an ultra server answers there.
    reached: bool,
    ready: bool,
    /// What answers there, if it is no ultra server.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime_seconds: Option<u64>,
    detailed: bool,
    reasons: Vec<String>,
    components: Vec<Component>,
}

/// Asks the server at `url`, or those that run on the state directory.
///
/// # Errors
/// No server runs (5). A report ends with 5 too if none can be reached, or what answers is none.
pub(crate) fn run(
    url: Option<Url>,
    key: Option<Secret>,
    workspace: &Workspace,
) -> Result<Report, Fault> {
    let targets: Vec<(Url, Option<Secret>)> = match url {
        Some(url) => vec![(url, key)],
        None => running(workspace, key.as_ref()),
    };
    if targets.is_empty() {
        return Err(Fault::unreachable(
            Problem::error("no-server", "no server runs on this state directory")
                .hint("start one with `ultra serve`, or name one with `--url URL`"),
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Fault::failure(Problem::error("runtime", "cannot ask").why(e)))?;
    let servers: Vec<Seen> =
        runtime.block_on(join_all(targets.into_iter().map(|(url, key)| ask(url, key))));
    let status = if servers.iter().all(|s| !s.reached) {
        ExitStatus::Unreachable
    } else if servers.iter().all(|s| s.ready) {
        ExitStatus::Holds
    } else {
        ExitStatus::DoesNotHold
    };
    let view = servers.iter().flat_map(shown).collect();
    let data = serde_json::json!({ "servers": servers });
    Ok(Report::new("ultra.status/1", data, view)?.status(status))
}

/// The servers of this state directory, with the key to speak with: the one that was given, else
/// the key that a developer's own server keeps.
fn running(workspace: &Workspace, key: Option<&Secret>) -> Vec<(Url, Option<Secret>)> {
    // One that cannot be read is done without: the server tells most things to anybody.
    let kept = || Some(service_key::kept(workspace).ok()??.secret);
    let key = key.cloned().or_else(kept);
    servers::running(&workspace.state_dir)
        .iter()
        .filter_map(|server| Url::parse(&format!("http://{}", server.reachable())).ok())
        .map(|url| (url, key.clone()))
        .collect()
}

async fn ask(url: Url, key: Option<Secret>) -> Seen {
    let mut seen = Seen {
        url: crate::base::redact::url(url.as_str()).trim_end_matches('/').to_owned(),
        ..Seen::default()
    };
    let client = match Client::new(url, key) {
        Ok(client) => client,
        Err(why) => return Seen { why: Some(why.to_string()), ..seen },
    };
    // Whoever answers is known before it is shown the key.
    let ready: Exchange = match client.send(&Call::get("/api/health/ready").within(FIRST)).await {
        Ok(ready) => ready,
        Err(why) => return Seen { why: Some(why.to_string()), ..seen },
    };
    if !ready.is_ours() {
        return Seen { answered: Some(ready.manner()), ..seen };
    }
    let detail = Call::get("/api/health?detail=true").with_key().within(OTHERS);
    let plain = Call::get("/api/health").within(OTHERS);
    let (detail, plain) = tokio::join!(client.send(&detail), client.send(&plain));
    seen.reached = true;
    seen.ready = ready.status == 200;
    seen.reasons = texts(ready.json().as_ref().and_then(|json| json.get("reasons")));
    seen.detailed = detail.as_ref().is_ok_and(Exchange::ok);
    let document = |answer: Result<Exchange, NoAnswer>| {
        answer.ok().filter(Exchange::ok).and_then(|a| a.json())
    };
    let health = document(detail).or(document(plain)).unwrap_or_default();
    let text = |name: &str| health.get(name)?.as_str().map(str::to_owned);
    seen.status = text("status");
    seen.profile = text("profile");
    seen.mode = text("mode");
    seen.version = text("version");
    seen.uptime_seconds = health.get("uptime_seconds").and_then(Value::as_u64);
    seen.components = components(health.get("services"));
    seen
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// The parts, what is broken first.
fn components(services: Option<&Value>) -> Vec<Component> {
    let Some(Value::Object(services)) = services else { return Vec::new() };
    let mut found: Vec<Component> = services
        .iter()
        .map(|(name, value)| {
            let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
            let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
            Component {
                name: name.clone(),
                status: text("status").unwrap_or_else(|| "unknown".to_owned()),
                critical: flag("critical"),
                using_fallback: flag("using_fallback"),
                since: text("since"),
                message: text("message"),
            }
        })
        .collect();
    found.sort_by_key(|c| (rank(&c.status), !c.critical, c.name.clone()));
    found
}

/// The worst first.
fn rank(status: &str) -> u8 {
    match status {
        "critical" => 0,
        "unavailable" => 1,
        "degraded" => 2,
        "ok" => 4,
        _ => 3,
    }
}

fn shown(server: &Seen) -> Vec<Block> {
    let mut blocks = vec![Block::heading(&server.url)];
    if let Some(answered) = &server.answered {
        let url = &server.url;
        let what = format!("`{url}` does not answer as an ultra server: it answers {answered}");
        blocks.push(Block::Toned(Tone::Bad, what));
        let hint = "hint: name the address that `ultra serve` listens on: `--url http://HOST:PORT`";
        blocks.push(Block::text(hint));
        return blocks;
    }
    if !server.reached {
        let why = server.why.as_deref().unwrap_or("no answer");
        blocks.push(Block::Toned(Tone::Bad, format!("cannot be reached: {why}")));
        return blocks;
    }
    if server.ready {
        blocks.push(Block::Toned(Tone::Good, "ready".to_owned()));
    } else {
        let why = match server.reasons.is_empty() {
            true => "it does not say why".to_owned(),
            false => server.reasons.join("; "),
        };
        blocks.push(Block::Toned(Tone::Bad, format!("not ready: {why}")));
    }
    let mut table = Table::new(&["part", "status", "since", ""]);
    for part in &server.components {
        let tone = match part.status.as_str() {
            "ok" => Tone::Good,
            "critical" | "unavailable" if part.critical => Tone::Bad,
            _ => Tone::Warn,
        };
        let fallback = if part.using_fallback { "using a fallback; " } else { "" };
        let message = format!("{fallback}{}", part.message.as_deref().unwrap_or_default());
        table.rows.push(vec![
            (part.name.clone(), Tone::Plain),
            (part.status.clone(), tone),
            (part.since.clone().unwrap_or_default(), Tone::Faint),
            (message.trim_end_matches("; ").to_owned(), Tone::Plain),
        ]);
    }
    if !table.rows.is_empty() {
        blocks.push(Block::Table(table));
    }
    let pairs = [
        ("profile", server.profile.clone()),
        ("mode", server.mode.clone()),
        ("version", server.version.clone()),
        (
            "up for",
            server
                .uptime_seconds
                .map(|s| crate::base::time::human(i64::try_from(s).unwrap_or(i64::MAX))),
        ),
    ];
    let pairs: Vec<(&str, String)> = pairs.into_iter().filter_map(|(k, v)| Some((k, v?))).collect();
    blocks.push(Block::pairs(pairs));
    if !server.detailed {
        blocks.push(Block::text("set `ULTRA_SERVICE_KEY` to see the parts of the server"));
    }
    blocks
}
