//! What `env run` and `env export` hand on: the variables of a profile with their values, and the
//! names that must not be handed on.

use super::gateway::Gateway;
use super::provider_keys::ProviderKeys;
use super::{unagreed, variable};
use crate::base::{Secret, words};
use crate::exit::ExitStatus;
use crate::report::{Console, Fault, Level, Problem};
use crate::settings::catalogue::{self, VarSpec};
use crate::settings::environment::{APPLICATION, EXPORTED};
use crate::settings::profile::canonical;
use crate::settings::resolution::{Candidate, Resolution};
use crate::settings::secret::{SecretRef, SecretSource, ValueRef};
use crate::settings::{Layer, Loaded, Workspace, load, secretish, shown};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a variable belongs to `ultra` and its operator, and reaches no command.
fn internal(name: &str) -> bool {
    catalogue::find(name).is_some_and(|spec| spec.internal)
}

/// Whether a value is the operator's key, whatever the name it would be handed on under.
fn operators(value: &ValueRef) -> bool {
    matches!(value, ValueRef::Vault { name, .. }
        if catalogue::find_vault(name).is_some_and(|spec| spec.operator))
}

/// What is wanted of a profile.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Only these variables; all if empty.
    pub(crate) only: Vec<String>,
    /// Whether values of secrets are wanted at all.
    pub(crate) secrets: bool,
}

/// One variable with its value, kept as a secret whether it is one or not.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// The value.
    pub(crate) value: Secret,
    /// Whether it must not be shown.
    pub(crate) secret: bool,
    /// The layer that said it.
    pub(crate) layer: Layer,
}

/// What is handed on.
#[derive(Debug, Default)]
pub(crate) struct Handed {
    /// By name.
    pub(crate) given: BTreeMap<String, Given>,
    /// Secrets whose values nobody asked for.
    pub(crate) left_out: BTreeSet<String>,
    /// Names of the process environment that end here.
    pub(crate) kept: BTreeSet<String>,
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
    let (resolution, warnings) = understood(load(workspace, &workspace.profile, secrets))?;
    tell(&warnings, workspace, console);
    let wanted = wanted(selection, &resolution, workspace)?;
    let asked = |name: &&str| wanted.as_ref().is_none_or(|wanted| wanted.contains(*name));
    let names = resolution.names().filter(asked);
    let withheld = unagreed::withheld(names, &resolution, workspace, console)?;
    let mut collector = Collector {
        workspace,
        resolution: &resolution,
        provider_keys: gateway.map(|_| ProviderKeys::of(&resolution)),
        handed: Handed::default(),
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
            Ok(value) => collector.give(name, value, true, reference.origin.layer),
            Err(problem) => {
                unopened += usize::from(vault);
                problems.push(problem);
            }
        }
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
        matches!(problem.code, "untrusted-root" | "missing-secret" | "empty-secret" | "unfit-value")
    });
    told.into_iter().for_each(|problem| console.warn(problem));
    if !other.is_empty() {
        let warnings = words::count(other.len(), "warning");
        let profile = &workspace.profile;
        console.note(&format!("profile `{profile}`: {warnings} (ultra env validate {profile})"));
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

struct Collector<'a> {
    workspace: &'a Workspace,
    resolution: &'a Resolution,
    provider_keys: Option<ProviderKeys>,
    handed: Handed,
}

