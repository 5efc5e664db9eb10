//! The layers, low to high, each turned into candidates with their origins.

mod absorb;
mod dotenv_files;
mod profile;
mod trust;
mod vault;

use super::Workspace;
use super::catalogue;
use super::origin::{Layer, Origin};
use super::profile_file::Assembled;
use super::resolution::{Candidate, InVain, PassedOver, Resolution};
use super::secret::{SecretSource, ValueRef};
use super::shown::hidden;
use super::trust_claims::Agreement;
use crate::base::Secret;
use crate::report::{Place, Problem};
use absorb::{Said, absorb};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the layers are gathered from and into.
struct Gather<'a> {
    workspace: &'a Workspace,
    secrets: &'a dyn SecretSource,
    resolution: Resolution,
    /// Names outside the catalogue that the profile declares to be secrets.
    declared: BTreeSet<String>,
    /// What the root's files ask for, and whether the user agreed; `None` while nobody asked.
    asked: Option<trust::Asked>,
    /// The same for another profile: what was read for it is not read again.
    read: Option<&'a Agreement>,
    /// Whether it was told that the user has not agreed.
    told: bool,
    problems: &'a mut Vec<Problem>,
}

/// What every layer says under this profile, and whether the user agreed to what the root's files ask
/// for, if that mattered. What they ask for is read, unless it was for another profile (`read`).
pub(super) fn gather(
    workspace: &Workspace,
    assembled: Assembled,
    secrets: &dyn SecretSource,
    read: Option<&Agreement>,
    problems: &mut Vec<Problem>,
) -> (Resolution, Option<Arc<Agreement>>) {
    let profile = assembled.profile;
    let keys = profile.providers.values().flat_map(|provider| provider.keys.iter());
    let declared = profile.secrets.keys().chain(keys).cloned().collect();
    let resolution = Resolution::defaults(profile);
    let (asked, told) = (None, false);
    let mut gather =
        Gather { workspace, secrets, resolution, declared, asked, read, told, problems };
    profile::add(&mut gather, assembled.vars);
    dotenv_files::add(&mut gather);
    vault::add(&mut gather);
    dotenv_files::add_named(&mut gather);
    process(&mut gather);
    flags(&mut gather);
    trust::withhold(&mut gather);
    (gather.resolution, gather.asked.map(trust::Asked::agreement))
}

/// The process environment: catalogued names, their aliases and files, and foreign names that a
/// lower layer knows, which it overrides.
fn process(gather: &mut Gather<'_>) {
    let environment = &gather.workspace.environment;
    for (name, _) in environment.broken() {
        if gather.declared.contains(name) || hidden(name, gather.resolution.candidates(name)) {
            gather.resolution.keep_secret_bytes(name);
        }
        if catalogue::find(name).is_some() || catalogue::find_alias(name).is_some() {
            gather.problems.push(Problem::error("not-utf8", not_utf8(name)));
        } else if !gather.resolution.candidates(name).is_empty() {
            // It wins all the same: a command inherits it as it is.
            gather.resolution.forget(name);
            gather.problems.push(
                Problem::warning("not-utf8", not_utf8(name))
                    .why("it wins over what files say, and is handed on as it is")
                    .hint(format!("unset {name}")),
            );
        }
    }
    let said = environment
        .iter()
        .filter(|(name, _)| *name != "ENVIRONMENT" || !environment.is_applications(name))
        .filter(|(name, _)| !name.starts_with("__ULTRA_"))
        .map(|(name, text)| Said {
            name: name.to_owned(),
            text: text.to_owned(),
            place: None,
            name_place: None,
            secret: false,
        })
        .collect();
    absorb(gather, Layer::Process, said);
}

fn not_utf8(name: &str) -> String {
    format!("`{name}` in the process environment is not UTF-8")
}

/// The command line.
fn flags(gather: &mut Gather<'_>) {
    let flags = &gather.workspace.flags;
    let mut said: Vec<(&str, String)> =
        flags.variables.iter().map(|(name, text)| (*name, text.clone())).collect();
    said.extend(flags.profile.iter().map(|profile| ("ULTRA_PROFILE", profile.clone())));
    said.extend(flags.dir.iter().map(|dir| ("ULTRA_DIR", dir.display().to_string())));
    for (name, text) in said {
        let value = ValueRef::Text(text);
        gather.resolution.add(name, Candidate { origin: Origin::of(Layer::Flag), value });
    }
}

impl Gather<'_> {
    /// Adds what a layer says of a variable, as a secret if it is one.
    fn add(&mut self, name: &str, layer: Layer, said: Value, written_as: Option<String>) {
        let origin = Origin { layer, place: said.place, written_as };
        self.resolution.add(name, Candidate { origin, value: said.value });
    }

    /// Remembers that what a layer says of a variable, as `written_as`, does not count.
    fn pass_over(
        &mut self,
        name: &str,
        layer: Layer,
        place: Option<Place>,
        written_as: &str,
        why: InVain,
    ) {
        let written_as = (written_as != name).then(|| written_as.to_owned());
        let origin = Origin { layer, place, written_as };
        self.resolution.pass_over(PassedOver { name: name.to_owned(), origin, why });
    }
}

/// A value of a layer and where it stands.
struct Value {
    value: ValueRef,
    place: Option<Place>,
}

/// `text` as a value that may be shown, or not.
fn as_value(text: String, secret: bool) -> ValueRef {
    if secret { ValueRef::Literal(Secret::new(text)) } else { ValueRef::Text(text) }
}
