//! `ultra check scan [PATH]`: secrets that stand in files.

use crate::base::words;
use crate::exit::ExitStatus;
use crate::report::{Block, Console, Fault, Place, Problem, Report, Table, Tone};
use crate::scan::{self, Options};
use crate::settings::Workspace;
use serde_json::json;
use std::path::PathBuf;

/// Scans `path`, or the root, or the current directory.
///
/// # Errors
/// There is no such file or directory (2), or nothing below it can be read (5).
pub(crate) fn run(
    path: Option<PathBuf>,
    workspace: &Workspace,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let path = match path {
        Some(path) => workspace.current_dir.join(path),
        None => workspace.root.clone().unwrap_or_else(|| workspace.current_dir.clone()),
    };
    let shown = workspace.shown(&path);
    if let Err(e) = std::fs::metadata(&path) {
        return Err(Fault::usage(
            Problem::error("no-such-path", format!("cannot scan `{}`", shown.display()))
                .at(Place::file(&shown))
                .why(e),
        ));
    }
    let progress = console.progress("scanning");
    let seen = scan::scan(&path, Options { secrets: true, code: false });
    drop(progress);
    if seen.files == 0 && !seen.unreadable.is_empty() {
        return Err(Fault::unreachable(
            Problem::error("unreadable", format!("cannot read `{}`", shown.display()))
                .at(Place::file(&shown)),
        ));
    }
    for unreadable in &seen.unreadable {
        let problem = Problem::warning("unreadable", "a file or folder could not be read");
        console.warn(&problem.at(Place::file(unreadable)));
    }
    let mut table = Table::new(&["where", "what", "found"]);
    for finding in &seen.findings {
        table.row([finding.place(), finding.what.clone(), finding.shown.clone()]);
    }
    let holds = seen.findings.is_empty();
    let mut view = Vec::new();
    if !holds {
        view.push(Block::Table(table));
    }
    let passed_over = match seen.too_large {
        0 => String::new(),
        n => format!(", {n} over 1 MiB passed over"),
    };
    let (tone, line) = if holds {
        (Tone::Good, format!("no secret in {}{passed_over}", words::count(seen.files, "file")))
    } else {
        let count = format!(
            "{} found in {}{passed_over}",
            seen.findings.len(),
            words::count(seen.files, "file")
        );
        (
            Tone::Bad,
            format!("{count}; move each into the vault (`ultra keys set NAME`) and rotate it"),
        )
    };
    view.push(Block::Toned(tone, line));
    let data = json!({
        "path": shown,
        "files": seen.files,
        "too_large": seen.too_large,
        "unreadable": seen.unreadable,
        "findings": seen.findings,
    });
    let status = if holds { ExitStatus::Holds } else { ExitStatus::DoesNotHold };
    Ok(Report::new("ultra.scan/1", data, view)?.status(status))
}
