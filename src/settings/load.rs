//! Phase two: a profile, its layers and rules become settings, or a list of everything wrong.

use super::layers;
use super::origin::{Layer, Origin};
use super::profile::{Policy, Profile};
use super::resolution::{Candidate, Resolution};
use super::secret::{SecretSource, ValueRef};
use super::{Settings, Workspace, derive};
use crate::report::{Fault, Problem};

/// What came of loading a profile: as much as could be made of it, and every problem at once.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// What every layer says; `None` if the profile itself cannot be read.
    pub(crate) resolution: Option<Resolution>,
    /// The typed settings; `None` if a value is malformed.
    pub(crate) settings: Option<Settings>,
    /// Problems of files, layers, types and rules; errors and warnings.
    pub(crate) problems: Vec<Problem>,
}

impl Loaded {
    /// The settings, where they come from, and the warnings.
    ///
    /// # Errors
    /// Every problem, if one of them is an error (3).
    pub(crate) fn usable(self) -> Result<(Settings, Resolution, Vec<Problem>), Fault> {
        let broken = self.problems.iter().any(Problem::is_error);
        match (self.settings, self.resolution) {
            (Some(settings), Some(resolution)) if !broken => {
                Ok((settings, resolution, self.problems))
            }
            _ => Err(Fault::does_not_hold(self.problems)),
        }
    }
}

/// Loads `profile` (a canonical name) without opening a secret.
pub(crate) fn load(workspace: &Workspace, profile: &str, secrets: &dyn SecretSource) -> Loaded {
    let mut problems = Vec::new();
    let profile = Profile {
        name: profile.to_owned(),
        extends: Vec::new(),
        protected: false,
        place: None,
        secrets: Default::default(),
        providers: Default::default(),
        routes: Default::default(),
        policy: Policy::default(),
    };
    let mut resolution = Resolution::defaults(profile);
    layers::vault(&mut resolution, secrets, &mut problems);
    layers::process(&mut resolution, workspace, &mut problems);
    for (name, text) in &workspace.flags.variables {
        let value = ValueRef::Text(text.clone());
        resolution.add(name, Candidate { origin: Origin::of(Layer::Flag), value });
    }
    derive::providers_and_routes(&mut resolution);
    let settings = Settings::read(&resolution, &mut problems);
    Loaded { resolution: Some(resolution), settings, problems }
}
