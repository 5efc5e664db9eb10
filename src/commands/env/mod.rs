//! The commands of `ultra env`.

mod compat;
pub(crate) mod current;
pub(crate) mod diff;
mod differences;
pub(crate) mod dotenvy;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod fmt;
mod gateway;
mod handed;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod init;
mod input;
pub(crate) mod lint;
pub(crate) mod list;
mod masked;
mod provider_keys;
pub(crate) mod render;
pub(crate) mod run;
mod said;
pub(crate) mod show;
pub(crate) mod switch;
mod switching;
pub(crate) mod trust;
mod unagreed;
pub(crate) mod undo;
pub(crate) mod validate;

pub(crate) use switching::Manner;

use crate::base::near;
use crate::report::{Fault, Problem};
use crate::settings::catalogue;
use crate::settings::resolution::Resolution;
use crate::settings::secretish::name_for_message;
use crate::settings::{Loaded, Workspace};

/// The variable that somebody means: by its name, an alias, or its name in the vault.
///
/// # Errors
/// An unknown name (2), with the nearest one.
fn variable(name: &str, resolution: &Resolution, workspace: &Workspace) -> Result<String, Fault> {
    let spec = catalogue::find(name)
        .or_else(|| catalogue::find_alias(name).map(|(spec, _)| spec))
        .or_else(|| catalogue::find_vault(name));
    if let Some(spec) = spec {
        return Ok(spec.name.to_owned());
    }
    // What is said in vain is known, too: of a secret of an untrusted root all is withheld.
    let in_vain = || resolution.is_withheld(name) || resolution.passed_over(name).next().is_some();
    if !resolution.candidates(name).is_empty() || in_vain() {
        return Ok(name.to_owned());
    }
    // Ours without their beginning: `port` means `ULTRA_PORT`.
    let ours = format!("ULTRA_{}", name.to_ascii_uppercase().replace('-', "_"));
    let ours = catalogue::find(&ours).map(|spec| spec.name);
    let names = || {
        let aliases = catalogue::all().flat_map(|spec| spec.aliases.iter().map(|alias| alias.name));
        catalogue::all().map(|spec| spec.name).chain(aliases).chain(resolution.names())
    };
    let unknown =
        Problem::error("unknown-variable", format!("unknown variable {}", name_for_message(name)));
    Err(Fault::usage(if let Ok(profile) = workspace.known_profile(name) {
        unknown.hint(format!("`{profile}` is a profile: ultra env show --profile {profile}"))
    } else {
        unknown.maybe_hint(
            ours.or_else(|| near::nearest(name, names()))
                .map(|near| format!("did you mean `{near}`?"))
                .or_else(|| Some("`ultra env show` lists all".to_owned())),
        )
    }))
}

/// What was resolved and what was found wrong on the way.
///
/// # Errors
/// The profile itself cannot be read (3).
fn resolved(loaded: Loaded) -> Result<(Resolution, Vec<Problem>), Fault> {
    match loaded.resolution {
        Some(resolution) => Ok((resolution, loaded.problems)),
        None => Err(Fault::does_not_hold(loaded.problems)),
    }
}
