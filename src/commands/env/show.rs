//! `ultra env show [NAME]`: the settings as they are resolved; with `--origins` where each comes
//! from, and what it wins over.

use super::{resolved, variable};
use crate::base::words;
use crate::exit::ExitStatus;
use crate::report::{Block, Console, Fault, Problem, Report, Table, Tone};
use crate::settings::catalogue;
use crate::settings::origin::Origin;
use crate::settings::resolution::{Candidate, Resolution};
use crate::settings::secret::{SecretRef, SecretSource, ValueRef};
use crate::settings::shown::{Shown, shown as shown_of};
use crate::settings::{Layer, Workspace, load};
use serde::Serialize;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// One variable, or all of them.
    pub(crate) name: Option<String>,
    /// Whether to tell where each value stands, and what it wins over.
    pub(crate) origins: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    group: &'static str,
    secret: bool,
    set: bool,
    /// `None` for what is unset or must not be shown.
    value: Option<String>,
    origin: Option<Origin>,
    /// The keyed fingerprint of what must not be shown; asked for with the origins.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    /// What the value wins over, highest first; asked for with the origins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadowed: Vec<Lost>,
}

/// What a layer says that another one wins over.
#[derive(Serialize)]
struct Lost {
    /// `None` for what must not be shown.
    value: Option<String>,
    fingerprint: Option<String>,
    origin: Origin,
    #[serde(skip)]
    text: String,
}

/// Answers with one variable or all. What could not be understood is told on stderr, and the
/// command then ends with 3, because what is shown may not be what was meant.
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let loaded = load(workspace, &workspace.profile, secrets);
    let misread = loaded.misread;
    let (resolution, problems) = resolved(loaded)?;
    let names: Vec<String> = match &request.name {
        Some(name) => vec![variable(name, &resolution, workspace)?],
        None => {
            let known = catalogue::all().map(|spec| spec.name);
            let foreign = resolution.names().filter(|name| catalogue::find(name).is_none());
            known.chain(foreign).map(str::to_owned).collect()
        }
    };
    let rows: Vec<(Row, Option<Shown>)> =
        names.into_iter().map(|name| row(&resolution, name, request.origins, secrets)).collect();
    let mut view = Vec::new();
    let mut group = "";
    let head: &[&str] = match request.origins {
        true => &["variable", "value", "layer", "from"],
        false => &["variable", "value"],
    };
    let mut table = Table::new(head);
    for (row, shown) in &rows {
        if request.name.is_none() && row.group != group {
            if !table.rows.is_empty() {
                view.push(Block::Table(std::mem::take(&mut table)));
                table = Table::new(head);
            }
            view.push(Block::heading(row.group));
            group = row.group;
        }
        let by_default = row.origin.as_ref().is_none_or(|o| o.layer == Layer::Default);
        let tone = if by_default { Tone::Faint } else { Tone::Plain };
        let text = shown.as_ref().map_or_else(
            || "(unset)".to_owned(),
            |shown| with_print(shown.text(), row.fingerprint.as_deref()),
        );
        let mut cells = vec![(row.name.clone(), Tone::Plain), (text, tone)];
        if request.origins {
            cells.extend(
                row.origin.as_ref().map_or_else(nowhere, |origin| from(origin, &workspace.profile)),
            );
        }
        table.rows.push(cells);
        for lost in &row.shadowed {
            let text = with_print(lost.text.clone(), lost.fingerprint.as_deref());
            let mut cells = vec![("  over".to_owned(), Tone::Faint), (text, Tone::Faint)];
            cells.extend(from(&lost.origin, &workspace.profile));
            table.rows.push(cells);
        }
    }
    view.push(Block::Table(table));
    tell(&problems, misread, workspace, console);
    let rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    let data = serde_json::json!({"profile": workspace.profile, "variables": rows});
    let status = if misread { ExitStatus::DoesNotHold } else { ExitStatus::Holds };
    Ok(Report::new("ultra.env.show/1", data, view)?.status(status))
}

/// Says on stderr what could not be understood, and otherwise only that something is wrong.
pub(super) fn tell(
    problems: &[Problem],
    misread: bool,
    workspace: &Workspace,
    console: &dyn Console,
) {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    if misread {
        problems.iter().for_each(|problem| console.warn(problem));
    } else if errors > 0 {
        let profile = &workspace.profile;
        console.note(&format!(
            "profile `{profile}` does not hold ({}): ultra env validate {profile}",
            words::count(errors, "error")
        ));
    }
}

fn from(origin: &Origin, profile: &str) -> [(String, Tone); 2] {
    let layer = origin.layer.describe().replace("<profile>", profile);
    let place = match (&origin.place, &origin.written_as) {
        (None, None) => String::new(),
        (None, Some(name)) => format!("as `{name}`"),
        (Some(_), _) => origin.to_string(),
    };
    [(layer, Tone::Faint), (place, Tone::Faint)]
}

fn nowhere() -> [(String, Tone); 2] {
    [(String::new(), Tone::Faint), (String::new(), Tone::Faint)]
}

/// The text with the fingerprint behind it, if there is one.
pub(super) fn with_print(text: String, fingerprint: Option<&str>) -> String {
    match fingerprint {
        Some(print) => format!("{text} fingerprint {print}"),
        None => text,
    }
}

/// The keyed fingerprint of what a layer says and must not be shown. No vault is opened and no key
/// is made for it; `None` if it is shown anyway, or there is no fingerprint to be had.
pub(super) fn fingerprint(
    name: &str,
    candidate: &Candidate,
    secrets: &dyn SecretSource,
) -> Option<String> {
    if shown_of(name, candidate).plain().is_some() {
        return None;
    }
    if let ValueRef::Vault { profile, name } = &candidate.value {
        return secrets.facts(profile, name).ok()?.map(|facts| facts.fingerprint);
    }
    secrets.fingerprint_key_id().ok()??;
    let Candidate { origin, value } = candidate.clone();
    let secret = SecretRef { name: name.to_owned(), value, origin, by_root: false };
    let value = secret.reveal(secrets).ok()?;
    if value.is_empty() { None } else { secrets.fingerprint(&value).ok() }
}

fn row(
    resolution: &Resolution,
    name: String,
    origins: bool,
    secrets: &dyn SecretSource,
) -> (Row, Option<Shown>) {
    let spec = catalogue::find(&name);
    let winner = resolution.winner(&name);
    let shown = winner.map(|winner| shown_of(&name, winner));
    let lost = |candidate: &Candidate| {
        let said = shown_of(&name, candidate);
        Lost {
            value: said.plain().map(str::to_owned),
            fingerprint: fingerprint(&name, candidate, secrets),
            origin: candidate.origin.clone(),
            text: said.text(),
        }
    };
    let losing = resolution.candidates(&name).iter().rev();
    let losing = losing.filter(|c| !winner.is_some_and(|winner| std::ptr::eq(winner, *c)));
    let row = Row {
        fingerprint: winner.filter(|_| origins).and_then(|w| fingerprint(&name, w, secrets)),
        shadowed: losing.filter(|_| origins).map(lost).collect(),
        group: spec.map_or("application", |spec| spec.group),
        secret: spec.is_some_and(|spec| spec.secret) || matches!(shown, Some(Shown::Hidden(_))),
        set: winner.is_some(),
        value: shown.as_ref().and_then(Shown::plain).map(str::to_owned),
        origin: winner.map(|winner| winner.origin.clone()),
        name,
    };
    (row, shown)
}
