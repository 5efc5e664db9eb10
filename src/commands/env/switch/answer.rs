//! What is told of a switch: done, only tried, or one that would be refused.

use super::super::differences;
use super::super::switching::{self, Loads};
use super::plan::{Plan, Request, compared, step};
use crate::base::words;
use crate::report::{Block, Fault, Problem, Report, Tone};
use crate::settings::compare::{Difference, Prints, Shape};
use crate::settings::servers::ServerRecord;
use crate::settings::switch::Last;
use crate::settings::switch_record::DotenvStep;
use crate::settings::{SecretSource, Workspace, load, validate};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Answer<'a> {
    changed: bool,
    dry_run: bool,
    from: &'a str,
    to: &'a str,
    generation: Option<u64>,
    protected: &'a [String],
    dotenv: DotenvStep,
    left_out: &'a [String],
    changes: &'a [Difference],
    structure: &'a [Shape],
    loads: &'a Loads,
    servers: &'a [ServerRecord],
    warnings: &'a [Problem],
}

/// The answer of a dry run under a profile that does not hold: what is wrong, and what differs all
/// the same. `None` if it holds, or cannot even be read.
pub(super) fn unfit(
    request: &Request,
    workspace: &Workspace,
    root: &Path,
    target: &str,
    last: Last<'_>,
    secrets: &dyn SecretSource,
) -> Result<Option<Report>, Fault> {
    let present = switching::present(root)?;
    let adopting = matches!(step(request, root, &present), Ok(DotenvStep::Adopt));
    let after = Workspace { adopting, ..workspace.clone() };
    let loaded = validate(&after, target, secrets);
    let Some(resolution) = loaded.resolution.clone() else { return Ok(None) };
    let Err(Fault { status, problems, .. }) = loaded.usable() else { return Ok(None) };
    let from = switching::decided(last.record);
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let mut view = vec![Block::Toned(
        Tone::Bad,
        format!(
            "a switch from `{from}` to `{target}` would be refused: {}",
            words::count(errors, "error")
        ),
    )];
    view.extend(problems.iter().cloned().map(Block::Finding));
    let (changes, structure) = match load(workspace, from, secrets).resolution {
        Some(before) => {
            compared((from, &before), (target, &resolution), secrets, Prints::WriteNothing)
        }
        None => Default::default(),
    };
    if !changes.is_empty() || !structure.is_empty() {
        view.push(Block::heading("Values that differ"));
        view.extend(differences::view(&changes, &structure, false));
    }
    let data = serde_json::json!({
        "changed": false,
        "dry_run": true,
        "from": from,
        "to": target,
        "changes": changes,
        "structure": structure,
        "problems": problems,
    });
    Ok(Some(Report::new("ultra.env.switch/1", data, view)?.status(status)))
}

/// The answer; `generation` is that of the switch, `None` if nothing was changed.
pub(super) fn answer(
    request: &Request,
    workspace: &Workspace,
    plan: &Plan,
    generation: Option<u64>,
) -> Result<Report, Fault> {
    let servers = switching::others(workspace, &plan.to);
    let headline = if plan.same {
        Block::Toned(Tone::Good, format!("already on `{}`, nothing changed", plan.to))
    } else if request.manner.dry_run {
        Block::text(format!("would switch from `{}` to `{}`", plan.from, plan.to))
    } else if plan.decided.as_deref() == Some(&plan.to) {
        Block::Toned(Tone::Good, format!("`{}` is already in use", plan.to))
    } else if plan.from == plan.to {
        Block::Toned(Tone::Good, format!("`{}` stays in use, now by decision", plan.to))
    } else {
        Block::Toned(Tone::Good, format!("switched from `{}` to `{}`", plan.from, plan.to))
    };
    let dotenv = match plan.step {
        _ if plan.same => None,
        DotenvStep::Leave => Some("`.env` is left as it is"),
        DotenvStep::Adopt if request.manner.dry_run => {
            Some("`.env` would move to `.env.local` and be written anew")
        }
        DotenvStep::Adopt => Some("`.env` moves to `.env.local` and is written anew"),
        _ if request.manner.dry_run => Some("`.env` would be written anew"),
        DotenvStep::Write | DotenvStep::Restore => Some("`.env` is written anew"),
    };
    let mut view = vec![headline];
    view.extend(dotenv.map(Block::text));
    if plan.step == DotenvStep::Adopt && !plan.left_out.is_empty() {
        let names: Vec<String> = plan.left_out.iter().map(|name| format!("`{name}`")).collect();
        view.push(Block::text(format!(
            "the new `.env` does not hold {}; `ultra env run -- CMD` hands secrets on",
            names.join(", ")
        )));
    }
    if !plan.changes.is_empty() || !plan.structure.is_empty() {
        view.push(Block::heading("Values that differ"));
        view.extend(differences::view(&plan.changes, &plan.structure, false));
    }
    view.extend(plan.loads.view());
    view.extend(switching::view_servers(&servers));
    view.extend(plan.warnings.iter().cloned().map(Block::Finding));
    let answer = Answer {
        changed: generation.is_some(),
        dry_run: request.manner.dry_run,
        from: &plan.from,
        to: &plan.to,
        generation,
        protected: &plan.protected,
        dotenv: plan.step,
        left_out: &plan.left_out,
        changes: &plan.changes,
        structure: &plan.structure,
        loads: &plan.loads,
        servers: &servers,
        warnings: &plan.warnings,
    };
    Report::new("ultra.env.switch/1", answer, view)
}
