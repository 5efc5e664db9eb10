//! `ultra keys audit`: what was done to the vault and its keys, and whether that record is whole.

use super::Desk;
use crate::base::{process, words};
use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Place, Problem, Report, Table, Tone};
use crate::secrets::audit::Line;
use crate::secrets::chain::Chain;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// Whether it is looked at whether the record is whole.
    pub(crate) verify: bool,
    /// Whether the vault is opened for that.
    pub(crate) open: bool,
    /// How many of the last lines are shown.
    pub(crate) limit: usize,
}

/// Shows the last lines. A line that is wrong ends it with 3 only where that was asked for.
///
/// # Errors
/// The audit or the index cannot be read, or the vault cannot be opened (5).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let mut last: VecDeque<Line> = VecDeque::new();
    let chain = desk.vault.audited(request.open, |line| {
        if last.len() == request.limit {
            last.pop_front();
        }
        if request.limit > 0 {
            last.push_back(line);
        }
    })?;
    let path = desk.vault.path("audit.jsonl");
    let problems = chain.as_ref().map(|chain| problems(chain, &path)).unwrap_or_default();
    let whole = chain.as_ref().is_none_or(Chain::is_whole);
    let lines = chain.as_ref().map_or(0, |chain| chain.lines);
    let mut view = Vec::new();
    if last.is_empty() && lines == 0 && whole {
        view.push(Block::text("nothing was ever done to the vault: there is none yet"));
    }
    let mut users = BTreeMap::new();
    if !last.is_empty() {
        view.push(table(&last, &mut users));
    }
    if lines > last.len() as u64 && request.limit > 0 {
        let shown = last.len();
        view.push(Block::Toned(
            Tone::Faint,
            format!(
                "the last {shown} of {}; `--limit {lines}` shows all",
                words::count(lines, "line")
            ),
        ));
    }
    view.extend(problems.iter().cloned().map(Block::Finding));
    let elsewhere = chain.as_ref().map(|chain| &*chain.elsewhere).unwrap_or_default();
    if request.verify {
        view.extend(elsewhere.iter().map(|(first, last)| Block::text(joined(*first, *last))));
    }
    if request.verify {
        let verdict = match (whole, lines) {
            (true, lines) => format!("the audit is whole: {}", words::count(lines, "line")),
            (false, _) => "the audit is not whole".to_owned(),
        };
        view.push(Block::Toned(if whole { Tone::Good } else { Tone::Bad }, verdict));
    }
    let entries: Vec<_> = last
        .iter()
        .map(|line| {
            let mut value = serde_json::to_value(line).unwrap_or_default();
            if let Some(map) = value.as_object_mut() {
                map.insert("user".to_owned(), json!(user(line.uid, &mut users)));
            }
            value
        })
        .collect();
    let findings = chain.as_ref().map(|chain| &chain.findings);
    let report = Report::new(
        "ultra.keys.audit/1",
        json!({
            "path": path,
            "lines": lines,
            "whole": whole,
            "verified": request.verify,
            "opened": request.open,
            "findings": findings,
            "elsewhere": elsewhere.iter().map(|(first, last)| json!([first, last])).collect::<Vec<_>>(),
            "torn": chain.as_ref().is_some_and(|chain| chain.torn),
            "entries": entries,
        }),
        view,
    )?;
    let fails = request.verify && !whole;
    Ok(report.status(if fails { ExitStatus::DoesNotHold } else { ExitStatus::Holds }))
}

fn user(uid: u32, known: &mut BTreeMap<u32, String>) -> String {
    known.entry(uid).or_insert_with(|| process::user(uid)).clone()
}

fn table(lines: &VecDeque<Line>, users: &mut BTreeMap<u32, String>) -> Block {
    let head = ["line", "when", "who", "event", "key", "version", "generation", "detail"];
    let mut table = Table::new(&head);
    for line in lines {
        let event = &line.event;
        let of_vault = event.profile == "*";
        let key =
            if of_vault { "-".to_owned() } else { format!("{}/{}", event.profile, event.name) };
        // A value that a file feeds has no version.
        let none = of_vault || event.version == 0;
        let version = if none { "-".to_owned() } else { format!("v{}", event.version) };
        // Whoever wrote a line of their own must not draw on the terminal with it.
        table.row([
            line.seq.to_string(),
            line.at.to_string(),
            user(line.uid, users),
            event.event.escape_debug().to_string(),
            key.escape_debug().to_string(),
            version,
            line.generation.to_string(),
            event.detail.as_deref().unwrap_or("-").escape_debug().to_string(),
        ]);
    }
    Block::Table(table)
}

/// That a vault was taken whose audit goes on elsewhere.
fn joined(first: u64, last: u64) -> String {
    let lines = if first == last {
        format!("line {first} is")
    } else {
        format!("lines {first} to {last} are")
    };
    format!(
        "{lines} in the audit of the machine whose vault was taken (`taken`), not in this one: that \
         is no gap"
    )
}

/// What is wrong, each with the line.
pub(super) fn problems(chain: &Chain, path: &std::path::Path) -> Vec<Problem> {
    let line = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let mut problems: Vec<Problem> = chain
        .findings
        .iter()
        .map(|finding| {
            Problem::error("audit-broken", format!("line {} {}", finding.line, finding.what))
                .at(Place { line: Some(line(finding.line)), ..Place::file(path) })
        })
        .collect();
    if chain.more > 0 {
        problems.push(Problem::error("audit-broken", format!("and {} more", chain.more)));
    }
    if let Some(last) = problems.last_mut() {
        last.hint = Some(
            "compare it with a backup; what is wrong stays on record, and new lines are chained to it"
                .to_owned(),
        );
    }
    if chain.torn {
        problems.push(
            Problem::warning("audit-torn", "the last line was cut short while it was written")
                .at(Place::file(path))
                .why("it tells of a change that was not made; the next change tidies it up"),
        );
    }
    problems
}
