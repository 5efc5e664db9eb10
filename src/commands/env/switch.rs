//! `ultra env switch`: another profile becomes the one in use, in one step or not at all.

use super::switching::{self, Loads};
use super::{differences, unagreed};
use crate::base::words;
use crate::report::{Block, Console, Fault, Place, Problem, Report, Tone};
use crate::settings::compare::{self, Difference, Prints, Shape, Side};
use crate::settings::profile::canonical;
use crate::settings::servers::ServerRecord;
use crate::settings::switch::present::{self, Present};
use crate::settings::switch::{Session, generated};
use crate::settings::switch_record::{self, DotenvStep, SwitchKind, SwitchRecord};
use crate::settings::workspace::ProfileSource;
use crate::settings::{SecretSource, Workspace, load, validate};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The profile to use, or an alias; `-` is the one before.
    pub(crate) target: String,
    /// Whether to say only what would happen.
    pub(crate) dry_run: bool,
    /// Whether a `.env` that somebody wrote moves to `.env.local`.
    pub(crate) adopt: bool,
    /// Whether `.env` is left alone.
    pub(crate) no_dotenv: bool,
    /// How long to wait for another switch.
    pub(crate) wait: Duration,
}

/// What a switch comes to, before anything is done.
struct Plan {
    from: String,
    decided: Option<String>,
    to: String,
    step: DotenvStep,
    present: Present,
    body: String,
    /// Variables that the new `.env` tells by name only.
    left_out: Vec<String>,
    same: bool,
    protected: Vec<String>,
    changes: Vec<Difference>,
    structure: Vec<Shape>,
    loads: Loads,
    warnings: Vec<Problem>,
}

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

/// Switches.
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Report, Fault> {
    let root = switching::root(workspace)?;
    let target = match request.target.as_str() {
        "-" => workspace.known_profile(&switching::before(workspace)?)?,
        name => workspace.known_profile(name)?,
    };
    if let Some(flag) = workspace.flags.profile.as_deref().filter(|f| canonical(f) != target) {
        let what = format!("`--profile {flag}` and the target `{target}` are two profiles");
        return Err(Fault::usage(
            Problem::error("two-profiles", what).hint(format!("ultra env switch {target}")),
        ));
    }
    // Everything that can be refused is refused before the first byte is written.
    // Who names the profile twice wants it whatever the record said.
    let (record, damaged) = match switch_record::read(&workspace.state_dir) {
        Ok(record) => (record, false),
        Err(_) if workspace.flags.profile.is_some() => (None, true),
        Err(problem) => return Err(Fault::unreachable(problem)),
    };
    let known = record.as_ref();
    if request.dry_run
        && let Some(report) = unfit(request, workspace, root, &target, known, secrets)?
    {
        return Ok(report);
    }
    let mut plan = plan(request, workspace, root, &target, known, secrets, Prints::WriteNothing)?;
    if request.dry_run || plan.same {
        return answer(request, workspace, &plan, None);
    }
    let confirmed = ask(&plan, console)?;
    let purpose = format!("env switch {target}");
    let state_dir = workspace.prepare_state_dir()?;
    if damaged {
        switch_record::set_aside(state_dir).map_err(|e| {
            Fault::unreachable(
                Problem::error("switch-record", "cannot move the switch record aside").why(e),
            )
        })?;
    }
    let session = Session::begin(root, state_dir, &purpose, request.wait)?;
    // Somebody may have switched, or edited a file, while we asked and waited.
    plan = self::plan(request, workspace, root, &target, session.record(), secrets, Prints::Make)?;
    if plan.same {
        return answer(request, workspace, &plan, None);
    }
    if plan.protected != confirmed {
        ask(&plan, console)?;
    }
    let generation = session.generation();
    let record = SwitchRecord {
        generation,
        kind: SwitchKind::Switch,
        from: plan.decided.clone(),
        to: Some(target.clone()),
        dotenv: plan.step,
        env_before: plan.present.bytes().map(<[u8]>::to_vec),
        env_after: (plan.step != DotenvStep::Leave)
            .then(|| generated::seal(&target, generation, &plan.body)),
        undoes: Vec::new(),
        at: Some(workspace.clock.now()),
    };
    plan.warnings.extend(session.commit(&record)?);
    answer(request, workspace, &plan, Some(generation))
}

