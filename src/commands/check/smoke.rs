//! `ultra check smoke --url U`: tries a running server, step by step.

use crate::base::Secret;
use crate::report::{Block, Console, Fault, Outcome, Problem, Report, Table, Tone};
use crate::settings::profile::Mode;
use crate::settings::secret::SecretSource;
use crate::settings::{self, Workspace, service_key};
use crate::smoke::Client;
use crate::smoke::suite::{self, Expectations, Suite, Taken};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The server.
    pub(crate) url: Url,
    /// The service key.
    pub(crate) key: Option<Secret>,
    /// How long to wait until the server is ready.
    pub(crate) wait: Duration,
    /// The version that must answer.
    pub(crate) expect_version: Option<String>,
    /// The model to ask.
    pub(crate) model: Option<String>,
    /// The profile that must answer, if one was named.
    pub(crate) profile: Option<String>,
}

/// Takes all steps.
///
/// # Errors
/// The client cannot be set up (1).
pub(crate) fn run(
    request: Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let failure = |why: String| Fault::failure(Problem::error("client", "cannot ask").why(why));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| failure(e.to_string()))?;
    let keyless = request.key.is_none().then(|| to_get_a_key(&request, workspace));
    let client = Client::new(request.url, request.key).map_err(|why| failure(why.to_string()))?;
    let (base, run_id) = (client.base(), client.run_id().to_owned());
    let real = request.profile.as_ref().is_some_and(|p| must_be_real(workspace, p, secrets));
    let suite = Suite::new(
        client,
        Expectations {
            wait: request.wait,
            version: request.expect_version,
            profile: request.profile,
            real,
            model: request.model,
        },
    );
    let progress = console.progress("connecting");
    let (taken, identity) = runtime.block_on(async {
        let taken = suite.run(|step| progress.say(&format!("{:02} {}", step.number, step.name)));
        let taken = taken.await;
        // A server that could not be reached is not asked again, and what is no server of ours is
        // not shown the key.
        let reached = taken.iter().take(2).all(|t| t.seen.outcome != Outcome::Fail);
        (taken, if reached { suite.identity().await.clone() } else { Default::default() })
    });
    drop(progress);
    let status = suite::status(&taken);
    let verdict = match status.code() {
        0 => "holds",
        3 => "does-not-hold",
        _ => "unknown",
    };
    let mut counts: BTreeMap<&str, usize> = Outcome::ALL.iter().map(|o| (o.word(), 0)).collect();
    for step in &taken {
        *counts.entry(step.seen.outcome.word()).or_default() += 1;
    }
    let data = json!({
        "url": base,
        "run_id": run_id,
        "profile": identity.profile,
        "mode": identity.mode,
        "version": identity.version,
        "verdict": verdict,
        "hint": keyless,
        "counts": counts,
        "steps": taken.iter().map(entry).collect::<Vec<_>>(),
    });
    let tone = match status.code() {
        0 => Tone::Good,
        3 => Tone::Bad,
        _ => Tone::Warn,
    };
    let mut view = vec![Block::heading(format!("Smoke test of {base}"))];
    view.extend(steps(&taken));
    let mode = identity.mode.map(|mode| format!(", mode {mode}")).unwrap_or_default();
    let sums: Vec<String> =
        counts.iter().filter(|(_, n)| **n > 0).map(|(word, n)| format!("{n} {word}")).collect();
    view.push(Block::text(format!("{}{mode}, run {run_id}", sums.join(", "))));
    view.extend(keyless.map(|hint| Block::text(format!("hint: {hint}"))));
    view.push(Block::Toned(tone, format!("verdict: {verdict}")));
    Ok(Report::new("ultra.smoke/1", data, view)?.status(status))
}

/// What to do about a missing service key: the one that a developer's own server keeps, or a new
/// one.
fn to_get_a_key(request: &Request, workspace: &Workspace) -> String {
    let base = crate::base::redact::url(request.url.as_str());
    let again = format!("ultra check smoke --url {}", base.trim_end_matches('/'));
    let kept = service_key::kept_at(&workspace.state_dir);
    let here = match request.url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if here && kept.is_file() {
        return format!(
            "steps 06 to 15 need a service key; a server in profile dev keeps one: \
             `ULTRA_SERVICE_KEY_FILE={} {again}`",
            kept.display()
        );
    }
    let profile = request.profile.as_ref().map(|p| format!(" --profile {p}")).unwrap_or_default();
    format!(
        "steps 06 to 15 need a service key with the scopes read, write and check. Beside the \
         server's store: `ultra auth service-key create smoke --scope read,write,check{profile} \
         > smoke.key`; then: `ULTRA_SERVICE_KEY_FILE=smoke.key {again}{profile}`"
    )
}

/// Whether the profile demands real answers.
fn must_be_real(workspace: &Workspace, profile: &str, secrets: &dyn SecretSource) -> bool {
    let loaded = settings::load(workspace, profile, secrets);
    let protected = loaded.resolution.as_ref().is_some_and(|r| r.profile.protected);
    protected || loaded.settings.is_some_and(|s| s.server.mode == Mode::Real)
}

fn entry(taken: &Taken) -> Value {
    json!({
        "id": format!("{:02}", taken.step.number),
        "name": taken.step.name,
        "gate": taken.step.gate,
        "outcome": taken.seen.outcome,
        "expected": taken.step.expected,
        "observed": taken.seen.observed,
        "latency_ms": taken.seen.latency.map(|l| u64::try_from(l.as_millis()).unwrap_or(u64::MAX)),
        "request": taken.seen.request,
    })
}

/// A table of all steps, and below it what to paste for those that failed.
fn steps(taken: &[Taken]) -> Vec<Block> {
    let mut table = Table::new(&["step", "", "outcome", "ms", "observed"]);
    let mut blocks = Vec::new();
    for Taken { step, seen } in taken {
        let latency = seen.latency.map(|l| l.as_millis().to_string()).unwrap_or_default();
        table.rows.push(vec![
            (format!("{:02}", step.number), Tone::Plain),
            (step.name.to_owned(), Tone::Plain),
            (seen.outcome.word().to_owned(), seen.outcome.tone()),
            (latency, Tone::Faint),
            (seen.observed.clone(), Tone::Plain),
        ]);
        if seen.outcome == Outcome::Fail {
            let head = format!("{:02} {}: expected {}", step.number, step.name, step.expected);
            blocks.push(Block::Toned(Tone::Bad, head));
            blocks.extend(seen.request.as_ref().map(|r| Block::text(format!("   {r}"))));
        }
    }
    blocks.insert(0, Block::Table(table));
    blocks
}
