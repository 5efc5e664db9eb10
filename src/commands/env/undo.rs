//! `ultra env undo`: back to what was before the last switches, byte for byte.

use super::switching::{self, Loads, Manner};
use crate::base::words;
use crate::exit::ExitStatus;
use crate::report::{Block, Console, Fault, Place, Problem, Report, Tone};
use crate::settings::switch::history::{self, Back, NoWay};
use crate::settings::switch::{Last, Present, Session};
use crate::settings::switch_record::{self, DotenvStep, SwitchKind, SwitchRecord};
use crate::settings::{SecretSource, Workspace, load};
use std::path::Path;

/// How far to go back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// Over so many switches, at least 1.
    Steps(usize),
    /// To where things stood after this generation; 0 is before the first.
    To(u64),
}

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// How far to go back.
    pub(crate) how: How,
    /// How it is done.
    pub(crate) manner: Manner,
}

struct Plan {
    from: String,
    to: String,
    back: Back,
    present: Present,
    /// Whether an adopted file is there to be moved back.
    adopted_is_there: bool,
    protected: Vec<String>,
    loads: Option<Loads>,
    warnings: Vec<Problem>,
}

/// Goes back.
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let root = switching::root(workspace)?;
    let record = switch_record::read(&workspace.state_dir).map_err(Fault::unreachable)?;
    let entries = switching::entries(workspace)?;
    let last = Last::of(record.as_ref(), entries.last());
    let mut plan = plan(request, workspace, root, last, secrets)?;
    if request.manner.dry_run || plan.back.undoes.is_empty() {
        return answer(request, workspace, &plan, None);
    }
    let confirmed = ask(request, &plan, console)?;
    let state_dir = workspace.prepare_state_dir()?;
    let session = Session::begin(root, state_dir, "env undo", request.manner.wait, false)?;
    // Somebody may have switched while we asked and waited; what was agreed to is then not what
    // would happen.
    plan = self::plan(request, workspace, root, session.last(), secrets)?;
    if plan.back.undoes != confirmed {
        return Err(Fault::refused(
            Problem::error("changed-meanwhile", "another switch came in between")
                .hint("look at `ultra env history`, then try again"),
        ));
    }
    let record = SwitchRecord {
        generation: session.generation(),
        kind: SwitchKind::Undo,
        from: session.last().record.and_then(|r| r.to.clone()),
        to: plan.back.to.clone(),
        dotenv: plan.back.dotenv,
        env_before: plan.present.bytes().map(<[u8]>::to_vec),
        env_after: plan.back.env_after.clone(),
        undoes: plan.back.undoes.clone(),
        at: Some(workspace.clock.now()),
    };
    plan.warnings.extend(session.commit(&record)?);
    answer(request, workspace, &plan, Some(record.generation))
}

fn plan(
    request: &Request,
    workspace: &Workspace,
    root: &Path,
    last: Last<'_>,
    secrets: &dyn SecretSource,
) -> Result<Plan, Fault> {
    let entries = switching::entries(workspace)?;
    let mut back = way(request.how, &entries, last.record)?;
    let present = switching::present(root)?;
    if request.manner.no_dotenv {
        back.dotenv = DotenvStep::Leave;
        back.env_after = None;
    }
    if back.dotenv != DotenvStep::Leave && !present.is_ours() {
        return Err(Fault::refused(
            Problem::error("foreign-dotenv", "`.env` was changed since the switch and is kept")
                .at(Place::file(".env"))
                .hint("move it away, or leave it alone with `ultra env undo --no-dotenv`"),
        ));
    }
    let from = switching::decided(last.record).to_owned();
    let to = back.to.clone().unwrap_or_else(|| switching::UNDECIDED.to_owned());
    workspace.known_profile(&to).map_err(|mut fault| {
        for problem in &mut fault.problems {
            problem.why =
                Some("it was in use before; its file was removed or renamed since".into());
            problem.hint =
                Some("put its file back, or go elsewhere: ultra env switch PROFILE".into());
        }
        fault
    })?;
    // What was in use is gone back to even if it has become invalid: that is what undo is for.
    // The problems are told.
    let loaded = load(workspace, &to, secrets);
    let loads = loaded.settings.as_ref().map(|s| Loads::of(s, workspace, secrets));
    let before = load(workspace, &from, secrets).resolution;
    let protected =
        switching::protected([(&to, loaded.resolution.as_ref()), (&from, before.as_ref())]);
    let adopted_is_there = root.join(".env.local").symlink_metadata().is_ok();
    let warnings = loaded.problems;
    Ok(Plan { from, to, back, present, adopted_is_there, protected, loads, warnings })
}

