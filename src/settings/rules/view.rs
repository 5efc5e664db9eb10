//! What rules look at.

use crate::base::Secret;
use crate::report::{Level, Place, Problem};
use crate::settings::Workspace;
use crate::settings::catalogue;
use crate::settings::origin::Origin;
use crate::settings::profile::Profile;
use crate::settings::resolution::Resolution;
use crate::settings::secret::{SecretSource, ValueRef};
use std::collections::BTreeMap;

/// How far judging goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Only what is declared: nothing is opened, no other program is asked.
    Declared,
    /// Secrets are opened and git is asked.
    Full,
}

/// What rules look at.
pub(super) struct View<'a> {
    /// Where we are.
    pub(super) workspace: &'a Workspace,
    /// What every layer says.
    pub(super) resolution: &'a Resolution,
    /// Who knows the vault.
    pub(super) secrets: &'a dyn SecretSource,
    /// How far to go.
    pub(super) depth: Depth,
    /// Secrets that are open: those that stand in a layer, in full judging all.
    pub(super) opened: BTreeMap<&'a str, Secret>,
    /// How many problems say that an entry of the vault could not be opened.
    pub(super) unverified: usize,
}

impl<'a> View<'a> {
    /// Opens what may be opened, and reports what cannot be.
    pub(super) fn open(
        workspace: &'a Workspace,
        resolution: &'a Resolution,
        secrets: &'a dyn SecretSource,
        depth: Depth,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut view =
            Self { workspace, resolution, secrets, depth, opened: BTreeMap::new(), unverified: 0 };
        let mut told: Vec<Problem> = Vec::new();
        let mut shut = false;
        for name in resolution.names() {
            // Servers judge in full when they start: the operator's keys are not for them.
            let skipped = catalogue::find(name).is_some_and(|spec| spec.bootstrap || spec.operator);
            let Some(secret) = resolution.secret(name).filter(|_| !skipped) else { continue };
            let open = match &secret.value {
                ValueRef::Text(_) => continue,
                ValueRef::Literal(_) => true,
                ValueRef::Vault { .. } | ValueRef::File(_) => depth == Depth::Full,
            };
            let in_vault = matches!(secret.value, ValueRef::Vault { .. });
            // A vault that does not open is one problem, and one wait, however many are in it.
            if !open || (in_vault && shut) {
                continue;
            }
            match secret.reveal(secrets) {
                Ok(value) => {
                    view.opened.insert(name, value);
                }
                Err(problem) => {
                    shut |= in_vault && problem.code != "missing-secret";
                    if !told.contains(&problem) {
                        view.unverified += usize::from(problem.is_error() && in_vault);
                        told.push(problem);
                    }
                }
            }
        }
        problems.append(&mut told);
        view
    }

    /// The profile.
    pub(super) fn profile(&self) -> &'a Profile {
        &self.resolution.profile
    }

    /// The winning text of a variable that is no secret.
    pub(super) fn text(&self, name: &str) -> Option<(&'a str, &'a Origin)> {
        self.resolution.text(name)
    }

    /// Where the winning value stands.
    pub(super) fn place(&self, name: &str) -> Option<Place> {
        self.resolution.winner(name)?.origin.place.clone()
    }

    /// An error in a protected profile, else a warning.
    pub(super) fn problem(&self, rule: &super::Rule, what: impl Into<String>) -> Problem {
        let level = if self.profile().protected { Level::Error } else { Level::Warning };
        Problem { level, ..Problem::error(rule.id, what) }
    }

    /// Whether the mode is real.
    pub(super) fn real(&self) -> bool {
        self.text("ULTRA_MODE").is_some_and(|(mode, _)| mode == "real")
    }

    /// The file that a variable's value would best be written to.
    pub(super) fn profile_file(&self) -> String {
        format!("profiles/{}.yaml", self.profile().name)
    }
}
