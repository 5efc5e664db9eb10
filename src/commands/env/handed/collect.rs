//! Which variables are wanted, and what they come to: every problem at once, or all of them.

use super::super::gateway::Gateway;
use super::super::provider_keys::ProviderKeys;
use super::super::{unagreed, variable};
use super::collector::{Collector, Handed, internal};
use crate::base::words;
use crate::exit::ExitStatus;
use crate::report::{Console, Fault, Level, Problem};
use crate::settings::resolution::Resolution;
use crate::settings::secret::{SecretSource, ValueRef};
use crate::settings::{Loaded, Workspace, load, secretish};
use std::collections::BTreeSet;

/// What is wanted of a profile.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Only these variables; all if empty.
    pub(crate) only: Vec<String>,
    /// Whether values of secrets are wanted at all.
    pub(crate) secrets: bool,
}

/// Loads the profile in use and opens what is to be handed on. The vault is opened once, and only
/// if a wanted secret is in it.
///
/// # Errors
/// Every problem of the configuration (3); an unknown name among the wanted ones (2); every secret
/// that cannot be opened (3, or 5 if they are all in the vault).
pub(crate) fn collect(
    selection: &Selection,
    gateway: Option<&Gateway>,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    console: &dyn Console,
) -> Result<Handed, Fault> {
    let loaded = load(workspace, &workspace.profile, secrets);
    let agreement = loaded.agreement.clone();
    let (resolution, warnings) = understood(loaded)?;
    tell(&warnings, workspace, console);
    let wanted = wanted(selection, &resolution, workspace)?;
    let asked = |name: &&str| wanted.as_ref().is_none_or(|wanted| wanted.contains(*name));
    let names = resolution.names().filter(asked);
    let withheld =
        unagreed::withheld(names, &resolution, workspace, agreement.as_deref(), console)?;
    let mut collector = Collector {
        workspace,
        resolution: &resolution,
        provider_keys: gateway.map(|_| ProviderKeys::of(&resolution)),
        handed: Handed { secret_bytes: resolution.secret_bytes().clone(), ..Handed::default() },
    };
    let mut problems = Vec::new();
    let mut unopened = 0;
    for name in resolution.names() {
        if let Some(keys) = &collector.provider_keys
            && keys.has(name, resolution.winner(name))
        {
            collector.keep(name);
            continue;
        }
        if wanted.as_ref().is_some_and(|wanted| !wanted.contains(name)) {
            collector.pass_over(name);
            continue;
        }
        if withheld.contains(name) {
            continue;
        }
        let Some(reference) = collector.look(name, selection.secrets) else { continue };
        let vault = matches!(reference.value, ValueRef::Vault { .. });
        if vault && unopened > 0 {
            // The vault has said why it stays shut; asking once more would ask people once more.
            unopened += 1;
            continue;
        }
        match reference.reveal(secrets) {
            Ok(value) => {
                if vault {
                    collector.handed.from_vault.insert(name.to_owned());
                }
                collector.give(name, value, true, reference.origin.layer);
            }
            Err(problem) => {
                unopened += usize::from(vault);
                problems.push(problem);
            }
        }
    }
    if let Some(wanted) = &wanted {
        // What is no text is in no layer, and the command would inherit it all the same.
        let bytes = resolution.secret_bytes().iter().filter(|name| !wanted.contains(*name));
        bytes.for_each(|name| collector.keep(name));
    }
    collector.as_written(selection.secrets, |name| {
        wanted.as_ref().is_none_or(|wanted| wanted.contains(name))
    });
    collector.names_of_ours();
    if wanted.as_ref().is_none_or(|wanted| wanted.contains("ULTRA_PROFILE")) {
        collector.profile();
    }
    collector.process();
    let mut handed = collector.handed;
    if let Some(gateway) = gateway {
        gateway.hand_on(&mut handed);
    }
    problems.extend(impossible(&handed));
    if problems.is_empty() {
        return Ok(handed);
    }
    let status = if unopened > 0 { ExitStatus::Unreachable } else { ExitStatus::DoesNotHold };
    Err(Fault::new(status, problems))
}

