//! The layer of the profile: plain values and references to secrets along `extends`.

use super::absorb::{Said, absorb};
use super::{Gather, Value, trust};
use crate::base::{Secret, file};
use crate::report::{Place, Problem};
use crate::settings::origin::Layer;
use crate::settings::profile::{SecretReference, SecretSpec};
use crate::settings::profile_file::SaidVariable;
use crate::settings::resolution::InVain;
use crate::settings::secret::ValueRef;

/// Adds the layer. `vars` holds one list a profile, the farthest of `extends` first.
pub(super) fn add(gather: &mut Gather<'_>, vars: Vec<Vec<SaidVariable>>) {
    for said in vars {
        let said = said
            .into_iter()
            .map(|v| Said {
                name: v.name,
                text: v.text,
                place: v.place,
                name_place: v.name_place,
                secret: false,
            })
            .collect();
        absorb(gather, Layer::Profile, said);
    }
    let secrets: Vec<(String, SecretSpec)> =
        gather.resolution.profile.secrets.clone().into_iter().collect();
    if secrets.is_empty() {
        return;
    }
    if !trust::trusted(gather) {
        for (name, spec) in secrets {
            let why = InVain::Untrusted;
            let written_as = spec.reference.to_string();
            gather.pass_over(&name, Layer::Profile, Some(spec.place), &written_as, why);
        }
        return;
    }
    for (name, spec) in secrets {
        if let Some(value) = refer(gather, &name, &spec) {
            let written_as = Some(spec.reference.to_string());
            let value = Value { value, place: Some(spec.place) };
            gather.add(&name, Layer::Profile, value, written_as);
        } else {
            let why = InVain::Because("it leads to nothing");
            let written_as = spec.reference.to_string();
            gather.pass_over(&name, Layer::Profile, Some(spec.place), &written_as, why);
        }
    }
}

/// What a reference leads to, unopened; `None` if to nothing, which is reported.
fn refer(gather: &mut Gather<'_>, name: &str, spec: &SecretSpec) -> Option<ValueRef> {
    match &spec.reference {
        SecretReference::Vault { profile, name: entry } => {
            let profile = profile.as_ref().unwrap_or(&gather.resolution.profile.name).clone();
            match gather.secrets.facts(&profile, entry) {
                Ok(Some(_)) => Some(ValueRef::Vault { profile, name: entry.clone() }),
                Ok(None) => {
                    let why = format!("the vault has no entry `{profile}/{entry}`");
                    let hint = format!("ultra keys set {entry} --profile {profile}");
                    missing(gather, name, &spec.place, why, Some(hint));
                    None
                }
                Err(problem) => {
                    gather.problems.push(problem);
                    None
                }
            }
        }
        SecretReference::Env(variable) => {
            let found = gather.workspace.environment.get(variable).filter(|v| !v.is_empty());
            if found.is_none() {
                let why = format!("`{variable}` is not set in the process environment");
                missing(gather, name, &spec.place, why, None);
            }
            found.map(|value| ValueRef::Literal(Secret::new(value)))
        }
        SecretReference::File(path) => {
            let base = gather.workspace.root.as_ref().unwrap_or(&gather.workspace.current_dir);
            let at = path.to_string_lossy();
            // What is wrong is said there.
            trust::bars_link(gather, name, &at, Some(&spec.place)).is_none().then_some(())?;
            let path = base.join(path);
            if file::holds_nothing(&path) {
                let why =
                    format!("the file `{}` is empty", gather.workspace.shown(&path).display());
                missing(gather, name, &spec.place, why, None);
                return None;
            }
            if path.exists() {
                return Some(ValueRef::File(path));
            }
            let why = format!("there is no file `{}`", gather.workspace.shown(&path).display());
            missing(gather, name, &spec.place, why, None);
            None
        }
    }
}

/// A reference to nothing. Where nothing is protected the secret may well come later.
fn missing(gather: &mut Gather<'_>, name: &str, place: &Place, why: String, hint: Option<String>) {
    let what = format!("the reference of `{name}` leads to nothing");
    let problem = if gather.resolution.profile.protected {
        Problem::error("missing-secret", what)
    } else {
        Problem::warning("missing-secret", what)
    };
    gather.problems.push(problem.at(place.clone()).why(why).maybe_hint(hint));
}
