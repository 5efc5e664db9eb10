//! Who issues the keys of a name: the admin API of its provider, if there is an admin key for it.

use super::Desk;
use super::names::{self, Key, Kind};
use crate::provider::admin::{self, Issuer};
use crate::report::{Fault, Problem};
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::secret::ValueRef;

/// The issuer of a provider's key; `None` where there is no admin key that may be sent to it.
///
/// # Errors
/// The admin key cannot be opened (5), or cannot be one (3).
pub(super) fn issuer(desk: &Desk<'_>, key: &Key) -> Result<Option<Box<dyn Issuer>>, Fault> {
    let (Kind::Provider, Some(variable)) = (key.kind, key.variable.as_deref()) else {
        return Ok(None);
    };
    let known = KNOWN_PROVIDERS.iter().find(|known| known.key == variable);
    let Some(admin) = known.and_then(|known| known.admin) else { return Ok(None) };
    let Some(reference) = desk.resolution.secret(admin.key) else { return Ok(None) };
    let admin_key = names::find(desk, admin.key)?;
    let Some(provider) = admin_key.provider.as_ref().filter(|_| !desk.withheld(&admin_key)) else {
        return Ok(None);
    };
    let destination = provider.destination();
    if let ValueRef::Vault { profile, name } = &reference.value {
        let entry = desk.vault.entry(profile, name)?;
        let current = entry.as_ref().and_then(|entry| entry.current());
        if let Some(version) = current.filter(|version| !version.may_go_to(&destination)) {
            desk.console.warn(
                &Problem::warning("bound-elsewhere", format!("`{name}` is not used"))
                    .why(format!(
                        "it is bound to {}, and the API is at {destination}",
                        version.destinations_text()
                    ))
                    .hint(format!(
                        "if it may: `ultra keys allow {name} --host {destination} --profile {profile}`"
                    )),
            );
            return Ok(None);
        }
    }
    let value = reference.reveal(desk.vault).map_err(Fault::unreachable)?;
    let project = admin
        .project
        .and_then(|name| desk.resolution.text(name))
        .map(|(text, _)| text.trim().to_owned())
        .filter(|project| !project.is_empty());
    admin::issuer(provider.kind, &provider.base_url, &value, project).map(Some).map_err(|e| {
        Fault::does_not_hold(vec![
            Problem::error("odd-admin-key", format!("`{}` cannot be used", admin.key))
                .why(e)
                .hint(format!("ultra keys set {} --replace", admin_key.name)),
        ])
    })
}
