//! `ultra env import`: takes over a dotenv file. Secrets go into the vault by the rules of
//! `keys set`, other values into a dotenv file of the profile, under the names they have here.
//!
//! Everything is examined first. Then the vault is written, in one write, and then the file, in one
//! rename: a run that was cut short in between finds its values there when it is run again.

mod decide;
mod decision;
mod ignored;
mod leftover;
mod merge;
mod seeds;
mod source;
mod told;
mod unseen;

pub(crate) use source::Source;

use crate::base::Secret;
use crate::base::lock::{Lock, LockError};
use crate::commands::keys::{Desk, intake};
use crate::exit::ExitStatus;
use crate::report::{Fault, Place, Problem, Report};
use crate::secrets::BackendKind;
use crate::settings::profile::canonical;
use crate::settings::{Layer, Workspace, dotenv};
use decide::Judge;
use decision::{Decision, What};
use merge::Merge;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long another import is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The file that is taken over.
    pub(crate) source: Source,
    /// Where values that are no secrets go; `.env.<profile>.local` if nobody said.
    pub(crate) into: Option<PathBuf>,
    /// Names that are left out.
    pub(crate) except: Vec<String>,
    /// Whether names that do nothing here stay.
    pub(crate) keep_unused: bool,
    /// Whether names that `ultra` reads stay as they are.
    pub(crate) keep_names: bool,
    /// Whether values that are there may be replaced.
    pub(crate) replace: bool,
    /// Whether providers are asked about their keys.
    pub(crate) verify: bool,
    /// Whether secrets may be written although a higher layer wins.
    pub(crate) shadowed: bool,
    /// What keeps the identity of a new vault.
    pub(crate) backend: Option<BackendKind>,
    /// Whether the source goes away afterwards.
    pub(crate) remove_source: bool,
    /// Whether nothing is written.
    pub(crate) dry_run: bool,
    /// Whether only keys are taken over, as `keys import` does, and the rest stays where it is.
    pub(crate) keys_only: bool,
}

/// What an import comes to.
struct Outcome {
    decisions: Vec<Decision>,
    ready: Vec<intake::Ready>,
    merge: Merge,
    into: PathBuf,
    removed: bool,
    in_place: bool,
    /// Whether nobody named the file that values go into.
    by_default: bool,
}

/// Takes over a file.
///
/// # Errors
/// A source that is not there (2), anything wrong with it or with a value (3), a vault or file that
/// cannot be read or written (5), something that is there, shadowed or protected (6).
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    desk: &Desk<'_>,
) -> Result<Report, Fault> {
    let source = source::read(&request.source, workspace)?;
    let (target, in_place) = match request.keys_only {
        true => (source.shown.clone(), false),
        false => target(request, workspace, desk, &source)?,
    };
    let shown = workspace.shown(&target);
    let mut problems = Vec::new();
    let entries = source::entries(&source, &mut problems);
    let judge = Judge {
        desk,
        layer: layer(workspace, desk.profile(), &target),
        source: &source.shown,
        keep_unused: request.keep_unused,
        keep_names: request.keep_names,
        except: &request.except,
        explicit: desk.explicit,
    };
    let mut decisions = judge.decide(entries, &mut problems);
    if request.keys_only {
        decisions.iter_mut().for_each(Decision::keep_to_keys);
    }
    unknown_exceptions(request, &decisions, &mut problems);
    let options = intake::Options {
        replace: request.replace,
        verify: request.verify,
        shadowed: request.shadowed,
        backend: request.backend,
        dry_run: true,
    };
    // What can be said of secrets without asking anybody is said with everything else.
    let examined = intake::examine(desk, secrets(&decisions), &options);
    let merged = if request.keys_only {
        Ok(Merge::nothing())
    } else {
        Merge::plan(
            &target,
            &shown,
            (&source.shown, &source.text),
            in_place,
            request.replace,
            &decisions,
        )
    };
    let examined = examined.map_err(|fault| with_way_out(fault, &decisions));
    let (ready, merge) = all_or_nothing(problems, examined, merged)?;
    if request.remove_source {
        leftover::nothing(&source, &decisions)?;
    }
    let by_default = request.into.is_none();
    let mut outcome =
        Outcome { decisions, ready, merge, into: target, removed: false, in_place, by_default };
    if !request.dry_run {
        commit(request, workspace, desk, options, &source, &mut outcome)?;
    }
    if request.keys_only {
        offer_removal(request, desk, &source, &mut outcome)?;
    }
    let report = told::report(request, workspace, desk, &source, &outcome)?;
    if !request.keys_only {
        ignored::warn(request, workspace, desk, &outcome);
    }
    Ok(report)
}

