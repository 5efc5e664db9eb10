//! `ultra check readiness`: whether a profile may go live, and what to fix if not.

use crate::check::engine::{self, Answer};
use crate::check::select::Selection;
use crate::check::target::Target;
use crate::check::verdict::{self, Summary, Verdict};
use crate::check::{Stage, all, gather};
use crate::report::{Block, Console, Fault, Outcome, Report, Table, Tone};
use crate::secrets::VaultSource;
use crate::settings::Workspace;
use crate::settings::profile::{Gate, Policy};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// Which checks.
    pub(crate) selection: Selection,
    /// The profile: its canonical name.
    pub(crate) profile: String,
    /// The server that live checks ask.
    pub(crate) target: Target,
    /// The gate, instead of those that the profile names.
    pub(crate) gate: Option<Gate>,
    /// Whether warnings alone end with their own code.
    pub(crate) fail_on_warn: bool,
    /// Whether absent secrets are left out of the judgement.
    pub(crate) declared_only: bool,
    /// Whether what passed and what was skipped is shown too.
    pub(crate) verbose: bool,
}

/// Judges the profile.
///
/// # Errors
/// A name that is no check, or a selection without a check (2); somebody who was asked for the
/// passphrase stopped the command (130).
pub(crate) fn run(
    mut request: Request,
    workspace: Workspace,
    vault: Arc<VaultSource>,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let ids = request.selection.ids(all())?;
    let wants =
        |stage: Stage| all().iter().any(|c| c.meta.stage == stage && ids.contains(&c.meta.id));
    // Asked before anything moves on the terminal, and once for us and the server.
    if !request.declared_only && (wants(Stage::Config) || wants(Stage::Live)) {
        let typed = vault.typed(&request.profile)?;
        if let Target::Spawned { identity, .. } = &mut request.target {
            *identity = typed;
        }
    }
    let progress = console.progress("gathering facts");
    let facts = gather::facts(&gather::Sources {
        workspace,
        vault,
        profile: request.profile.clone(),
        declared_only: request.declared_only,
        target: request.target,
    });
    gather::warm(&facts, wants(Stage::Live), wants(Stage::Static) || wants(Stage::Config));
    let answers = engine::run(all(), &ids, &facts);
    drop(progress);
    let config = facts.config.get().ok();
    let resolution = config.and_then(|c| c.resolution.as_ref());
    let policy = resolution.map_or_else(Policy::default, |r| r.profile.policy.clone());
    let gates = verdict::at_or_above(&match request.gate {
        Some(gate) => vec![gate],
        None => policy.gates,
    });
    let mode = resolution.and_then(|r| Some(r.text("ULTRA_MODE")?.0.to_owned()));
    let partial = left_out(&answers, request.declared_only);
    let summary = verdict::summarise(&answers, &gates, partial.is_some(), request.fail_on_warn);
    let data = json!({
        "profile": request.profile,
        "mode": mode,
        "verdict": summary.verdict,
        "score": summary.score,
        "counts": summary.counts,
        "checks": answers.iter().map(entry).collect::<Vec<_>>(),
    });
    let mut view = heading(&request.profile, mode.as_deref());
    view.extend(details(&answers, request.verbose));
    if !request.verbose {
        view.extend(skipped(&answers));
    }
    view.extend(sums(&answers, &gates, &summary, partial.as_deref()));
    Ok(Report::new("ultra.check/1", data, view)?.status(summary.status))
}

/// What keeps the answers from verifying a release, if they are not all.
fn left_out(answers: &[Answer], declared_only: bool) -> Option<String> {
    let missing = all().len() - answers.len();
    match (missing, declared_only) {
        (0, false) => None,
        (0, true) => Some("secrets are declared, not present".to_owned()),
        (n, _) => Some(format!("{n} of {} checks left out", all().len())),
    }
}

/// One check in JSON.
fn entry(answer: &Answer) -> Value {
    let (meta, judgement) = (answer.meta, &answer.judgement);
    json!({
        "id": meta.id,
        "group": meta.group,
        "title": meta.title,
        "severity": meta.severity,
        "gate": meta.gate,
        "stage": meta.stage,
        "outcome": judgement.outcome,
        "observed": judgement.observed,
        "expected": judgement.expected.as_deref().unwrap_or(meta.title),
        "fix": judgement.fix,
        "docs": docs(meta.id),
        "duration_ms": u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
        "evidence": judgement.evidence,
    })
}

/// Where the page of a check is: inside the program, so that it is at hand where the check ran.
fn docs(id: &str) -> String {
    format!("ultra check explain {id}")
}

