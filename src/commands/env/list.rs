//! `ultra env list`: the profiles.

use crate::report::{Block, Fault, Level, Problem, Report, Table, Tone};
use crate::settings::Workspace;
use crate::settings::profile::ALIASES;
use crate::settings::profile_file::{Assembled, assemble};
use crate::settings::profile_names;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct Row {
    name: String,
    aliases: Vec<&'static str>,
    current: bool,
    /// `None` where the file cannot be read.
    protected: Option<bool>,
    mode: Option<String>,
    extends: Vec<String>,
    /// `None` for a built-in profile.
    file: Option<PathBuf>,
    problems: Vec<Problem>,
}

/// Answers with every profile, also those that cannot be read.
pub(crate) fn run(workspace: &Workspace) -> Result<Report, Fault> {
    let rows: Vec<Row> =
        workspace.profile_names().into_iter().map(|name| row(workspace, name)).collect();
    let mut table = Table::new(&["", "profile", "protected", "mode", "extends", "from"]);
    for row in &rows {
        let plain = |text: &str| (text.to_owned(), Tone::Plain);
        let protected = match row.protected {
            Some(true) => ("yes".to_owned(), Tone::Warn),
            Some(false) => plain("no"),
            None => ("unreadable".to_owned(), Tone::Bad),
        };
        let mut name = row.name.clone();
        if !row.aliases.is_empty() {
            name.push_str(&format!(" ({})", row.aliases.join(", ")));
        }
        table.rows.push(vec![
            plain(if row.current { "*" } else { "" }),
            (name, if row.current { Tone::Strong } else { Tone::Plain }),
            protected,
            plain(row.mode.as_deref().unwrap_or_default()),
            plain(&row.extends.join(", ")),
            match &row.file {
                Some(file) => plain(&file.display().to_string()),
                None => ("built in".to_owned(), Tone::Faint),
            },
        ]);
    }
    let mut view = vec![Block::Table(table)];
    let findings = rows.iter().flat_map(|row| row.problems.iter().cloned());
    let mut told: Vec<Problem> = Vec::new();
    for problem in findings {
        // A profile that others extend brings its problems to each of them.
        // That one of them does not hold is no failure of a list: `env validate` says that.
        let problem = Problem { level: Level::Warning, ..problem };
        if !told.contains(&problem) {
            told.push(problem);
        }
    }
    view.extend(told.into_iter().map(Block::Finding));
    let data = serde_json::json!({"current": workspace.profile, "profiles": rows});
    Report::new("ultra.env.list/1", data, view)
}

fn row(workspace: &Workspace, name: String) -> Row {
    let mut problems = Vec::new();
    let assembled = assemble(workspace, &name, &mut problems);
    let mode = assembled.as_ref().map(mode);
    let profile = assembled.map(|assembled| assembled.profile);
    let broken = problems.iter().any(Problem::is_error);
    let file = workspace
        .profile_path(&name)
        .filter(|path| profile_names::taken(path))
        .map(|path| workspace.shown(&path));
    Row {
        aliases: ALIASES.iter().filter(|(_, of)| *of == name).map(|(alias, _)| *alias).collect(),
        current: name == workspace.profile,
        protected: profile.as_ref().filter(|_| !broken).map(|profile| profile.protected),
        mode,
        extends: profile.map(|profile| profile.extends).unwrap_or_default(),
        file,
        problems,
        name,
    }
}

/// The mode that the profile itself says, or the built-in default.
fn mode(assembled: &Assembled) -> String {
    let said = assembled.vars.iter().flatten().rev().find(|said| said.name == "ULTRA_MODE");
    said.map_or_else(|| "mock".to_owned(), |said| said.text.clone())
}
