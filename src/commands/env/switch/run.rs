//! The transaction: planned, confirmed, planned again under the lock, committed.

use super::super::switching;
use super::answer::{answer, unfit};
use super::plan::{Plan, Request, plan};
use crate::report::{Console, Fault, Problem, Report};
use crate::settings::compare::Prints;
use crate::settings::profile::canonical;
use crate::settings::switch::{Last, Session, generated};
use crate::settings::switch_record::{self, DotenvStep, SwitchKind, SwitchRecord};
use crate::settings::{SecretSource, Workspace};

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
    let entries = switching::entries(workspace)?;
    let known = Last::of(record.as_ref(), entries.last());
    if request.manner.dry_run
        && let Some(report) = unfit(request, workspace, root, &target, known, secrets)?
    {
        return Ok(report);
    }
    let mut plan = plan(request, workspace, root, &target, known, secrets, Prints::WriteNothing)?;
    if request.manner.dry_run || plan.same {
        return answer(request, workspace, &plan, None);
    }
    let confirmed = ask(&plan, console)?;
    let purpose = format!("env switch {target}");
    let state_dir = workspace.prepare_state_dir()?;
    let session = Session::begin(root, state_dir, &purpose, request.manner.wait, damaged)?;
    // Somebody may have switched, or edited a file, while we asked and waited.
    plan = super::plan::plan(
        request,
        workspace,
        root,
        &target,
        session.last(),
        secrets,
        Prints::Make,
    )?;
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