fn heading(profile: &str, mode: Option<&str>) -> Vec<Block> {
    let mode = mode.map(|mode| format!(", mode {mode}")).unwrap_or_default();
    vec![Block::heading(format!("Readiness of {profile}{mode}"))]
}

/// Evidence that people see of one check; JSON holds all of it.
const EVIDENCE: usize = 12;

/// What did not pass, the worst first; the rest in one line each if `verbose`.
fn details(answers: &[Answer], verbose: bool) -> Vec<Block> {
    let mut sorted: Vec<&Answer> = answers.iter().collect();
    sorted.sort_by_key(|a| (a.judgement.outcome, a.meta.gate.word(), a.meta.severity, a.meta.id));
    let mut blocks = Vec::new();
    for answer in sorted {
        let (meta, judgement) = (answer.meta, &answer.judgement);
        let head = format!("{:<7} {} {}", judgement.outcome.word(), meta.id, meta.title);
        let quiet = matches!(judgement.outcome, Outcome::Pass | Outcome::Skip);
        if quiet {
            if verbose {
                let line = format!("{head} ({})", judgement.observed);
                blocks.push(Block::Toned(judgement.outcome.tone(), line));
            }
            continue;
        }
        let rank = format!("{head} [{} {}]", meta.gate.word(), meta.severity.word());
        blocks.push(Block::Toned(judgement.outcome.tone(), rank));
        let mut line = |name: &str, text: &str| {
            blocks.push(Block::text(format!("        {name:<9} {text}")));
        };
        line("observed", &judgement.observed);
        line("expected", judgement.expected.as_deref().unwrap_or(meta.title));
        for evidence in judgement.evidence.iter().take(EVIDENCE) {
            let place = evidence.place.as_ref().map(|p| format!(" ({p})")).unwrap_or_default();
            line("-", &format!("{}{place}", evidence.summary));
        }
        if judgement.evidence.len() > EVIDENCE {
            line("-", &format!("and {} more", judgement.evidence.len() - EVIDENCE));
        }
        if let Some(fix) = &judgement.fix {
            line("fix", fix);
        }
        line("docs", &docs(meta.id));
    }
    blocks
}

/// Why checks were skipped: one line for each reason.
fn skipped(answers: &[Answer]) -> Vec<Block> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for answer in answers.iter().filter(|a| a.judgement.outcome == Outcome::Skip) {
        reasons.entry(&answer.judgement.observed).or_default().push(answer.meta.id);
    }
    let line = |(reason, ids): (&str, Vec<&str>)| match ids.as_slice() {
        [one] => format!("{one}: {reason}"),
        several => format!("{} checks: {reason}", several.len()),
    };
    let lines: Vec<String> = reasons.into_iter().map(line).collect();
    match lines.is_empty() {
        true => Vec::new(),
        false => vec![Block::Toned(Tone::Faint, "skipped".to_owned()), Block::List(lines)],
    }
}

/// Counts by gate, the score and, last, the verdict.
fn sums(
    answers: &[Answer],
    gates: &[Gate],
    summary: &Summary,
    partial: Option<&str>,
) -> Vec<Block> {
    let mut table = Table::new(&["gate", "pass", "warn", "fail", "unknown", "skip", ""]);
    for gate in [Gate::P0, Gate::P1, Gate::P2] {
        let count = |outcome: Outcome| {
            let of = |a: &&Answer| a.meta.gate == gate && a.judgement.outcome == outcome;
            answers.iter().filter(of).count().to_string()
        };
        table.row([
            gate.word().to_owned(),
            count(Outcome::Pass),
            count(Outcome::Warn),
            count(Outcome::Fail),
            count(Outcome::Unknown),
            count(Outcome::Skip),
            if gates.contains(&gate) { "blocks" } else { "" }.to_owned(),
        ]);
    }
    let score = format!(
        "readiness {} % (what holds of what applies, by severity; a warning counts half)",
        summary.score
    );
    let (tone, verdict) = match summary.verdict {
        Verdict::Ready => (Tone::Good, "verdict: ready".to_owned()),
        Verdict::NotReady => (Tone::Bad, "verdict: not-ready".to_owned()),
        Verdict::Unverified if summary.selection_holds => {
            let why = partial.unwrap_or("not all was asked");
            (Tone::Warn, format!("selection holds; release unverified ({why})"))
        }
        Verdict::Unverified => (Tone::Warn, format!("verdict: {}", summary.verdict.word())),
    };
    vec![
        Block::heading("Counts"),
        Block::Table(table),
        Block::text(score),
        Block::Toned(tone, verdict),
    ]
}
