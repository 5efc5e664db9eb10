//! `ultra env show [NAME]`: the settings as they are resolved, and where each comes from.

use super::{resolved, variable};
use crate::exit::ExitStatus;
use crate::report::{Block, Console, Fault, Problem, Report, Table, Tone};
use crate::settings::catalogue;
use crate::settings::origin::Origin;
use crate::settings::resolution::Resolution;
use crate::settings::secret::SecretSource;
use crate::settings::shown::{Shown, shown};
use crate::settings::{Layer, Workspace, load};
use serde::Serialize;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// One variable, or all of them.
    pub(crate) name: Option<String>,
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
        names.into_iter().map(|name| row(&resolution, name)).collect();
    let mut view = Vec::new();
    let mut group = "";
    let mut table = Table::new(&["variable", "value", "from"]);
    for (row, shown) in &rows {
        if request.name.is_none() && row.group != group {
            if !table.rows.is_empty() {
                view.push(Block::Table(std::mem::take(&mut table)));
                table = Table::new(&["variable", "value", "from"]);
            }
            view.push(Block::heading(row.group));
            group = row.group;
        }
        let by_default = row.origin.as_ref().is_none_or(|o| o.layer == Layer::Default);
        let tone = if by_default { Tone::Faint } else { Tone::Plain };
        table.rows.push(vec![
            (row.name.clone(), Tone::Plain),
            (shown.as_ref().map_or_else(|| "(unset)".to_owned(), Shown::text), tone),
            (row.origin.as_ref().map(ToString::to_string).unwrap_or_default(), Tone::Faint),
        ]);
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
            "profile `{profile}` does not hold ({errors} errors): ultra env validate {profile}"
        ));
    }
}

fn row(resolution: &Resolution, name: String) -> (Row, Option<Shown>) {
    let spec = catalogue::find(&name);
    let winner = resolution.winner(&name);
    let shown = winner.map(|winner| shown(&name, winner));
    let row = Row {
        group: spec.map_or("application", |spec| spec.group),
        secret: spec.is_some_and(|spec| spec.secret) || matches!(shown, Some(Shown::Hidden(_))),
        set: winner.is_some(),
        value: shown.as_ref().and_then(Shown::plain).map(str::to_owned),
        origin: winner.map(|winner| winner.origin.clone()),
        name,
    };
    (row, shown)
}
