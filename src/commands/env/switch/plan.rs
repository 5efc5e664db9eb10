//! What a switch comes to, and everything that speaks against it, before a byte is written.

use super::super::switching::{self, Loads, Manner};
use super::super::unagreed;
use crate::report::{Fault, Place, Problem};
use crate::settings::compare::{self, Difference, Prints, Shape, Side};
use crate::settings::switch::present::{self, Present};
use crate::settings::switch::{Last, generated};
use crate::settings::switch_record::DotenvStep;
use crate::settings::workspace::ProfileSource;
use crate::settings::{Resolution, SecretSource, Workspace, load, validate};
use std::path::Path;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The profile to use, or an alias; `-` is the one before.
    pub(crate) target: String,
    /// Whether a `.env` that somebody wrote moves to `.env.local`.
    pub(crate) adopt: bool,
    /// How it is done.
    pub(crate) manner: Manner,
}

/// What a switch comes to, before anything is done.
pub(super) struct Plan {
    /// The profile that counts so far.
    pub(super) from: String,
    /// The same if somebody decided it.
    pub(super) decided: Option<String>,
    /// The profile that will count.
    pub(super) to: String,
    /// What becomes of `.env`.
    pub(super) step: DotenvStep,
    /// What stands at `.env`.
    pub(super) present: Present,
    /// The new `.env` below its header.
    pub(super) body: String,
    /// Variables that the new `.env` tells by name only.
    pub(super) left_out: Vec<String>,
    /// Whether all of it stands like that already.
    pub(super) same: bool,
    /// Which of the two profiles are protected.
    pub(super) protected: Vec<String>,
    /// The values that differ.
    pub(super) changes: Vec<Difference>,
    /// The providers and routes that differ.
    pub(super) structure: Vec<Shape>,
    /// What a server would load afterwards.
    pub(super) loads: Loads,
    /// What is told besides.
    pub(super) warnings: Vec<Problem>,
}

/// Looks at everything that a switch to `target` depends on.
///
/// # Errors
/// The target does not hold, or its `.env` would be too large (3); `.env` cannot be read (5); it
/// belongs to somebody (6).
pub(super) fn plan(
    request: &Request,
    workspace: &Workspace,
    root: &Path,
    target: &str,
    last: Last<'_>,
    secrets: &dyn SecretSource,
    prints: Prints,
) -> Result<Plan, Fault> {
    let from = switching::decided(last.record);
    let present = switching::present(root)?;
    let step = step(request, root, &present);
    let adopting = matches!(step, Ok(DotenvStep::Adopt));
    let after = Workspace { adopting, ..workspace.clone() };
    // What does not hold is told before what is refused: there is more of it to do.
    let loaded = validate(&after, target, secrets);
    let agreement = loaded.agreement.clone();
    let (settings, resolution, mut warnings) = loaded.usable()?;
    let step = step.map_err(|problem| Fault::refused(hinted(problem, target)))?;
    let says = generated::says(&resolution);
    let withheld =
        unagreed::not_agreed_to(says, &after, agreement.as_deref(), "written to `.env`")?;
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
    let same = kept && last.stands && last.record.is_some_and(|r| r.to.as_deref() == Some(target));
    if let (DotenvStep::Leave, Present::Intact { header, .. }) = (&step, &present)
        && header.profile != target
    {
        let what = format!("`.env` still says what profile `{}` says", header.profile);
        warnings.push(Problem::warning("stale-dotenv", what).at(Place::file(".env")));
    }
    warnings.extend(outvoted(workspace, target));
    let before = load(workspace, from, secrets).resolution;
    let (changes, structure) = match &before {
        Some(before) => compared((from, before), (target, &resolution), secrets, prints),
        None => {
            let what = format!("profile `{from}` cannot be read, so no differences are shown");
            warnings.push(Problem::warning("unreadable-profile", what));
            Default::default()
        }
    };
    let protected = switching::protected([(target, Some(&resolution)), (from, before.as_ref())]);
    Ok(Plan {
        from: from.to_owned(),
        decided: last.record.and_then(|r| r.to.clone()),
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

/// What differs between two profiles: values, and the shape of providers and routes.
pub(super) fn compared(
    from: (&str, &Resolution),
    to: (&str, &Resolution),
    secrets: &dyn SecretSource,
    prints: Prints,
) -> (Vec<Difference>, Vec<Shape>) {
    let side = |(name, resolution): (&str, &Resolution)| {
        Side::of_resolution(name.to_owned(), resolution, secrets)
    };
    let (a, b) = (side(from), side(to));
    (compare::differences(&a, &b, secrets, prints), compare::shapes(&a, &b, secrets))
}

/// What becomes of `.env`; a file that somebody wrote is never overwritten.
pub(super) fn step(
    request: &Request,
    root: &Path,
    present: &Present,
) -> Result<DotenvStep, Problem> {
    if request.manner.no_dotenv {
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
