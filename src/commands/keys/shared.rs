//! Other profiles that use keys of this one (`vault:prod/openai`): they are told of, and their
//! servers are handed the vault as well.

use super::names;
use super::{Desk, publish};
use crate::report::Problem;
use crate::settings::profile::SecretReference;
use crate::settings::{Loaded, Workspace, load};

/// The profiles that refer to entries of the one that the command acts on.
pub(crate) fn others(desk: &Desk<'_>, workspace: &Workspace) -> Vec<Loaded> {
    let names = workspace.profile_names().into_iter().filter(|name| name != desk.profile());
    names
        .map(|name| load(workspace, &name, desk.vault))
        .filter(|loaded| !entries(loaded, desk.profile()).is_empty())
        .collect()
}

/// The names of the entries of `profile` that another one refers to.
fn entries<'a>(other: &'a Loaded, profile: &str) -> Vec<&'a str> {
    let Some(resolution) = &other.resolution else { return Vec::new() };
    let secrets = resolution.profile.secrets.values();
    secrets
        .filter_map(|secret| match &secret.reference {
            SecretReference::Vault { profile: Some(of), name } if of == profile => {
                Some(name.as_str())
            }
            _ => None,
        })
        .collect()
}

/// Says that other profiles use the key, or any if none is named: their servers have a store of
/// their own, so that a rotation does not see them.
pub(crate) fn warn(desk: &Desk<'_>, others: &[Loaded], name: Option<&str>) {
    let key = name.and_then(|name| names::find(desk, name).ok());
    for other in others {
        let Some(resolution) = &other.resolution else { continue };
        let mut used = entries(other, desk.profile());
        used.retain(|used| key.as_ref().is_none_or(|key| key.name == *used));
        if used.is_empty() {
            continue;
        }
        let other = &resolution.profile.name;
        desk.console.warn(
            &Problem::warning(
                "used-elsewhere",
                format!("profile `{other}` uses `{}` of `{}`", used.join("`, `"), desk.profile()),
            )
            .why("its servers are given the new value, and not waited for")
            .hint(format!(
                "before an old value ends: `ultra keys doctor --profile {other}` says whether they \
                 have it"
            )),
        );
    }
}

/// Hands the vault to the servers of those profiles, if it is of a later generation than `before`.
pub(crate) fn hand_over(before: u64, desk: &Desk<'_>, others: &[Loaded]) {
    for other in others {
        let Some(resolution) = &other.resolution else { continue };
        let settings = other.settings.as_ref();
        publish::changed_since(before, false, &Desk { resolution, settings, ..*desk });
    }
}
