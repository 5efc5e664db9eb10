//! What an import tells: every decision, and what the profile still lacks.

use super::decision::{Decision, What};
use super::{Outcome, Request, leftover, source, unseen};
use crate::base::words;
use crate::commands::keys::{Desk, intake};
use crate::report::{Block, Fault, Problem, Report, Table, Tone};
use crate::settings::names::{self, Meaning};
use crate::settings::origin::{Layer, Origin};
use crate::settings::resolution::Candidate;
use crate::settings::secret::ValueRef;
use crate::settings::shown::{Shown, shown as shown_of};
use crate::settings::{Workspace, load};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// As many entries of a kind are in the table.
const MOST: usize = 50;

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    line: Option<u32>,
    decision: What,
    /// Whether it was there before.
    already: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    secret: bool,
    /// The value, if `env show` would show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tested: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// The report.
pub(super) fn report(
    request: &Request,
    workspace: &Workspace,
    desk: &Desk<'_>,
    source: &source::Text,
    outcome: &Outcome,
) -> Result<Report, Fault> {
    let into = workspace.shown(&outcome.into);
    let rows: Vec<Row<'_>> =
        outcome.decisions.iter().map(|decision| row(decision, outcome, &into)).collect();
    let mut table = Table::new(&["line", "name", "decision", "to", "value"]);
    let mut drawn: BTreeMap<String, usize> = BTreeMap::new();
    for (row, decision) in rows.iter().zip(&outcome.decisions) {
        let of_its_kind = drawn.entry(word(row)).or_default();
        *of_its_kind += 1;
        if *of_its_kind > MOST {
            continue;
        }
        let value = match (row.value.as_deref(), row.fingerprint, row.secret && row.to.is_some()) {
            (Some(value), _, _) => on_one_line(value),
            (None, Some(fingerprint), true) => format!("[secret: {fingerprint}]"),
            (None, None, true) if !decision.text.is_empty() => {
                format!("[secret of {}]", words::count(decision.text.len(), "byte"))
            }
            _ => String::new(),
        };
        let value = match row.why {
            Some(why) if value.is_empty() => why.to_owned(),
            Some(why) => format!("{value} ({why})"),
            None => value,
        };
        table.rows.push(vec![
            (row.line.map(|n| n.to_string()).unwrap_or_default(), Tone::Faint),
            (row.name.to_owned(), Tone::Plain),
            (word(row), tone(row)),
            (row.to.clone().unwrap_or_default(), Tone::Plain),
            (value, Tone::Plain),
        ]);
    }
    let profile = desk.profile();
    let written = rows.iter().filter(|row| !row.already && row.to.is_some()).count();
    let changed = outcome.merge.changes() || written > 0;
    let headline = match (changed, request.dry_run) {
        (false, _) => {
            format!("nothing to import into profile `{profile}`: all of it is there or drops out")
        }
        (true, true) => format!("would import into profile `{profile}`; nothing is written"),
        (true, false) => format!("imported into profile `{profile}`"),
    };
    let mut view = vec![Block::text(headline)];
    if !rows.is_empty() {
        view.push(Block::Table(table));
    }
    for (word, count) in drawn.iter().filter(|(_, count)| **count > MOST) {
        view.push(Block::text(format!("{} more {word} (`-o json` lists all)", count - MOST)));
    }
    let unseen = unseen::names(&outcome.decisions, request.keep_names);
    view.extend(unseen::lines(&unseen));
    let lacks = if request.dry_run { Vec::new() } else { lacks(workspace, desk) };
    if !lacks.is_empty() {
        view.push(Block::heading(format!("What `{profile}` still lacks")));
        view.extend(lacks.iter().cloned().map(Block::Finding));
    }
    view.extend(left_behind(request, workspace, profile, source, outcome).map(Block::text));
    let schema = if request.keys_only { "ultra.keys.import/1" } else { "ultra.env.import/1" };
    let into = (!request.keys_only).then_some(into);
    Report::new(
        schema,
        serde_json::json!({
            "profile": profile,
            "source": source.shown,
            "into": into,
            "dry_run": request.dry_run,
            "changed": changed && !request.dry_run,
            "source_removed": outcome.removed,
            "entries": rows,
            "unseen": unseen,
            "lacks": lacks,
        }),
        view,
    )
}

