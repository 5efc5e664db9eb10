//! `ultra keys doctor`: the vault and what surrounds it, each finding with its remedy.

mod entries;
mod outside;
mod vault;

use super::Desk;
use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Outcome, Problem, Report, Table, Tone};
use crate::settings::Workspace;
use serde::Serialize;
use serde_json::json;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Whether the vault is opened.
    pub(crate) open: bool,
}

/// What is looked at.
pub(super) struct Patient<'a> {
    /// The vault and the profile.
    desk: &'a Desk<'a>,
    /// The root with all its profiles.
    workspace: &'a Workspace,
    /// Whether the vault is opened.
    open: bool,
}

/// What was found by looking at one thing.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// What was looked at.
    look: &'static str,
    /// How it stands.
    outcome: Outcome,
    /// In words.
    said: String,
    /// What is wrong, with the remedies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
}

impl Row {
    fn pass(look: &'static str, said: impl Into<String>) -> Self {
        Self { look, outcome: Outcome::Pass, said: said.into(), problems: Vec::new() }
    }

    fn skip(look: &'static str, said: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skip, ..Self::pass(look, said) }
    }

    /// The worst of the problems decides; without any, it is a pass with `fine`.
    fn of(look: &'static str, fine: impl Into<String>, problems: Vec<Problem>) -> Self {
        if problems.is_empty() {
            return Self::pass(look, fine);
        }
        let errors = problems.iter().filter(|p| p.is_error()).count();
        let outcome = if errors > 0 { Outcome::Fail } else { Outcome::Warn };
        let said = match &*problems {
            [only] => only.what.clone(),
            more => format!("{} findings", more.len()),
        };
        Self { look, outcome, said, problems }
    }

    /// It could not be looked at.
    fn unknown(look: &'static str, problems: Vec<Problem>) -> Self {
        let said = problems.first().map_or_else(String::new, |problem| problem.what.clone());
        Self { look, outcome: Outcome::Unknown, said, problems }
    }

    /// What a fault says: what could not be reached is unknown, the rest is wrong.
    fn fault(look: &'static str, fault: Fault) -> Self {
        match fault.status {
            ExitStatus::Unreachable => Self::unknown(look, fault.problems),
            _ => Self::of(look, "", fault.problems),
        }
    }
}

/// Looks at everything. What is wrong ends it with 3, what could not be looked at with 5.
///
/// # Errors
/// The answer cannot be made.
pub(crate) fn run(
    request: Request,
    desk: &Desk<'_>,
    workspace: &Workspace,
) -> Result<Report, Fault> {
    desk.announce();
    let patient = Patient { desk, workspace, open: request.open };
    let mut rows = vault::look(&patient);
    rows.extend(entries::look(&patient));
    rows.extend(outside::look(&patient));

    let any = |outcome| rows.iter().any(|row| row.outcome == outcome);
    let (status, verdict, tone) = if any(Outcome::Fail) {
        (ExitStatus::DoesNotHold, "something is wrong", Tone::Bad)
    } else if any(Outcome::Unknown) {
        (ExitStatus::Unreachable, "something could not be looked at", Tone::Warn)
    } else {
        (ExitStatus::Holds, "all is well", Tone::Good)
    };
    let mut table = Table::new(&["look", "outcome", "what"]);
    for row in &rows {
        table.rows.push(vec![
            (row.look.to_owned(), Tone::Strong),
            (row.outcome.word().to_owned(), row.outcome.tone()),
            (row.said.clone(), Tone::Plain),
        ]);
    }
    let mut view = vec![Block::Table(table)];
    view.extend(rows.iter().flat_map(|row| row.problems.iter().cloned()).map(Block::Finding));
    view.push(Block::Toned(tone, verdict.to_owned()));
    let report = Report::new(
        "ultra.keys.doctor/1",
        json!({
            "profile": desk.profile(),
            "vault": desk.vault.vault_path(),
            "opened": request.open,
            "healthy": status == ExitStatus::Holds,
            "looks": rows,
        }),
        view,
    )?;
    Ok(report.status(status))
}
