//! `ultra env explain NAME`: what a variable means, and what every layer says of it.

use super::said::{Said, layers, table};
use super::show::tell;
use super::{resolved, unagreed, variable};
use crate::base::Timestamp;
use crate::exit::ExitStatus;
use crate::report::{Block, Console, Fault, Problem, Report};
use crate::settings::catalogue::{self, Consumer, Reload, VarSpec};
use crate::settings::docs::words;
use crate::settings::origin::Origin;
use crate::settings::resolution::{InVain, Resolution, Withheld};
use crate::settings::secret::SecretSource;
use crate::settings::servers::{self, ServerRecord};
use crate::settings::shown::hidden;
use crate::settings::trust_claims::Agreement;
use crate::settings::{Layer, Workspace, load, needed};
use serde::Serialize;
use std::sync::Arc;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The variable: its name, an alias, or its name in the vault.
    pub(crate) name: String,
}

/// A profile that does not hold without the variable.
#[derive(Serialize)]
struct NeededBy {
    profile: String,
    why: Vec<String>,
}

/// Whether a running server would take a new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Takes {
    /// By itself or on SIGHUP.
    Live,
    /// At its next start.
    Restart,
    /// Never: no server reads it.
    Never,
    /// Not what is said under this profile: it serves another.
    OtherProfile,
}

#[derive(Serialize)]
struct Running {
    pid: u32,
    addr: String,
    profile: String,
    mode: String,
    since: Timestamp,
    takes: Takes,
}

#[derive(Serialize)]
struct Answer<'a> {
    name: &'a str,
    profile: &'a str,
    asked: Option<&'a str>,
    group: Option<&'static str>,
    doc: String,
    expected: Option<String>,
    default: Option<&'static str>,
    example: Option<&'static str>,
    secret: bool,
    required: Option<String>,
    bootstrap: bool,
    internal: bool,
    reload: Option<&'static str>,
    consumer: Option<&'static str>,
    aliases: Vec<&'static str>,
    vault: Option<&'static str>,
    since: Option<&'static str>,
    set: bool,
    needed_by: Vec<NeededBy>,
    winner: Option<&'a Origin>,
    servers: Vec<Running>,
    layers: &'a [Said],
}

/// Explains a variable under the profile in use.
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let loaded = load(workspace, &workspace.profile, secrets);
    let misread = loaded.misread;
    let agreement = loaded.agreement.clone();
    let (resolution, problems) = resolved(loaded)?;
    let name = variable(&request.name, &resolution, workspace)?;
    let spec = catalogue::find(&name);
    let kept_back = kept_back(&resolution, &name, workspace, agreement.as_deref())?;
    let layers = layers(&resolution, &name, kept_back.is_some(), workspace, secrets);
    let winner = resolution.winner(&name).map(|winner| &winner.origin);
    let running = servers::running(&workspace.state_dir);
    let set = resolution.winner(&name).is_some();
    let secret = hidden(&name, resolution.candidates(&name));
    let doc = spec.map_or_else(
        || "A variable of the application; ultra passes it on.".to_owned(),
        |spec| words::paragraph(spec.doc),
    );
    let answer = Answer {
        name: &name,
        profile: &workspace.profile,
        asked: (request.name != name).then_some(request.name.as_str()),
        group: spec.map(|spec| spec.group),
        expected: spec.map(|spec| spec.kind.expected()),
        default: spec.and_then(|spec| spec.default),
        example: spec.and_then(|spec| spec.example),
        secret,
        required: spec.and_then(|spec| words::need(spec.need)),
        bootstrap: spec.is_some_and(|spec| spec.bootstrap),
        internal: spec.is_some_and(|spec| spec.internal),
        reload: spec.and_then(words::reload),
        consumer: spec.map(|spec| words::consumer(spec.consumer)),
        aliases: spec.map(aliases).unwrap_or_default(),
        vault: spec.and_then(|spec| spec.vault),
        since: spec.map(|spec| spec.since),
        set,
        needed_by: needed_by(&name, workspace, secrets, agreement),
        winner,
        servers: running.into_iter().map(|s| server(s, spec, &workspace.profile)).collect(),
        layers: &layers,
        doc,
    };
    let mut view =
        vec![Block::heading(&name), Block::text(&answer.doc), Block::pairs(facts(&answer))];
    view.push(Block::heading(format!("What each layer says under `{}`", workspace.profile)));
    view.push(Block::Table(table(&layers, &workspace.profile)));
    let mut in_vain = resolution.passed_over(&name);
    if let Some(problem) = &kept_back {
        let parts = [Some(&problem.what), problem.why.as_ref(), problem.hint.as_ref()];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        view.push(Block::text(format!("{}.", parts.join("; "))));
    } else if let (false, Some(Withheld::Pieced { address })) =
        (set, resolution.why_withheld(&name))
    {
        view.push(Block::text(format!(
            "It is withheld, for its address is put together from variables of other lines, so nobody \
             can agree to it: `ultra env explain {address}` shows from which; write the whole address.",
        )));
    } else if !set && (resolution.is_withheld(&name) || in_vain.any(|p| p.why == InVain::Untrusted))
    {
        view.push(Block::text(
            "It is withheld, for this root is not trusted: `ultra env trust` shows what the files of \
             the root want, and asks.",
        ));
    } else if !set {
        view.push(Block::text("Nobody sets it."));
    }
    if !answer.servers.is_empty() {
        view.push(Block::heading("Servers that run"));
        view.push(Block::List(answer.servers.iter().map(Running::line).collect()));
        if winner.is_some_and(|origin| origin.layer >= Layer::Process) {
            view.push(Block::text(
                "The environment and the flags of a running server are its own: what is set here \
                 does not reach it.",
            ));
        }
    }
    tell(&problems, misread, workspace, console);
    let status = if misread { ExitStatus::DoesNotHold } else { ExitStatus::Holds };
    Ok(Report::new("ultra.env.explain/1", answer, view)?.status(status))
}

