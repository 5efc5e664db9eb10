//! `ultra keys remove NAME [--version N]`: takes versions out of the vault, and deletes with their
//! issuer those that were issued.

use super::Desk;
use super::desk::not_confirmed;
use super::ending::{self, Ending, Found};
use super::names::Key;
use crate::base::words;
use crate::report::{Block, Fault, Report};
use crate::rotation::Aim;
use crate::secrets::State;
use crate::secrets::index::VersionFacts;
use crate::settings::Layer;
use serde_json::json;

/// Removes versions; the one in use last, and not without a word typed.
///
/// # Errors
/// Unknown name or version (2), a server or issuer that cannot be reached (5), a rotation under
/// way, the version in use or a protected profile without confirmation (6).
pub(crate) fn run(request: &Ending, desk: &Desk<'_>) -> Result<Report, Fault> {
    let Found { times, key, entry } = request.find(desk)?;
    let mut versions: Vec<&VersionFacts> = entry
        .versions
        .iter()
        .filter(|v| request.version.is_none_or(|number| v.number == number))
        .collect();
    if versions.is_empty() {
        return Err(ending::nothing(desk, &key, request.version));
    }
    versions.sort_by_key(|v| v.state == State::Current);
    let current = versions.iter().find(|v| v.state == State::Current).map(|v| v.number);
    let what = match request.version {
        Some(number) => format!("version {number} of `{}`", key.name),
        None => format!("`{}` with {}", key.name, words::count(versions.len(), "version")),
    };
    desk.may_change(&format!("Remove {what}"))?;
    if let Some(current) = current
        && !desk.is_protected()
    {
        let question = format!("Remove {what}, of which version {current} is in use");
        match desk.console.confirm_by_typing(&question, &key.name) {
            Ok(true) => {}
            Ok(false) => return Err(not_confirmed(&question)),
            Err(unanswered) => return Err(unanswered.fault(&question, "add `--yes`")),
        }
    }
    let mut removed = Vec::new();
    for version in versions {
        let aim = if version.state == State::Current { Aim::RemoveCurrent } else { Aim::Remove };
        ending::end(desk, &key, version, aim, times)?;
        removed.push(version.number);
    }
    let frees = frees(desk, &key, current.is_some())?;
    let numbers: Vec<String> = removed.iter().map(ToString::to_string).collect();
    let view = vec![
        Block::text(format!(
            "removed from profile `{}`: `{}` version {}",
            desk.profile(),
            key.name,
            numbers.join(", ")
        )),
        Block::List(frees.clone()),
    ];
    Report::new(
        "ultra.keys.remove/1",
        json!({
            "profile": desk.profile(),
            "name": key.name,
            "versions": removed,
            "current_removed": current.is_some(),
            "frees": frees,
        }),
        view,
    )
}

/// What is free now, and what is gone.
fn frees(desk: &Desk<'_>, key: &Key, current: bool) -> Result<Vec<String>, Fault> {
    let overview = desk.vault.overview()?;
    let entry = overview.entry(desk.profile(), &key.name);
    let mut frees = Vec::new();
    match entry.map(|e| e.versions.len()) {
        None => frees.push(format!("the name is free for `{}`", desk.command("set", key))),
        Some(left) => frees.push(format!("versions that are left: {left}")),
    }
    if current && let Some(variable) = key.variable.as_deref() {
        let mut candidates = desk.resolution.candidates(variable).iter().rev();
        let other = candidates.find(|c| c.origin.layer != Layer::Vault && !c.value.is_empty());
        frees.push(match other {
            Some(other) => format!("`{variable}` now comes from {}", other.origin),
            None => format!("`{variable}` has no value any more"),
        });
    }
    if key.provider.is_some() {
        frees.push(
            "a value that was pasted stays valid at the provider until it is disabled there"
                .to_owned(),
        );
    }
    Ok(frees)
}