/// What was resolved, and the warnings. A value that `ultra serve` could not take is one of them
/// here: the command may be any program, and it is that program's value as it stands.
///
/// # Errors
/// As [`Loaded::usable`], if anything else is wrong.
fn understood(loaded: Loaded) -> Result<(Resolution, Vec<Problem>), Fault> {
    let unfit = |problem: &Problem| problem.is_error() && problem.code == "malformed-value";
    let broken = loaded.problems.iter().any(|problem| problem.is_error() && !unfit(problem));
    match loaded.resolution {
        Some(resolution) if !broken => {
            let passed_on = |problem: Problem| match unfit(&problem) {
                true => Problem {
                    level: Level::Warning,
                    code: "unfit-value",
                    what: format!(
                        "handed on as it is, although `ultra serve` would refuse it: {}",
                        problem.what
                    ),
                    hint: None,
                    ..problem
                },
                false => problem,
            };
            Ok((resolution, loaded.problems.into_iter().map(passed_on).collect()))
        }
        resolution => Loaded { resolution, ..loaded }.usable().map(|(_, r, w)| (r, w)),
    }
}

/// Warnings that say that something is missing from what is handed on are told whole; the others
/// are left to `env validate`.
fn tell(warnings: &[Problem], workspace: &Workspace, console: &dyn Console) {
    let (told, other): (Vec<&Problem>, Vec<&Problem>) = warnings.iter().partition(|problem| {
        matches!(
            problem.code,
            "untrusted-root" | "foreign-dotenv" | "missing-secret" | "empty-secret" | "unfit-value"
        )
    });
    told.into_iter().for_each(|problem| console.warn(problem));
    if !other.is_empty() {
        let warnings = words::count(other.len(), "warning");
        let profile = &workspace.profile;
        let files = workspace.flags.files.iter();
        let files: String =
            files.map(|file| format!(" --file {}", words::argument(file))).collect();
        console.note(&format!(
            "profile `{profile}`: {warnings} (ultra env validate {profile}{files})"
        ));
    }
}

/// The variables of `--only`, by their own names.
fn wanted(
    selection: &Selection,
    resolution: &Resolution,
    workspace: &Workspace,
) -> Result<Option<BTreeSet<String>>, Fault> {
    if selection.only.is_empty() {
        return Ok(None);
    }
    let mut names = BTreeSet::new();
    let mut problems = Vec::new();
    for name in &selection.only {
        if name.trim().is_empty() {
            problems.push(
                Problem::error("empty-name", "`--only` has an empty name")
                    .hint("name variables, such as `--only ULTRA_PORT,DATABASE_URL`; without `--only` all are handed on"),
            );
            continue;
        }
        match variable(name, resolution, workspace) {
            Ok(name) if internal(&name) => {
                problems.push(
                    Problem::error("internal-variable", format!("`{name}` is never handed on"))
                        .why("it belongs to ultra and its operator"),
                );
            }
            Ok(name) => {
                names.insert(name);
            }
            Err(fault) => problems.extend(fault.problems),
        }
    }
    if problems.is_empty() { Ok(Some(names)) } else { Err(Fault::new(ExitStatus::Usage, problems)) }
}

/// What no environment can hold.
fn impossible(handed: &Handed) -> Vec<Problem> {
    let broken_name = |name: &str| name.is_empty() || name.contains(['=', '\0']);
    let mut problems = Vec::new();
    for (name, given) in &handed.given {
        if broken_name(name) {
            let what = format!("{} is no name of a variable", secretish::name_for_message(name));
            problems.push(Problem::error("bad-name", what).why("it holds `=` or NUL"));
        }
        if given.value.expose().contains('\0') {
            problems.push(
                Problem::error("nul", format!("the value of `{name}` holds NUL"))
                    .why("no process can get such a value through its environment")
                    .hint(format!("leave it out with `--only`, or pass `{name}_FILE`")),
            );
        }
    }
    problems
}
