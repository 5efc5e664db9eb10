//! The layers that are no files: vault and process environment.

use super::Workspace;
use super::catalogue;
use super::origin::{Layer, Origin};
use super::resolution::{Candidate, Resolution};
use super::secret::{SecretSource, ValueRef};
use crate::base::Secret;
use crate::report::Problem;

/// Adds the vault's entries, by its index.
pub(crate) fn vault(
    resolution: &mut Resolution,
    secrets: &dyn SecretSource,
    problems: &mut Vec<Problem>,
) {
    let profile = resolution.profile.name.clone();
    for spec in catalogue::all() {
        let Some(name) = spec.vault else { continue };
        match secrets.facts(&profile, name) {
            Ok(None) => {}
            Ok(Some(_)) => {
                let value = ValueRef::Vault { profile: profile.clone(), name: name.to_owned() };
                resolution.add(spec.name, Candidate { origin: Origin::of(Layer::Vault), value });
            }
            Err(problem) => {
                problems.push(problem);
                return;
            }
        }
    }
}

/// Adds what the process environment says of catalogued variables.
pub(crate) fn process(
    resolution: &mut Resolution,
    workspace: &Workspace,
    _problems: &mut Vec<Problem>,
) {
    for (name, text) in workspace.environment.iter() {
        let Some(spec) = catalogue::find(name) else { continue };
        let value = if spec.secret {
            ValueRef::Literal(Secret::new(text))
        } else {
            ValueRef::Text(text.to_owned())
        };
        resolution.add(name, Candidate { origin: Origin::of(Layer::Process), value });
    }
}
