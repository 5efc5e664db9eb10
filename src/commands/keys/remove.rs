//! `ultra keys remove NAME [--version N]`: takes versions out of the vault, and deletes with their
//! issuer those that were issued.

use super::around::Servers;
use super::desk::not_confirmed;
use super::ending::{self, Ending, Found};
use super::names::Key;
use super::{Desk, issuing, rotate};
use crate::base::words;
use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Problem, Report};
use crate::rotation::{Aim, Fleet as _, ReplicaSlot};
use crate::secrets::State;
use crate::secrets::index::VersionFacts;
use crate::settings::Layer;
use serde_json::json;
use std::time::{Duration, Instant};

/// Removes versions; the one in use last, and not without a word typed.
///
/// # Errors
/// Unknown name or version (2), a key that stays valid at its issuer (3, removed here), a server or issuer that cannot be reached (5), a rotation under
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
    may_leave_valid(desk, &key, &versions)?;
    let (mut removed, mut left_valid, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for version in versions {
        let aim = if version.state == State::Current { Aim::RemoveCurrent } else { Aim::Remove };
        let ended = ending::end(desk, &key, version, aim, times)?;
        removed.push(version.number);
        findings.extend(rotate::still_valid(&ended, &key).map(Block::Finding));
        left_valid.extend(ended.left_valid);
    }
    let frees = frees(desk, &key, current.is_some())?;
    let left = match current {
        Some(_) => let_go(desk, &key, times.wait),
        None => Ok(None),
    };
    let (frees, problem) = match left {
        Ok(None) => (frees, None),
        Ok(Some(problem)) => (frees, Some(problem)),
        Err(fault) => (frees, fault.problems.into_iter().next()),
    };
    let numbers: Vec<String> = removed.iter().map(ToString::to_string).collect();
    let mut view = vec![
        Block::text(format!(
            "removed from profile `{}`: `{}` version {}",
            desk.profile(),
            key.name,
            numbers.join(", ")
        )),
        Block::List(frees.clone()),
    ];
    view.extend(problem.iter().cloned().map(Block::Finding));
    view.extend(findings);
    let report = Report::new(
        "ultra.keys.remove/1",
        json!({
            "profile": desk.profile(),
            "name": key.name,
            "versions": removed,
            "current_removed": current.is_some(),
            "frees": frees,
            "left_over": problem,
            "left_valid": left_valid,
        }),
        view,
    )?;
    // It is gone from the vault; what servers and issuers still do is told with it.
    let status = match (left_valid.is_empty(), problem.is_some()) {
        (false, _) => ExitStatus::DoesNotHold,
        (true, true) => ExitStatus::Unreachable,
        (true, false) => ExitStatus::Holds,
    };
    Ok(report.status(status))
}

/// How often servers are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Waits until no server uses a value of the key from the vault; what is wrong if one still does.
///
/// # Errors
/// The servers cannot be asked (5).
fn let_go(desk: &Desk<'_>, key: &Key, wait: Duration) -> Result<Option<Problem>, Fault> {
    let (Some(variable), Some(_)) = (&key.variable, desk.settings) else { return Ok(None) };
    let servers = Servers::of(desk);
    let progress = desk.console.progress(&format!("`{}`", key.name));
    let deadline = Instant::now() + wait;
    loop {
        let using: Vec<String> = servers
            .replicas()?
            .into_iter()
            .filter(|replica| {
                // What could not be read may be anything.
                let unread = |slot: &ReplicaSlot| slot.variable.is_empty();
                let uses = |slot: &ReplicaSlot| {
                    let it = slot.variable == *variable && slot.in_use();
                    it && slot.source.as_deref() == Some("vault")
                };
                replica.slots.iter().any(|slot| unread(slot) || uses(slot))
            })
            .map(|replica| replica.instance)
            .collect();
        if using.is_empty() {
            return Ok(None);
        }
        if Instant::now() >= deadline {
            return Ok(Some(
                Problem::warning("servers-lag", format!("a server still uses `{}`", key.name))
                    .why(format!(
                        "it is out of the vault, and still in use on {}",
                        using.join(", ")
                    ))
                    .hint("start that server again; until then do not count on its end"),
            ));
        }
        progress.say(&format!("`{}` is still in use on {}", key.name, using.join(", ")));
        std::thread::sleep(LOOK.min(deadline.saturating_duration_since(Instant::now())));
    }
}

/// Asks before versions are forgotten that only their issuer can end, while nobody here can tell
/// it to.
///
/// # Errors
/// Not confirmed (6), and what is wrong with the admin key.
fn may_leave_valid(desk: &Desk<'_>, key: &Key, versions: &[&VersionFacts]) -> Result<(), Fault> {
    let issued = versions.iter().filter(|v| v.remote.is_some() && v.state != State::Disabled);
    let numbers: Vec<String> = issued.map(|v| v.number.to_string()).collect();
    if numbers.is_empty() || issuing::issuer(desk, key)?.is_some() {
        return Ok(());
    }
    let question = format!(
        "Forget version {} of `{}` while its issuer goes on accepting it",
        numbers.join(", "),
        key.name
    );
    match desk.console.confirm(&question) {
        Ok(true) => Ok(()),
        Ok(false) => Err(not_confirmed(&question)),
        Err(unanswered) => Err(unanswered.fault(
            &question,
            "give the vault its admin key again, with which it is ended there; or add `--yes`",
        )),
    }
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