/// Says of every entry that keeps the rest out how it is left out itself, by the name that it has
/// in the file.
fn with_way_out(mut fault: Fault, decisions: &[Decision]) -> Fault {
    for problem in &mut fault.problems {
        let entry = decisions.iter().find(|d| {
            d.what == What::Vault && problem.place.as_ref().is_some_and(|place| *place == d.place)
        });
        let Some(entry) = entry else { continue };
        let instead = format!("`--except {}`", entry.name);
        problem.hint = Some(match problem.hint.take() {
            None => format!("leave it out: {instead}"),
            Some(hint) if hint.contains("`--except ") => match &entry.to {
                Some(to) => hint.replace(&format!("`--except {to}`"), &instead),
                None => hint,
            },
            Some(hint) => format!("{hint}; or leave it out: {instead}"),
        });
    }
    fault
}

/// Everything that is wrong, at once.
fn all_or_nothing(
    problems: Vec<Problem>,
    examined: Result<Vec<intake::Ready>, Fault>,
    merged: Result<Merge, Fault>,
) -> Result<(Vec<intake::Ready>, Merge), Fault> {
    let mut status = None;
    let mut all: Vec<Problem> = problems.into_iter().filter(Problem::is_error).collect();
    if !all.is_empty() {
        status = Some(ExitStatus::DoesNotHold);
    }
    match (examined, merged) {
        (Ok(ready), Ok(merge)) if all.is_empty() => return Ok((ready, merge)),
        (examined, merged) => {
            for fault in [examined.err(), merged.err()].into_iter().flatten() {
                status = status.or(Some(fault.status));
                all.extend(fault.problems);
            }
        }
    }
    all.sort_by(|a, b| a.place.cmp(&b.place));
    Err(Fault::new(status.unwrap_or(ExitStatus::DoesNotHold), all))
}

/// Asks a person whether the file goes, once all of it is in the vault. An answer that was given in
/// advance is none to this question.
fn offer_removal(
    request: &Request,
    desk: &Desk<'_>,
    source: &source::Text,
    outcome: &mut Outcome,
) -> Result<(), Fault> {
    let Some(path) = source.path.as_deref().filter(|_| !request.dry_run && !outcome.removed) else {
        return Ok(());
    };
    let holds = outcome.decisions.iter().any(|d| d.what == What::Vault);
    if !holds
        || !desk.console.interactive()
        || leftover::nothing(source, &outcome.decisions).is_err()
    {
        return Ok(());
    }
    let question = format!("All of `{}` is in the vault", source.shown.display());
    let answers = ["Keep the file".to_owned(), "Remove the file".to_owned()];
    match desk.console.choose(&question, &answers) {
        Ok(1) => {
            crate::base::file::remove(path)
                .map_err(|e| crate::commands::generate::unwritable(&source.shown, &e))?;
            outcome.removed = true;
            Ok(())
        }
        // What is done is done: the keys are in the vault.
        _ => Ok(()),
    }
}

fn commit(
    request: &Request,
    workspace: &Workspace,
    desk: &Desk<'_>,
    options: intake::Options,
    source: &source::Text,
    outcome: &mut Outcome,
) -> Result<(), Fault> {
    let options = intake::Options { dry_run: false, ..options };
    let new = outcome.ready.iter().any(|one| one.fate != intake::Fate::Same);
    if new || outcome.merge.changes() {
        desk.may_change(&format!("Import `{}`", source.shown.display()))?;
        let state = workspace.prepare_state_dir()?;
        let path = state.join("import.lock");
        let _lock = Lock::take(&path, "env import", PATIENCE).map_err(|e| {
            Fault::unreachable(match e {
                LockError::Held { .. } => {
                    Problem::error("import-busy", "another import is at work")
                        .at(Place::file(&path))
                        .why(e)
                        .hint("wait for it and run the command again")
                }
                LockError::Io(e) => {
                    let problem = Problem::unwritable(&workspace.shown(&path), &e);
                    let first = Problem::room(&path, &e);
                    problem.hint(format!("{first}; or name another directory: ULTRA_STATE_DIR=DIR"))
                }
            })
        })?;
        if !outcome.ready.is_empty() {
            outcome.ready = intake::examine(desk, secrets(&outcome.decisions), &options)
                .map_err(|fault| with_way_out(fault, &outcome.decisions))?;
        }
        intake::keep(desk, &outcome.ready, &options)?;
        outcome.merge.write(&outcome.into, &workspace.shown(&outcome.into))?;
    }
    if request.remove_source
        && !outcome.in_place
        && let Some(path) = &source.path
    {
        crate::base::file::remove(path)
            .map_err(|e| crate::commands::generate::unwritable(&source.shown, &e))?;
        outcome.removed = true;
    }
    Ok(())
}

