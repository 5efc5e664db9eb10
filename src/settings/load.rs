//! Phase two: a profile, its layers and rules become settings, or a list of everything wrong.

use super::catalogue;
use super::groups::BootstrapSettings;
use super::origin::{Layer, Origin};
use super::profile_file::assemble;
use super::resolution::{Candidate, Resolution};
use super::rules::{self, Depth};
use super::secret::{SecretSource, ValueRef};
use super::trust_claims::Agreement;
use super::{Settings, Workspace, derive, layers};
use crate::exit::ExitStatus;
use crate::report::{Fault, Problem};
use std::sync::Arc;

/// What came of loading a profile: as much as could be made of it, and every problem at once.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// What every layer says; `None` if the profile itself cannot be read.
    pub(crate) resolution: Option<Resolution>,
    /// The typed settings; `None` if a value is malformed.
    pub(crate) settings: Option<Settings>,
    /// Problems of files, layers, types and rules; errors and warnings.
    pub(crate) problems: Vec<Problem>,
    /// Whether a file or a value could not be understood, so that what was resolved may not be
    /// what was meant.
    pub(crate) misread: bool,
    /// Whether the user agreed to what the root's files ask for, if that mattered.
    pub(crate) agreement: Option<Arc<Agreement>>,
    /// How many of the errors say that a file could not be read or a secret not be opened, and so
    /// not be judged.
    pub(crate) unverified: usize,
}

impl Loaded {
    /// The settings, where they come from, and the warnings.
    ///
    /// # Errors
    /// Every problem, if one of them is an error: 3, or 5 if all of them say that a file could not
    /// be read or a secret not be opened.
    pub(crate) fn usable(self) -> Result<(Settings, Resolution, Vec<Problem>), Fault> {
        let errors = self.problems.iter().filter(|problem| problem.is_error()).count();
        let broken = errors > 0;
        match (self.settings, self.resolution) {
            (Some(settings), Some(resolution)) if !broken => {
                Ok((settings, resolution, self.problems))
            }
            _ if broken && errors == self.unverified => {
                Err(Fault::new(ExitStatus::Unreachable, self.problems))
            }
            _ => Err(Fault::does_not_hold(self.problems)),
        }
    }
}

/// Loads `profile` (a canonical name) without opening a secret.
pub(crate) fn load(workspace: &Workspace, profile: &str, secrets: &dyn SecretSource) -> Loaded {
    judged(workspace, profile, secrets, Depth::Declared)
}

/// Loads `profile` and judges it in full: every secret is opened, and git is asked what it tracks.
pub(crate) fn validate(workspace: &Workspace, profile: &str, secrets: &dyn SecretSource) -> Loaded {
    judged(workspace, profile, secrets, Depth::Full)
}

/// Loads `profile` for a server that starts: judged in full, so that everything wrong is told at
/// once, whatever holds the bad value. What comes by itself or by an operator while the server runs
/// is no reason not to start: a keyring that is away or locked, a key that is not in the vault yet.
pub(crate) fn start(workspace: &Workspace, profile: &str, secrets: &dyn SecretSource) -> Loaded {
    let declared = load(workspace, profile, secrets).problems;
    let mut full = validate(workspace, profile, secrets);
    full.problems.retain(|problem| declared.contains(problem) || !may_come_later(problem));
    // A vault that is damaged or shut for good is wrong, not out of reach.
    full.unverified = 0;
    full
}

fn may_come_later(problem: &Problem) -> bool {
    out_of_reach(problem) || problem.code == "missing-secret"
}

/// Whether a secret could not be opened because the keyring is away, locked, or does not know us
/// (yet): nothing is wrong with the configuration.
pub(crate) fn out_of_reach(problem: &Problem) -> bool {
    const AWAY: &[&str] =
        &["keyring-locked", "no-keyring", "keyring-denied", "keyring-item-missing"];
    AWAY.contains(&problem.code)
}

/// The errors that the rules would report under `profile` if nobody set `name`, and that a value
/// would end: why it is needed there. Nothing is opened. Empty where it is not needed; `None` if the
/// profile cannot be read. What the files of the root ask for is read once for all profiles (`read`).
pub(crate) fn needed(
    workspace: &Workspace,
    profile: &str,
    name: &str,
    secrets: &dyn SecretSource,
    read: &mut Option<Arc<Agreement>>,
) -> Option<Vec<Problem>> {
    let mut ignored = Vec::new();
    let assembled = assemble(workspace, profile, &mut ignored)?;
    let (mut with, agreement) =
        layers::gather(workspace, assembled, secrets, read.as_deref(), &mut ignored);
    *read = read.take().or(agreement);
    let mut without = with.clone();
    without.forget(name);
    if with.winner(name).is_none_or(|winner| winner.origin.layer == Layer::Default) {
        let spec = catalogue::find(name)?;
        // What is never opened here may lead anywhere.
        let value = match (spec.secret, spec.example) {
            (true, _) => ValueRef::Vault { profile: profile.to_owned(), name: name.to_owned() },
            (false, Some(example)) => ValueRef::Text(example.to_owned()),
            (false, None) => return Some(Vec::new()),
        };
        with.add(name, Candidate { origin: Origin::of(Layer::Flag), value });
    }
    let [with, mut without] = [with, without].map(|mut resolution| {
        let mut found = Vec::new();
        derive::providers_and_routes(&mut resolution);
        rules::judge(workspace, &resolution, secrets, Depth::Declared, &mut found);
        found.retain(Problem::is_error);
        found
    });
    without.retain(|lack| !with.iter().any(|p| (p.code, &p.what) == (lack.code, &lack.what)));
    Some(without)
}

fn judged(
    workspace: &Workspace,
    profile: &str,
    secrets: &dyn SecretSource,
    depth: Depth,
) -> Loaded {
    let mut problems = Vec::new();
    let Some(assembled) = assemble(workspace, profile, &mut problems) else {
        return Loaded {
            resolution: None,
            settings: None,
            problems,
            misread: true,
            agreement: None,
            unverified: 0,
        };
    };
    let (mut resolution, agreement) =
        layers::gather(workspace, assembled, secrets, None, &mut problems);
    derive::providers_and_routes(&mut resolution);
    // Used before by name; here only their types are judged.
    let _ = BootstrapSettings::read(&resolution, &mut problems);
    let settings = Settings::read(&resolution, &mut problems);
    let misread = problems.iter().any(Problem::is_error);
    let unread = problems.iter().filter(|problem| problem.code == "unreadable-file").count();
    let unverified = unread + rules::judge(workspace, &resolution, secrets, depth, &mut problems);
    Loaded { resolution: Some(resolution), settings, problems, misread, agreement, unverified }
}