fn aliases(spec: &VarSpec) -> Vec<&'static str> {
    spec.aliases.iter().map(|alias| alias.name).collect()
}

fn facts(answer: &Answer<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &'static str, value: Option<String>| {
        facts.extend(value.filter(|v| !v.is_empty()).map(|value| (name, value)));
    };
    add("asked for as", answer.asked.map(str::to_owned));
    add("group", answer.group.map(str::to_owned));
    add("takes", answer.expected.clone());
    add("secret", answer.secret.then(|| "yes, never shown".to_owned()));
    add("default", answer.default.map(|text| format!("`{text}`")));
    add("example", answer.example.map(|text| format!("`{text}`")));
    add("needed", answer.required.clone());
    let needed = answer.needed_by.iter().map(|n| format!("{} ({})", n.profile, n.why.join("; ")));
    add("needed here by", Some(needed.collect::<Vec<_>>().join(", ")));
    add(
        "winner",
        answer.winner.map(|winner| winner_text(winner).replace("<profile>", answer.profile)),
    );
    add("read by", answer.consumer.map(str::to_owned));
    add("new value counts", answer.reload.map(str::to_owned));
    add("set by", answer.bootstrap.then(|| "flags and the process environment only".to_owned()));
    add("child processes", answer.internal.then(|| "never get it".to_owned()));
    add("also written", Some(answer.aliases.join(", ")));
    add("in the vault", answer.vault.map(str::to_owned));
    add("since", answer.since.map(str::to_owned));
    facts
}

fn winner_text(origin: &Origin) -> String {
    match origin.place {
        Some(_) => format!("{} ({})", origin.layer.describe(), origin),
        None => origin.to_string(),
    }
}

/// The profiles that do not hold without the variable. One that cannot be read is left out.
fn needed_by(
    name: &str,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    mut read: Option<Arc<Agreement>>,
) -> Vec<NeededBy> {
    let reasons = |profile: String| {
        let lacks = needed(workspace, &profile, name, secrets, &mut read)?;
        let mut why: Vec<String> =
            lacks.into_iter().map(|lack| lack.why.unwrap_or(lack.what)).collect();
        why.dedup();
        (!why.is_empty()).then_some(NeededBy { profile, why })
    };
    workspace.profile_names().into_iter().filter_map(reasons).collect()
}

fn server(record: ServerRecord, spec: Option<&VarSpec>, profile: &str) -> Running {
    let takes = match spec {
        None => Takes::Never,
        Some(spec) if spec.consumer == Consumer::Cli => Takes::Never,
        Some(_) if record.profile != profile => Takes::OtherProfile,
        Some(spec) if spec.reload == Reload::Live => Takes::Live,
        Some(_) => Takes::Restart,
    };
    let ServerRecord { pid, profile, mode, addr, started_at, .. } = record;
    Running { pid, addr, profile, mode, since: started_at, takes }
}

impl Running {
    fn line(&self) -> String {
        let takes = match self.takes {
            Takes::Live => "takes a new value by itself or on SIGHUP",
            Takes::Restart => "needs a restart for a new value",
            Takes::Never => "does not read it",
            Takes::OtherProfile => "takes nothing from this profile",
        };
        let Self { pid, addr, profile, since, .. } = self;
        format!("pid {pid} at {addr} serves profile `{profile}` since {since:.0}: {takes}")
    }
}

/// Why no command gets the variable although a file of the root sets it, if so.
///
/// # Errors
/// The list of trusted roots cannot be read (5).
fn kept_back(
    resolution: &Resolution,
    name: &str,
    workspace: &Workspace,
    agreement: Option<&Agreement>,
) -> Result<Option<Problem>, Fault> {
    let said = resolution.winner(name).map(|winner| (name, winner)).into_iter();
    Ok(unagreed::not_agreed_to(said, workspace, agreement, "handed on")?.remove(name))
}