impl Collector<'_> {
    fn give(&mut self, name: &str, value: Secret, secret: bool, layer: Layer) {
        let given = Given { value, secret, layer };
        if let Some((alias, value, counts)) = self.written_as(name) {
            self.handed.given.insert(alias, Given { value, ..given.clone() });
            if !counts {
                // It means nothing to us: only its reader knows what.
                return;
            }
        }
        if catalogue::find(name).is_some_and(|spec| spec.secret) {
            // With the value itself at hand, the file of the same secret would contradict it.
            self.keep_if_set(&format!("{name}_FILE"));
        }
        self.handed.given.insert(name.to_owned(), given);
    }

    /// The other name under which a file says the variable, for its reader looks for that one; what
    /// stands there; and whether it means anything to us.
    fn written_as(&self, name: &str) -> Option<(String, Secret, bool)> {
        let origin = &self.resolution.winner(name)?.origin;
        let alias = origin.written_as.as_ref().filter(|_| origin.layer < Layer::Process)?;
        let written = self.resolution.written_under(alias)?;
        (written.layer == origin.layer).then_some(())?;
        Some((alias.clone(), text(&written.value)?, written.counts))
    }

    /// What files say under names that mean nothing to us there: `USE_MOCK=maybe`, `ENVIRONMENT`.
    /// The process environment has its say first, and the command inherits it.
    fn as_written(&mut self, secrets: bool, wanted: impl Fn(&str) -> bool) {
        let resolution = self.resolution;
        for (name, written) in resolution.written().filter(|(_, written)| !written.counts) {
            let variable = catalogue::find_alias(name).map_or(name, |(spec, _)| spec.name);
            let said = self.handed.given.contains_key(name);
            if said
                || !wanted(variable)
                || internal(variable)
                || self.workspace.environment.get(name).is_some()
            {
                continue;
            }
            let Some(value) = text(&written.value) else { continue };
            let secret =
                matches!(written.value, ValueRef::Literal(_)) || secretish::perhaps(value.expose());
            if secret && !secrets {
                self.handed.left_out.insert(name.to_owned());
                continue;
            }
            let given = Given { value, secret, layer: written.layer };
            self.handed.given.insert(name.to_owned(), given);
        }
    }

    /// What is there to hand on under a name: given at once if it is plain, returned if it has to
    /// be opened.
    fn look(&mut self, name: &str, secrets: bool) -> Option<SecretRef> {
        if internal(name) {
            return None;
        }
        let winner = self.resolution.winner(name)?;
        let layer = winner.origin.layer;
        if built_in(winner) || operators(&winner.value) {
            return None;
        }
        let secret = shown::hidden(name, self.resolution.candidates(name));
        if secret && !secrets {
            self.handed.left_out.insert(name.to_owned());
            return None;
        }
        if let ValueRef::Text(text) = &winner.value {
            self.give(name, Secret::new(text.as_str()), secret, layer);
            return None;
        }
        self.resolution.secret(name)
    }

    /// A variable that nobody wants: it does not reach the child by another way either.
    fn pass_over(&mut self, name: &str) {
        let known = self.resolution.winner(name).is_some_and(|w| !built_in(w));
        if known {
            self.keep(name);
        }
    }

    fn keep_if_set(&mut self, name: &str) {
        if self.workspace.environment.has(name) {
            self.handed.kept.insert(name.to_owned());
        }
    }

    /// Keeps a variable under all its names.
    fn keep(&mut self, name: &str) {
        self.keep_if_set(name);
        self.keep_if_set(&format!("{name}_FILE"));
        let aliases = catalogue::find(name).map_or(&[][..], |spec| spec.aliases);
        for alias in aliases {
            self.keep_if_set(alias.name);
            self.keep_if_set(&format!("{}_FILE", alias.name));
        }
    }

    /// Our own variables that no child gets: internal ones, keys that are withheld, and what looks
    /// like either from another version of ours.
    fn names_of_ours(&mut self) {
        let ours = |spec: &&VarSpec| spec.internal || self.resolution.is_withheld(spec.name);
        let names: Vec<&str> = catalogue::all().filter(ours).map(|spec| spec.name).collect();
        for name in names {
            self.keep(name);
        }
        // Digests of values, some of which may be kept back; and what a command finds in its
        // environment is no export of a shell any more.
        self.keep_if_set(EXPORTED);
        let taken_back = self.workspace.environment.taken_back();
        self.handed.kept.extend(taken_back.map(|(name, _)| name.to_owned()));
        self.keep_if_set(APPLICATION);
        let foreign: Vec<String> = self
            .workspace
            .environment
            .names()
            .filter(|name| {
                let ours = name.starts_with("ULTRA_") && catalogue::find(name).is_none();
                (ours && (name.starts_with("ULTRA_VAULT_") || secretish::name(name)))
                    || self.resolution.is_withheld(name)
            })
            .map(str::to_owned)
            .collect();
        self.handed.kept.extend(foreign);
    }

    /// The profile in use, so that another `ultra` further down means the same one.
    fn profile(&mut self) {
        let profile = &self.workspace.profile;
        let given =
            || Given { value: Secret::new(profile.as_str()), secret: false, layer: Layer::Flag };
        let environment = &self.workspace.environment;
        let other = environment.get("ENVIRONMENT").filter(|v| !v.is_empty());
        let other = other.filter(|_| !environment.is_applications("ENVIRONMENT"));
        if other.is_some_and(|other| canonical(other) != *profile) {
            self.handed.given.insert("ENVIRONMENT".to_owned(), given());
        }
        self.handed.given.insert("ULTRA_PROFILE".to_owned(), given());
    }

    /// What stands in the process environment and must not be handed on with a gateway: keys of
    /// providers, whatever they are called.
    fn process(&mut self) {
        let Some(keys) = &self.provider_keys else { return };
        let found: Vec<String> = self
            .workspace
            .environment
            .iter()
            .filter(|(name, text)| keys.named(name) || keys.is_key(text))
            .map(|(name, _)| name.to_owned())
            .collect();
        self.handed.kept.extend(found);
        self.handed
            .given
            .retain(|name, given| !keys.named(name) && !keys.is_key(given.value.expose()));
    }
}

/// Whether only the program itself says it: a default, or a profile that is built in. A child that
/// is `ultra` knows it too, and to another program it means nothing.
fn built_in(winner: &Candidate) -> bool {
    let origin = &winner.origin;
    origin.layer == Layer::Default || (origin.layer == Layer::Profile && origin.place.is_none())
}

/// A text that stands in a layer.
fn text(value: &ValueRef) -> Option<Secret> {
    match value {
        ValueRef::Text(text) => Some(Secret::new(text.as_str())),
        ValueRef::Literal(secret) => Some(secret.clone()),
        ValueRef::Vault { .. } | ValueRef::File(_) => None,
    }
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
