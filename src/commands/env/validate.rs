//! `ultra env validate [PROFILE]`: everything that is wrong with a profile, at once.

use crate::base::words;
use crate::exit::ExitStatus;
use crate::provider::prices::Prices;
use crate::report::{Block, Fault, Problem, Report, Tone};
use crate::settings::profile::canonical;
use crate::settings::secret::SecretSource;
use crate::settings::{Workspace, validate};
use serde::Serialize;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Request {
    /// The profile, or an alias; the one in use if nobody says.
    pub(crate) profile: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    profile: &'a str,
    protected: Option<bool>,
    valid: bool,
    /// How many of the errors say that something could not be opened, and so not be judged.
    unverified: usize,
    errors: usize,
    warnings: usize,
    problems: &'a [Problem],
}

/// Judges the profile in full: its secrets are opened, none is shown.
pub(crate) fn run(
    request: &Request,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
) -> Result<Report, Fault> {
    let profile = match &request.profile {
        Some(name) => workspace.known_profile(name)?,
        None => workspace.profile.clone(),
    };
    let flag = workspace.flags.profile.as_deref();
    if let Some(flag) = flag.filter(|flag| canonical(flag) != profile) {
        return Err(Fault::usage(
            Problem::error(
                "two-profiles",
                format!("`--profile {flag}` and `{profile}` are two profiles"),
            )
            .hint(format!("ultra env validate {profile}")),
        ));
    }
    let mut loaded = validate(workspace, &profile, secrets);
    let named = loaded.settings.as_ref().and_then(|settings| settings.server.prices.as_deref());
    if let Err(problems) = Prices::load(workspace.root.as_deref(), named) {
        loaded.problems.extend(problems);
    }
    Fault::unless_interrupted(&loaded.problems)?;
    let errors = loaded.problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = loaded.problems.len() - errors;
    let status = match errors {
        0 => ExitStatus::Holds,
        n if n == loaded.unverified => ExitStatus::Unreachable,
        _ => ExitStatus::DoesNotHold,
    };
    let mut problems = loaded.problems;
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.level));
    let mut view: Vec<Block> = problems.iter().cloned().map(Block::Finding).collect();
    view.push(verdict(&profile, status, errors, warnings));
    let answer = Answer {
        profile: &profile,
        protected: loaded.resolution.as_ref().map(|resolution| resolution.profile.protected),
        valid: errors == 0,
        unverified: loaded.unverified,
        errors,
        warnings,
        problems: &problems,
    };
    Ok(Report::new("ultra.env.validate/1", answer, view)?.status(status))
}

fn verdict(profile: &str, status: ExitStatus, errors: usize, warnings: usize) -> Block {
    let counts =
        format!("{}, {}", words::count(errors, "error"), words::count(warnings, "warning"));
    match status {
        ExitStatus::Holds if warnings == 0 => {
            Block::Toned(Tone::Good, format!("profile `{profile}` holds"))
        }
        ExitStatus::Holds => Block::Toned(
            Tone::Warn,
            format!("profile `{profile}` holds, with {}", words::count(warnings, "warning")),
        ),
        ExitStatus::Unreachable => {
            Block::Toned(Tone::Warn, format!("profile `{profile}` could not be verified: {counts}"))
        }
        _ => Block::Toned(Tone::Bad, format!("profile `{profile}` does not hold: {counts}")),
    }
}