/// The secrets for the vault.
fn secrets(decisions: &[Decision]) -> Vec<intake::Item> {
    let vault = decisions.iter().filter(|d| d.what == What::Vault);
    vault
        .filter_map(|d| {
            Some(intake::Item {
                name: d.to.clone()?,
                secret: Secret::new(d.text.clone()),
                place: d.place.clone(),
            })
        })
        .collect()
}

/// The file that values go into, and whether it is the source itself.
fn target(
    request: &Request,
    workspace: &Workspace,
    desk: &Desk<'_>,
    source: &source::Text,
) -> Result<(PathBuf, bool), Fault> {
    let path = match &request.into {
        Some(path) => workspace.current_dir.join(path),
        None => {
            let Some(dir) = workspace.dotenv_dir() else {
                return Err(Fault::usage(
                    Problem::error("no-root", "there is no root here to import into")
                        .hint("`ultra env init` starts a project here; or name the root with `--dir ROOT`"),
                ));
            };
            let path = dir.join(format!(".env.{}.local", desk.profile()));
            stays(&path, dir, workspace)?;
            path
        }
    };
    let same = match (&source.path, path.canonicalize()) {
        (Some(source), Ok(target)) => source.canonicalize().is_ok_and(|source| source == target),
        _ => false,
    };
    if same && request.remove_source {
        return Err(Fault::usage(
            Problem::error("same-file", "the source is the file that values go into")
                .at(Place::file(&source.shown))
                .hint("leave out `--remove-source`: what goes into the vault is taken out anyway"),
        ));
    }
    Ok((path, same))
}

/// Refuses a link that leads out of `dir`: a cloned repository may hold one.
fn stays(path: &Path, dir: &Path, workspace: &Workspace) -> Result<(), Fault> {
    let (Ok(real), Ok(dir)) = (path.canonicalize(), dir.canonicalize()) else { return Ok(()) };
    if real.starts_with(&dir) {
        return Ok(());
    }
    let shown = workspace.shown(path);
    Err(Fault::refused(
        Problem::error("link-outside", format!("`{}` leads out of the root", shown.display()))
            .at(Place::file(&shown))
            .why(format!("it is a link to `{}`", real.display()))
            .hint(format!("if that is meant, say so: `--into {}`", shown.display())),
    ))
}

/// Which layer of the profile a file is.
fn layer(workspace: &Workspace, profile: &str, path: &Path) -> Option<Layer> {
    let dir = workspace.dotenv_dir()?;
    match path.strip_prefix(dir).ok()?.to_str()? {
        ".env" => Some(Layer::DotenvBase),
        ".env.local" => Some(Layer::DotenvLocal),
        name => {
            let ending = name.strip_prefix(".env.")?;
            let (of, layer) = match ending.strip_suffix(".local") {
                Some(of) => (of, Layer::DotenvProfileLocal),
                None => (ending, Layer::DotenvProfile),
            };
            (canonical(of) == profile).then_some(layer)
        }
    }
}

fn unknown_exceptions(request: &Request, decisions: &[Decision], problems: &mut Vec<Problem>) {
    for name in &request.except {
        // Whatever is wrong with the file may be why the name is not there.
        if decisions.iter().any(|d| d.name == *name) || !dotenv::is_name(name) {
            continue;
        }
        let names = decisions.iter().map(|d| d.name.as_str());
        problems.push(
            Problem::error(
                "unknown-name",
                format!("`--except` names `{name}`, which is not there"),
            )
            .maybe_hint(crate::base::near::hint(name, names)),
        );
    }
}
