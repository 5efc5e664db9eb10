//! `ultra env init`: starts a project in a directory.
//!
//! Every file is made whole or not at all and none is overwritten, so a run that was cut short is
//! completed by the next. The order is that of safety: what git must not see is ignored first.

mod files;
mod questions;
mod write;

pub(crate) use files::{Cache, Database, ProfileSet};

use crate::base::file;
use crate::report::{Block, Console, Fault, Place, Problem, Report, Tone};
use crate::settings::dotenv;
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::secretish::name_for_message;
use files::Choices;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The directory of the project, absolute; it need not exist.
    pub(crate) dir: PathBuf,
    /// The home directory, in which no project is started.
    pub(crate) home: Option<PathBuf>,
    /// The root that the current directory belongs to, if the project's directory was not named.
    pub(crate) above: Option<PathBuf>,
    /// How the directory is called in messages.
    pub(crate) shown: PathBuf,
    /// Which profiles to start with.
    pub(crate) profile_set: ProfileSet,
    /// Names of providers; `None` if nobody said, empty for none yet.
    pub(crate) providers: Option<Vec<String>>,
    /// Where production keeps its data, if somebody said.
    pub(crate) database: Option<Database>,
    /// What production remembers answers in, if somebody said.
    pub(crate) cache: Option<Cache>,
    /// Whether defaults answer what nobody said.
    pub(crate) yes: bool,
    /// Whether to say only what would be written.
    pub(crate) dry_run: bool,
    /// Whether people are told nothing that went well.
    pub(crate) quiet: bool,
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Deed {
    /// It is new.
    Write,
    /// It is there and stays as it is.
    Keep,
    /// It is there and gets the lines that it lacks.
    Extend,
}

#[derive(Clone, Debug, Serialize)]
struct Row {
    path: &'static str,
    deed: Deed,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<&'static str>,
}

/// Starts a project, or completes one.
///
/// # Errors
/// An unknown provider (2), a directory that cannot be written (5), a directory that no project
/// belongs in or a question that nobody answers (6).
pub(crate) fn run(request: &Request, console: &dyn Console) -> Result<Report, Fault> {
    allowed(request)?;
    let providers = request.providers.as_deref().map(known).transpose()?;
    let mut rows = write::look(request)?;
    let todo = rows.iter().any(|row| row.deed != Deed::Keep);
    if !todo {
        return report(request, &rows, None);
    }
    let choices = if rows.iter().any(|row| row.path == files::PROD && row.deed == Deed::Write) {
        questions::ask(request, providers, console)?
    } else {
        Choices::defaults(providers.unwrap_or_default())
    };
    if !request.dry_run {
        write::write(request, &choices, &mut rows)?;
    }
    report(request, &rows, Some(&choices))
}

/// Refuses the places that hold more than one project, and a project within another one.
fn allowed(request: &Request) -> Result<(), Fault> {
    let refused = |code, what: String| Problem::error(code, what).at(Place::file(&request.shown));
    let dir = request.dir.canonicalize().unwrap_or_else(|_| request.dir.clone());
    if dir.parent().is_none() || request.home.as_deref() == Some(&*dir) {
        return Err(Fault::refused(
            refused("no-project-here", "no project is started here".to_owned())
                .why("`/` and the home directory hold more than one project")
                .hint("ultra env init NAME"),
        ));
    }
    if let Some(above) = &request.above {
        return Err(Fault::refused(
            refused("root-above", format!("this is part of the project `{}`", above.display()))
                .why("a project within another would hide it")
                .hint(format!(
                    "`ultra env init {}` completes that one; `ultra env init .` starts one here",
                    above.display()
                )),
        ));
    }
    Ok(())
}

/// The providers of these names; `none` is none of them.
fn known(names: &[String]) -> Result<Vec<&'static str>, Fault> {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for name in names.iter().filter(|name| *name != "none") {
        match KNOWN_PROVIDERS.iter().find(|known| known.name == name) {
            Some(known) if !found.contains(&known.name) => found.push(known.name),
            Some(_) => {}
            None => {
                let names = KNOWN_PROVIDERS.iter().map(|known| known.name);
                problems.push(
                    Problem::error(
                        "unknown-provider",
                        format!("unknown provider {}", name_for_message(name)),
                    )
                    .maybe_hint(crate::base::near::hint(name, names)),
                );
            }
        }
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(Fault::new(crate::exit::ExitStatus::Usage, problems))
    }
}

fn report(request: &Request, rows: &[Row], choices: Option<&Choices>) -> Result<Report, Fault> {
    let lines = rows.iter().map(|row| match (row.deed, request.dry_run) {
        (Deed::Keep, _) => (' ', format!("{} is there and kept", row.path)),
        (Deed::Write, _) => ('+', row.path.to_owned()),
        (Deed::Extend, _) => ('~', format!("{} gets {}", row.path, row.lines.join(" "))),
    });
    let changed = choices.is_some();
    let shown = request.shown.display();
    let headline = match (changed, request.dry_run) {
        (false, _) => format!("nothing to do: `{shown}` is a project already"),
        (true, true) => format!("would write into `{shown}`"),
        (true, false) => format!("`{shown}` is a project now"),
    };
    let mut view = vec![
        if changed && !request.dry_run {
            Block::Toned(Tone::Good, headline)
        } else {
            Block::text(headline)
        },
        Block::Diff(lines.collect()),
    ];
    let next = choices.map(|choices| next(request, choices)).unwrap_or_default();
    if !next.is_empty() && !request.dry_run {
        view.push(Block::heading("Next"));
        view.push(Block::List(next.clone()));
    }
    if request.quiet && !request.dry_run {
        view.clear();
    }
    Report::new(
        "ultra.env.init/1",
        serde_json::json!({
            "dir": request.dir,
            "dry_run": request.dry_run,
            "changed": changed && !request.dry_run,
            "files": rows,
            "choices": choices,
            "next": next,
        }),
        view,
    )
}

/// What a person does next.
fn next(request: &Request, choices: &Choices) -> Vec<String> {
    let mut next = Vec::new();
    if request.shown != Path::new(".") {
        next.push(format!("cd {}", request.shown.display()));
    }
    // The rest of a file that is too long to be read is of no interest: it is somebody's own.
    let written = file::read_bounded(&request.dir.join(".env"), dotenv::LIMIT);
    if written.is_ok_and(|bytes| bytes.is_some_and(|bytes| !dotenv::is_generated(&bytes))) {
        next.push("ultra env import .env".to_owned());
    }
    next.push("ultra serve".to_owned());
    for provider in &choices.providers {
        next.push(format!("ultra keys set {provider} --profile prod"));
    }
    next.push("ultra env validate prod".to_owned());
    next
}
