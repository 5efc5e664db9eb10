//! After a change of the vault: servers that do not see its file are handed the new one, and those
//! on this machine look at once.

use super::Desk;
use super::around::Servers;
use crate::exit::ExitStatus;
use crate::report::{Fault, Problem};
use crate::rotation::Fleet as _;
use crate::secrets::Freshness;
use crate::settings::{Settings, Workspace, load};
use crate::store::DatabaseOptions;

/// The generation of the vault, as far as that is known without opening it.
pub(crate) fn generation(desk: &Desk<'_>) -> u64 {
    desk.vault.overview().map_or(0, |overview| overview.generation)
}

/// The same as [`changed_since`] after an import, which may have brought the address of the store:
/// the servers of the store that the settings name now are handed the vault, and those of the one
/// that they named before, if they named one that can be opened.
pub(crate) fn imported(before: u64, done: bool, desk: &Desk<'_>, workspace: &Workspace) {
    let loaded = load(workspace, desk.profile(), desk.vault);
    let Some(resolution) = &loaded.resolution else { return changed_since(before, done, desk) };
    let mut settings = loaded.settings.clone();
    if let Some(url) = settings.as_mut().and_then(|settings| settings.database.url.as_mut()) {
        // It may have come from a file of the root just now: it gets no password of the user's.
        url.by_root = true;
    }
    let now = Desk { resolution, settings: settings.as_ref(), ..*desk };
    changed_since(before, done, &now);
    if generation(desk) > before && leaves_a_store(desk, &now) {
        changed_since(before, false, desk);
    }
}

/// Whether the settings named another store before than they do now, and one that servers can have.
fn leaves_a_store(before: &Desk<'_>, now: &Desk<'_>) -> bool {
    let options = |desk: &Desk<'_>| {
        let Settings { database, profile, .. } = desk.settings?;
        DatabaseOptions::from_settings(database, profile, desk.state_dir, desk.vault).ok()
    };
    let now = options(now);
    options(before).is_some_and(|before| {
        before.is_suitable() && now.is_none_or(|now| !before.is_named_as(&now))
    })
}

/// Hands the vault to the servers of the profile, if it is of a later generation than `before`, or
/// if the command came to its end (`done`): one before it may have been cut short after its change.
/// The change itself is done: what goes wrong here is told as a warning, with the way on.
pub(crate) fn changed_since(before: u64, done: bool, desk: &Desk<'_>) {
    // Settings that cannot be read have no store to speak of.
    if desk.settings.is_none() {
        return;
    }
    let Ok(overview) = desk.vault.overview() else { return };
    let changed = overview.generation > before;
    if overview.freshness != Freshness::Fresh || !(changed || done) {
        return;
    }
    let servers = Servers::of(desk);
    let published = match desk.vault.sealed() {
        Ok(Some((generation, sealed))) => servers.publish(generation, &sealed),
        Ok(None) => return,
        Err(fault) => Err(fault),
    };
    // Without a change nobody is known to wait, but whoever runs elsewhere may: a store that could not
    // be written to is told then, too.
    let told =
        |fault: &Fault| changed || fault.status == ExitStatus::Refused || !servers.are_beside();
    match published {
        // They lacked more than what this command did.
        Ok(Some(had)) if had < before => {
            let now = overview.generation;
            desk.console.note(&format!("servers were given generation {now} of the vault"));
        }
        Ok(_) => {}
        Err(fault) if told(&fault) => {
            for problem in fault.problems {
                let why = problem.why.map(|why| format!(": {why}")).unwrap_or_default();
                desk.console.warn(
                    &Problem::warning("not-published", problem.what)
                        .why(format!("servers beside this vault have it, others wait{why}"))
                        .hint(problem.hint.unwrap_or_else(|| "run the command again".to_owned())),
                );
            }
        }
        Err(_) => {}
    }
    if changed {
        servers.hasten();
    }
}