fn row<'a>(decision: &'a Decision, outcome: &'a Outcome, into: &Path) -> Row<'a> {
    let name = decision.to.as_deref().unwrap_or_default();
    let ready = outcome.ready.iter().find(|one| decision.what == What::Vault && one.wanted == name);
    let to = match decision.what {
        What::Vault => ready.map(|one| format!("vault:{}", one.entry())),
        What::Kept | What::Renamed => Some(format!("{}: {name}", into.display())),
        _ => None,
    };
    let shown = decision.written().then(|| shown(name, &decision.text, decision.secret));
    let hidden = matches!(shown, Some(Shown::Hidden(_)));
    let secret = (decision.secret || hidden) && !decision.text.is_empty();
    Row {
        name: &decision.name,
        line: decision.place.line,
        decision: decision.what,
        already: ready.is_some_and(|one| one.fate == intake::Fate::Same)
            || (decision.written() && outcome.merge.present.iter().any(|there| there == name)),
        to,
        secret,
        value: shown.as_ref().and_then(Shown::plain).map(str::to_owned),
        fingerprint: ready.and_then(|one| one.fingerprint.as_deref()),
        tested: ready.and_then(intake::Ready::tested),
        why: decision.why.as_deref(),
    }
}

fn word(row: &Row<'_>) -> String {
    let word = match row.decision {
        _ if row.already => "already there",
        What::Kept => "kept",
        What::Renamed => "renamed",
        What::Vault => "to the vault",
        What::Placeholder => "dropped: placeholder",
        What::Empty => "dropped: empty",
        What::Default => "dropped: default",
        What::Duplicate => "dropped: twice",
        What::Unused => "dropped: unused",
        What::Profile => "dropped: profile",
        What::Left => "left out",
        What::NoKey => "stays: no key",
    };
    word.to_owned()
}

fn tone(row: &Row<'_>) -> Tone {
    match row.decision {
        What::Kept | What::Renamed | What::Vault => Tone::Good,
        What::Placeholder | What::Unused => Tone::Warn,
        _ => Tone::Faint,
    }
}

/// What may be shown of a value in the file, by the rule of `env show`.
fn shown(name: &str, text: &str, secret: bool) -> Shown {
    if secret && !text.is_empty() {
        return Shown::Hidden("secret".to_owned());
    }
    // By its name here: the one in the file may be an alias.
    let name = match names::meaning(name) {
        Meaning::Variable(spec) | Meaning::Alias(spec, _) => spec.name,
        Meaning::FileOf(_) => return Shown::Plain(text.to_owned()),
        Meaning::UnknownOurs | Meaning::Foreign => name,
    };
    let value = ValueRef::Text(text.to_owned());
    shown_of(name, &Candidate { origin: Origin::of(Layer::DotenvProfileLocal), value })
}

/// A value on one line, not too long.
fn on_one_line(value: &str) -> String {
    const LONGEST: usize = 48;
    let mut text: String = value.escape_debug().take(LONGEST).collect();
    if value.chars().count() > LONGEST {
        text.push('…');
    }
    text
}

/// What keeps the profile from holding.
fn lacks(workspace: &Workspace, desk: &Desk<'_>) -> Vec<Problem> {
    let loaded = load(workspace, desk.profile(), desk.vault);
    loaded.problems.into_iter().filter(Problem::is_error).collect()
}

/// A line about secrets that the source still holds.
fn left_behind(
    request: &Request,
    workspace: &Workspace,
    profile: &str,
    source: &source::Text,
    outcome: &Outcome,
) -> Option<String> {
    let shown = source.shown.display();
    let pasted = words::argument(&source.shown);
    let read = source.path.as_deref().and_then(|path| super::layer(workspace, profile, path));
    let read = read.map(|_| " and is read as before").unwrap_or_default();
    if outcome.removed {
        return Some(format!("removed `{shown}`"));
    }
    let holds = outcome.decisions.iter().any(|d| d.what == What::Vault);
    if !holds || outcome.in_place || source.path.is_none() {
        return None;
    }
    let whole = leftover::nothing(source, &outcome.decisions).is_ok();
    Some(match (request.dry_run, whole) {
        (true, true) => format!("`{shown}` holds secrets; `--remove-source` removes it afterwards"),
        (true, false) => {
            format!("`{shown}` holds secrets, and values that are not taken over")
        }
        (false, true) => format!(
            "`{shown}` still holds the secrets{read}; run it again with `--remove-source`, or `rm {pasted}`"
        ),
        (false, false) => format!(
            "`{shown}` still holds the secrets{read}, and values that were not taken over; `rm {pasted}` once none of them is needed"
        ),
    })
}
