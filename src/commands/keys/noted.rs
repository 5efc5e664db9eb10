//! What the vault is told of the answers that `verify` got.

use super::names::Key;
use super::{Desk, issuing};
use crate::base::Secret;
use crate::report::Problem;
use crate::secrets::Edited;
use crate::secrets::audit::Event;
use crate::secrets::index::VersionFacts;
use crate::settings::secret::Remote;

/// An answer that the vault is told.
pub(super) struct Noted {
    /// The version it is about.
    pub(super) version: u32,
    /// Its fingerprint.
    pub(super) fingerprint: String,
    /// Whether it is good.
    pub(super) accepted: bool,
    /// Who said so.
    pub(super) destination: String,
    /// Whether the version is bound to the destination from now on.
    pub(super) binds: bool,
    /// What the provider calls it.
    pub(super) remote: Option<Remote>,
}

/// What the provider calls a value that it did not issue to us, so that it can be ended there; only
/// with an admin key. That it cannot be found out is no failure.
pub(super) fn recognised(
    desk: &Desk<'_>,
    key: &Key,
    facts: &VersionFacts,
    value: &Secret,
) -> Option<Remote> {
    if facts.remote.is_some() {
        return None;
    }
    let asked = issuing::issuer(desk, key)
        .map_err(|fault| fault.problems.into_iter().next().map(|p| p.what).unwrap_or_default());
    let found = match asked {
        Ok(None) => return None,
        Ok(Some(issuer)) => issuer.recognise(value).map_err(|e| e.to_string()),
        Err(why) => Err(why),
    };
    found.unwrap_or_else(|why| {
        desk.console.warn(
            &Problem::warning(
                "key-not-found",
                format!("what the provider calls `{}` is not known", key.name),
            )
            .why(format!("its admin API was asked, and {why}"))
            .hint("without that, the key is disabled in the provider's console when it ends"),
        );
        None
    })
}

/// Notes in the vault when and for which destination the versions were accepted or refused. The
/// answers stand without it, so a failure is a warning.
pub(super) fn remember(desk: &Desk<'_>, key: &Key, noted: &[Noted]) {
    if noted.is_empty() {
        return;
    }
    let now = desk.vault.clock().now();
    let written = desk.vault.write(None, &format!("keys verify {}", key.name), |document| {
        let entry = document.entry_mut(desk.profile(), &key.name);
        let mut events = Vec::new();
        for one in noted {
            let Some(version) = entry.version_mut(one.version) else { continue };
            if one.accepted {
                version.verified_at = Some(now);
            }
            // One that the operator allowed besides stays beside.
            if one.binds && !version.allowed.contains(&one.destination) {
                version.bound = Some(one.destination.clone());
            }
            if version.remote.is_none() {
                version.remote.clone_from(&one.remote);
            }
            let value = version.value.clone();
            entry.judged(&value, (!one.accepted).then_some(now));
            events.push(Event {
                event: if one.accepted { "verified" } else { "refused" }.to_owned(),
                profile: desk.profile().to_owned(),
                name: key.name.clone(),
                version: one.version,
                fingerprint: Some(one.fingerprint.clone()),
                detail: Some(one.destination.clone()),
            });
        }
        Ok(Edited { value: (), events })
    });
    let problems = match written {
        Ok(written) => written.warnings,
        Err(fault) => fault.problems,
    };
    for problem in problems {
        let what = format!("the answer is not noted in the vault: {}", problem.what);
        desk.console.warn(&Problem { what, level: crate::report::Level::Warning, ..problem });
    }
}
