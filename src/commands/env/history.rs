//! `ultra env history`: the switches of this state directory, newest first.

use super::switching;
use crate::report::{Block, Fault, Report, Table};
use crate::settings::Workspace;
use crate::settings::switch::history;
use crate::settings::switch_record::{DotenvStep, SwitchKind};
use serde::Serialize;

#[derive(Serialize)]
struct Row<'a> {
    generation: u64,
    at: Option<crate::base::Timestamp>,
    kind: SwitchKind,
    from: Option<&'a str>,
    to: Option<&'a str>,
    dotenv: DotenvStep,
    #[serde(skip)]
    removed: bool,
    undoes: &'a [u64],
    undoable: bool,
}

/// Answers with the newest `limit` entries of the history.
///
/// # Errors
/// An entry cannot be read (5).
pub(crate) fn run(limit: usize, workspace: &Workspace) -> Result<Report, Fault> {
    let entries = switching::entries(workspace)?;
    let undoable: Vec<u64> = history::undoable(&entries).iter().map(|r| r.generation).collect();
    let rows: Vec<Row<'_>> = entries
        .iter()
        .rev()
        .take(limit)
        .map(|r| Row {
            generation: r.generation,
            at: r.at,
            kind: r.kind,
            from: r.from.as_deref(),
            to: r.to.as_deref(),
            dotenv: r.dotenv,
            removed: r.dotenv == DotenvStep::Write && r.env_after.is_none(),
            undoes: &r.undoes,
            undoable: undoable.contains(&r.generation),
        })
        .collect();
    let older = entries.len() - rows.len();
    let view = if rows.is_empty() {
        vec![Block::text("nobody has switched yet; `dev` counts")]
    } else {
        let mut table = Table::new(&["generation", "when", "what", "from", "to", ".env"]);
        for row in &rows {
            table.row([
                row.generation.to_string(),
                row.at.map_or_else(|| "?".to_owned(), |at| format!("{at:.0}")),
                what(row),
                row.from.unwrap_or("(nobody decided)").to_owned(),
                row.to.unwrap_or("(nobody decided)").to_owned(),
                if row.removed { "removed" } else { dotenv(row.dotenv) }.to_owned(),
            ]);
        }
        let all = entries.len();
        let more = (older > 0)
            .then(|| Block::text(format!("{older} older: ultra env history --limit {all}")));
        [Block::Table(table)].into_iter().chain(more).collect()
    };
    Report::new("ultra.env.history/1", serde_json::json!({"entries": rows, "older": older}), view)
}

fn what(row: &Row<'_>) -> String {
    match row.kind {
        SwitchKind::Switch if row.undoable => "switch".to_owned(),
        SwitchKind::Switch => "switch, undone".to_owned(),
        SwitchKind::Undo => {
            let of: Vec<String> = row.undoes.iter().map(u64::to_string).collect();
            format!("undo of {}", of.join(", "))
        }
    }
}

fn dotenv(step: DotenvStep) -> &'static str {
    match step {
        DotenvStep::Write => "written",
        DotenvStep::Adopt => "adopted",
        DotenvStep::Restore => "restored",
        DotenvStep::Leave => "left alone",
    }
}