/// The way back, as far as is asked for.
fn way(how: How, entries: &[SwitchRecord], record: Option<&SwitchRecord>) -> Result<Back, Fault> {
    let undoable = history::undoable(entries);
    let steps = match how {
        How::Steps(steps) => steps,
        How::To(generation) => history::steps_to(entries, generation)
            .map_err(|no_way| Fault::usage(barred(no_way, generation, entries)))?,
    };
    if steps == 0 {
        let to = record.and_then(|r| r.to.clone());
        let (dotenv, env_after, undoes) = (DotenvStep::Leave, None, Vec::new());
        return Ok(Back { to, dotenv, env_after, undoes });
    }
    history::back(&undoable, steps).ok_or_else(|| {
        let what = match undoable.len() {
            0 => "there is no switch to undo".to_owned(),
            n => format!("only {} can be undone, not {steps}", words::count(n, "switch")),
        };
        Fault::usage(Problem::error("nothing-to-undo", what).hint("ultra env history"))
    })
}

/// Why there is no way back to a generation, and what there is instead.
fn barred(no_way: NoWay, generation: u64, entries: &[SwitchRecord]) -> Problem {
    match no_way {
        NoWay::Unknown => {
            let what = format!("there is no generation {generation}");
            Problem::error("unknown-generation", what).hint("ultra env history")
        }
        NoWay::Forth { undone, by } => {
            let what = format!("no undo leads to generation {generation}");
            let then = entries.iter().find(|r| r.generation == generation);
            let profile = switching::decided(then);
            Problem::error("undone-generation", what)
                .why(format!(
                    "generation {by} undid generation {undone}, and an undo goes back only"
                ))
                .hint(format!("ultra env switch {profile}"))
        }
    }
}

/// Asks for confirmation where it is needed; the answer is what was confirmed.
fn ask(request: &Request, plan: &Plan, console: &dyn Console) -> Result<Vec<u64>, Fault> {
    let question = format!("Go back from `{}` to `{}`", plan.from, plan.to);
    let command = match request.how {
        How::Steps(1) => "ultra env undo".to_owned(),
        How::Steps(n) => format!("ultra env undo {n}"),
        How::To(generation) => format!("ultra env undo --to {generation}"),
    };
    switching::confirm(console, &question, &plan.protected, &command)?;
    Ok(plan.back.undoes.clone())
}

fn answer(
    request: &Request,
    workspace: &Workspace,
    plan: &Plan,
    generation: Option<u64>,
) -> Result<Report, Fault> {
    let servers = switching::others(workspace, &plan.to);
    let (from, to) = (&plan.from, &plan.to);
    let mut view = vec![if plan.back.undoes.is_empty() {
        let what = "that is what stands, nothing changed".to_owned();
        Block::Toned(Tone::Good, what)
    } else if request.manner.dry_run {
        Block::text(format!("would go back from `{from}` to `{to}`"))
    } else {
        Block::Toned(Tone::Good, format!("went back from `{from}` to `{to}`"))
    }];
    if plan.back.dotenv == DotenvStep::Restore {
        let (is, from_local) = match request.manner.dry_run {
            true => ("would be", "is"),
            false => ("is", "was"),
        };
        view.push(match plan.adopted_is_there {
            true => Block::text(format!("`.env` {is} the adopted file again, from `.env.local`")),
            false => Block::Toned(
                Tone::Warn,
                format!(
                    "`.env` {is} removed: the adopted file that stood in its place {from_local} not \
                     in `.env.local` any more"
                ),
            ),
        });
    }
    view.extend(plan.loads.iter().flat_map(Loads::view));
    view.extend(switching::view_servers(&servers));
    view.extend(plan.warnings.iter().cloned().map(Block::Finding));
    // The way back is never barred, yet `ultra env undo && …` must not go on as if a server
    // could start.
    let valid = !plan.warnings.iter().any(Problem::is_error);
    if !valid {
        view.push(Block::Toned(
            Tone::Bad,
            format!("`{to}` does not validate as it stands; `ultra serve` would refuse to start"),
        ));
    }
    let data = serde_json::json!({
        "changed": generation.is_some(),
        "dry_run": request.manner.dry_run,
        "from": from,
        "to": to,
        "valid": valid,
        "generation": generation,
        "undoes": plan.back.undoes,
        "dotenv": plan.back.dotenv,
        "loads": plan.loads,
        "servers": servers,
        "warnings": plan.warnings,
    });
    let status = if valid { ExitStatus::Holds } else { ExitStatus::DoesNotHold };
    Ok(Report::new("ultra.env.undo/1", data, view)?.status(status))
}