/// The answer of a dry run under a profile that does not hold: what is wrong, and what differs all
/// the same. `None` if it holds, or cannot even be read.
fn unfit(
    request: &Request,
    workspace: &Workspace,
    root: &Path,
    target: &str,
    record: Option<&SwitchRecord>,
    secrets: &dyn SecretSource,
) -> Result<Option<Report>, Fault> {
    let present = switching::present(root)?;
    let adopting = matches!(step(request, root, &present), Ok(DotenvStep::Adopt));
    let after = Workspace { adopting, ..workspace.clone() };
    let loaded = validate(&after, target, secrets);
    let Some(resolution) = loaded.resolution.clone() else { return Ok(None) };
    let Err(Fault { status, problems, .. }) = loaded.usable() else { return Ok(None) };
    let from = switching::decided(record);
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
            let a = Side::of_resolution(from.to_owned(), &before, secrets);
            let b = Side::of_resolution(target.to_owned(), &resolution, secrets);
            let changes = compare::differences(&a, &b, secrets, Prints::WriteNothing);
            (changes, compare::shapes(&a, &b, secrets))
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

fn plan(
    request: &Request,
    workspace: &Workspace,
    root: &Path,
    target: &str,
    record: Option<&SwitchRecord>,
    secrets: &dyn SecretSource,
    prints: Prints,
) -> Result<Plan, Fault> {
    let from = switching::decided(record);
    let present = switching::present(root)?;
    let step = step(request, root, &present);
    let adopting = matches!(step, Ok(DotenvStep::Adopt));
    let after = Workspace { adopting, ..workspace.clone() };
    // What does not hold is told before what is refused: there is more of it to do.
    let (settings, resolution, mut warnings) = validate(&after, target, secrets).usable()?;
    let step = step.map_err(|problem| Fault::refused(hinted(problem, target)))?;
    let withheld =
        unagreed::not_agreed_to(generated::says(&resolution), &after, "written to `.env`")?;
    let left_out = match step {
        DotenvStep::Leave => Vec::new(),
        _ => generated::left_out(&resolution).into_iter().chain(withheld.keys().cloned()).collect(),
    };
    let body = generated::render(&resolution, &withheld.keys().map(String::as_str).collect());
    if step != DotenvStep::Leave {
        warnings.extend(withheld.into_values());
    }
    if step != DotenvStep::Leave && body.len() > present::GREATEST {
        let what = format!("`.env` would have {} bytes", body.len());
        return Err(Fault::does_not_hold(vec![
            Problem::error("dotenv-too-large", what)
                .why(format!("the greatest size is {}", present::GREATEST))
                .hint(format!("shorten the values, or `ultra env switch {target} --no-dotenv`")),
        ]));
    }
    let kept = match (&step, &present) {
        (DotenvStep::Leave, _) => true,
        (_, Present::Intact { header, bytes }) => {
            header.profile == target && generated::body(bytes) == body.as_bytes()
        }
        _ => false,
    };
    let same = kept && record.is_some_and(|r| r.to.as_deref() == Some(target));
    if let (DotenvStep::Leave, Present::Intact { header, .. }) = (&step, &present)
        && header.profile != target
    {
        let what = format!("`.env` still says what profile `{}` says", header.profile);
        warnings.push(Problem::warning("stale-dotenv", what).at(Place::file(".env")));
    }
    warnings.extend(outvoted(workspace, target));
    let before = load(workspace, from, secrets).resolution;
    let (changes, structure) = match &before {
        Some(before) => {
            let a = Side::of_resolution(from.to_owned(), before, secrets);
            let b = Side::of_resolution(target.to_owned(), &resolution, secrets);
            (compare::differences(&a, &b, secrets, prints), compare::shapes(&a, &b, secrets))
        }
        None => {
            let what = format!("profile `{from}` cannot be read, so no differences are shown");
            warnings.push(Problem::warning("unreadable-profile", what));
            Default::default()
        }
    };
    let protected = switching::protected([(target, Some(&resolution)), (from, before.as_ref())]);
    Ok(Plan {
        from: from.to_owned(),
        decided: record.and_then(|r| r.to.clone()),
        to: target.to_owned(),
        step,
        present,
        body,
        left_out,
        same,
        protected,
        changes,
        structure,
        loads: Loads::of(&settings, workspace, secrets),
        warnings,
    })
}

/// What becomes of `.env`; a file that somebody wrote is never overwritten.
fn step(request: &Request, root: &Path, present: &Present) -> Result<DotenvStep, Problem> {
    if request.no_dotenv {
        return Ok(DotenvStep::Leave);
    }
    let what = match present {
        Present::Absent | Present::Intact { .. } => return Ok(DotenvStep::Write),
        Present::Edited => "`.env` was generated and edited since",
        Present::HandWritten => "`.env` was written by somebody",
    };
    let problem = Problem::error("foreign-dotenv", format!("{what} and is not overwritten"))
        .at(Place::file(".env"));
    if !request.adopt {
        return Err(problem);
    }
    if present::dotenv_local(root).symlink_metadata().is_ok() {
        return Err(problem
            .why("it cannot be adopted as `.env.local`: there is such a file")
            .hint("merge the two files by hand, or leave `.env` alone with `--no-dotenv`"));
    }
    Ok(DotenvStep::Adopt)
}

/// The ways out, where the problem does not name one itself.
fn hinted(problem: Problem, target: &str) -> Problem {
    if problem.hint.is_some() {
        return problem;
    }
    problem.hint(format!(
        "`ultra env switch {target} --adopt` moves it to `.env.local`, `--no-dotenv` leaves it"
    ))
}

/// The warning that the switch does not count here, because the environment names another profile.
fn outvoted(workspace: &Workspace, target: &str) -> Option<Problem> {
    let claim = workspace
        .claims
        .iter()
        .find(|c| c.source == ProfileSource::Environment && c.profile != target)?;
    Some(
        Problem::warning(
            "outvoted",
            format!("the process environment says `{}`, which counts more", claim.profile),
        )
        .why("`ULTRA_PROFILE` wins over the last switch")
        .hint("unset ULTRA_PROFILE"),
    )
}

/// Asks for confirmation where it is needed; the answer is what was confirmed.
fn ask(plan: &Plan, console: &dyn Console) -> Result<Vec<String>, Fault> {
    if !plan.protected.is_empty() && console.interactive() {
        for change in &plan.changes {
            console.note(&format!("  {}", change.name));
        }
        console.note(&match plan.changes.len() {
            1 => "1 value differs".to_owned(),
            n => format!("{n} values differ"),
        });
    }
    let question = format!("Switch from `{}` to `{}`", plan.from, plan.to);
    switching::confirm(
        console,
        &question,
        &plan.protected,
        &format!("ultra env switch {}", plan.to),
    )?;
    Ok(plan.protected.clone())
}

fn answer(
    request: &Request,
    workspace: &Workspace,
    plan: &Plan,
    generation: Option<u64>,
) -> Result<Report, Fault> {
    let servers = switching::others(workspace, &plan.to);
    let headline = if plan.same {
        Block::Toned(Tone::Good, format!("already on `{}`, nothing changed", plan.to))
    } else if request.dry_run {
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
        DotenvStep::Adopt if request.dry_run => {
            Some("`.env` would move to `.env.local` and be written anew")
        }
        DotenvStep::Adopt => Some("`.env` moves to `.env.local` and is written anew"),
        _ if request.dry_run => Some("`.env` would be written anew"),
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
        dry_run: request.dry_run,
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
