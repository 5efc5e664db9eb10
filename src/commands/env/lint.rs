//! `ultra env lint FILE..`: what is wrong in dotenv files, and what others would read in them.

use super::compat;
use super::input::{self, Input, is_stdin};
use crate::base::words;
use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Problem, Report, Tone};
use crate::settings::Workspace;
use crate::settings::dotenv;
use crate::settings::dotenv::compat::{Difference, Tool};
use crate::settings::lint::{self, Exposure};
use serde::Serialize;
use std::path::PathBuf;

/// What to judge.
#[derive(Debug)]
pub(crate) struct Request {
    /// The files, as they were named; `-` is standard input.
    pub(crate) files: Vec<PathBuf>,
    /// The programs to compare with.
    pub(crate) tools: Vec<Tool>,
    /// Whether warnings end with an exit code of their own.
    pub(crate) fail_on_warn: bool,
}

/// A file of the answer.
#[derive(Debug, Serialize)]
struct Linted {
    path: PathBuf,
    problems: Vec<Problem>,
    differences: Vec<Difference>,
}

/// Judges every file.
///
/// # Errors
/// A file that is not there (2) or cannot be read (5); both at once are 2.
pub(crate) fn run(request: &Request, workspace: &Workspace) -> Result<Report, Fault> {
    if request.files.iter().filter(|file| is_stdin(file)).count() > 1 {
        return Err(Fault::usage(
            Problem::error("one-input", "standard input can be read once")
                .hint("leave one `-`, and name files for the others"),
        ));
    }
    let mut status = ExitStatus::Unreachable;
    let mut unreadable = Vec::new();
    let mut files = Vec::new();
    for file in &request.files {
        match input::read(file, "cannot read the dotenv file", workspace) {
            Ok(Input { shown, path, bytes }) => {
                let exposure = path.as_deref().map(Exposure::of).unwrap_or_default();
                files.push((shown, bytes, exposure));
            }
            Err(fault) => {
                if fault.status == ExitStatus::Usage {
                    status = ExitStatus::Usage;
                }
                unreadable.extend(fault.problems);
            }
        }
    }
    if !unreadable.is_empty() {
        return Err(Fault::new(status, unreadable));
    }
    let mut linted = Vec::new();
    for (path, bytes, exposure) in files {
        let mut problems = Vec::new();
        let document = dotenv::parse(&path, &bytes, &mut problems);
        let ours = compat::ours(&document, &mut problems);
        let file = lint::File { shown: &path, bytes: &bytes, document: &document, exposure };
        lint::judge(&file, &mut problems);
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        let differences = compat::compare(&path, &bytes, &ours, &request.tools)?;
        linted.push(Linted { path, problems, differences });
    }
    report(request, &linted)
}

fn report(request: &Request, files: &[Linted]) -> Result<Report, Fault> {
    let problems = || files.iter().flat_map(|file| &file.problems);
    let errors = problems().filter(|problem| problem.is_error()).count();
    let warnings = problems().count() - errors;
    let differences: usize = files.iter().map(|file| file.differences.len()).sum();
    let mut view = Vec::new();
    for file in files {
        view.extend(file.problems.iter().cloned().map(Block::Finding));
        if !file.differences.is_empty() {
            view.push(Block::heading(file.path.display().to_string()));
            view.push(Block::Fitted(compat::table(&file.differences)));
            let more = file.differences.len().saturating_sub(compat::SHOWN);
            if more > 0 {
                view.push(Block::text(format!("{more} more; `-o json` has them all")));
            }
        }
    }
    let mut line = format!(
        "{}, {} in {}",
        words::count(errors, "error"),
        words::count(warnings, "warning"),
        words::count(files.len(), "file")
    );
    if !request.tools.is_empty() {
        let names: Vec<&str> = request.tools.iter().copied().map(Tool::name).collect();
        let differ = match differences {
            1 => "1 reading differs".to_owned(),
            n => format!("{n} readings differ"),
        };
        line.push_str(&format!("; {differ} ({})", names.join(", ")));
    }
    let warned = warnings + differences > 0;
    let (tone, status) = match (errors > 0, warned) {
        (true, _) => (Tone::Bad, ExitStatus::DoesNotHold),
        (_, true) if request.fail_on_warn => (Tone::Warn, ExitStatus::Warnings),
        (_, true) => (Tone::Warn, ExitStatus::Holds),
        _ => (Tone::Good, ExitStatus::Holds),
    };
    view.push(Block::Toned(tone, line));
    let programs: Vec<_> = request.tools.iter().copied().map(Tool::version).collect();
    let found: std::collections::BTreeSet<&str> = problems().map(|p| p.code).collect();
    let rules: std::collections::BTreeMap<&str, &str> = lint::RULES
        .iter()
        .filter(|rule| found.contains(rule.code))
        .map(|rule| (rule.code, rule.doc))
        .collect();
    let data = serde_json::json!({
        "rules": rules,
        "files": files,
        "errors": errors,
        "warnings": warnings,
        "differences": differences,
        "programs": programs,
    });
    Ok(Report::new("ultra.env.lint/1", data, view)?.status(status))
}
