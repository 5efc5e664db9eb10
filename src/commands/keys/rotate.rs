//! `ultra keys rotate [NAME]`: a new value, tested before it is used, the old one kept.

use super::desk::not_confirmed;
use super::names::{self, Key};
use super::rows::Policy;
use super::{Desk, rows, set, value};
use crate::base::Secret;
use crate::report::{Block, Fault, Problem, Report, Unanswered};
use crate::rotation::{Ended, Journal, Kind, Rotation, Tested};
use crate::secrets::index::VersionFacts;
use serde_json::json;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The name; `None` asks for one of those in the vault.
    pub(crate) name: Option<String>,
    /// Whether an unfinished rotation is gone on with.
    pub(crate) resume: bool,
    /// Whether an unfinished rotation is given up.
    pub(crate) abort: bool,
    /// Whether it may be written although a higher layer wins.
    pub(crate) shadowed: bool,
}

/// Rotates a key.
///
/// # Errors
/// Unknown name or no entry (2), a value that is refused or the same (3), a provider or vault that
/// cannot be reached (5), a pending rotation, a shadowed or protected entry (6).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let key = match &request.name {
        Some(name) => names::find(desk, name)?,
        None => choose(desk)?,
    };
    let overview = desk.vault.overview()?;
    if overview.entry(desk.profile(), &key.name).is_none() {
        return Err(desk.no_entry(&key));
    }
    // Giving up needs no value and changes nothing that is in use.
    if !request.abort {
        desk.not_shadowed(&key, request.shadowed)?;
        desk.may_send(&key)?;
    }
    let act = if request.abort { "Abort the rotation of" } else { "Rotate" };
    desk.may_change(&format!("{act} `{}`", key.name))?;
    let rotation = Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name)?;
    let unfinished = rotation.unfinished()?;
    match (unfinished, request.resume, request.abort) {
        (Some(journal), _, true) => abort(desk, &rotation, &journal),
        (Some(mut journal), true, false) => {
            let now = key.provider.as_ref().map(names::Provider::destination);
            if let (Some(before), Some(now)) = (&journal.destination, now)
                && *before != now
            {
                agree(desk, &key, before, &now)?;
            }
            finish(desk, &key, &rotation, &mut journal)
        }
        (Some(journal), false, false) => Err(rotation.pending(&journal)),
        (None, true, _) | (None, _, true) => Err(Fault::usage(
            Problem::error("no-rotation", format!("no rotation of `{}` is under way", key.name))
                .hint(format!("ultra keys status --profile {}", desk.profile())),
        )),
        (None, false, false) => {
            // Asked again: another rotation may have ended while this one waited.
            let overview = desk.vault.overview()?;
            let current = overview.entry(desk.profile(), &key.name).and_then(|e| e.current());
            same_destination(desk, &key, current)?;
            let secret = new_value(desk, &key)?;
            value::check(&key, &secret)?;
            let destination = key.provider.as_ref().map(names::Provider::destination);
            let mut journal = rotation.create(Kind::Rotate, &secret, destination.as_deref())?;
            drop(secret);
            finish(desk, &key, &rotation, &mut journal)
        }
    }
}

/// Tests and publishes what the journal says.
pub(super) fn finish(
    desk: &Desk<'_>,
    key: &Key,
    rotation: &Rotation<'_>,
    journal: &mut Journal,
) -> Result<Report, Fault> {
    rotation.test(journal, |value| match &key.provider {
        Some(provider) => {
            Tested::By { destination: provider.destination(), verdict: desk.ask(provider, value) }
        }
        None => Tested::Nobody,
    })?;
    let ended = rotation.publish(journal.clone())?;
    report(desk, key, &ended)
}

fn report(desk: &Desk<'_>, key: &Key, ended: &Ended) -> Result<Report, Fault> {
    let tested = match &ended.destination {
        Some(destination) => format!("accepted by {destination}"),
        None => "not tested: nobody can be asked about a key of this kind".to_owned(),
    };
    let done = match ended.kind {
        Kind::Rotate => "rotated",
        Kind::Rollback => "rolled back",
    };
    let mut next = vec![
        "running servers take it from the vault by themselves; requests under way finish with the old one".to_owned(),
        format!("to go back: {}", desk.command("rollback", key)),
    ];
    if key.provider.is_some() && !ended.from_refused {
        next.push(format!(
            "if version {} is still valid at the provider, disable it there when nothing uses it",
            ended.from
        ));
    }
    let view = vec![
        Block::text(format!(
            "`{}` is {done}: version {} → {} in profile `{}`, generation {}",
            key.name,
            ended.from,
            ended.to,
            desk.profile(),
            ended.generation
        )),
        Block::text(format!("the new value is {tested}; fingerprint {}", ended.fingerprint)),
        Block::List(next),
    ];
    Report::new(
        "ultra.keys.rotate/1",
        json!({
            "profile": desk.profile(),
            "name": key.name,
            "kind": ended.kind,
            "state": "current",
            "from": ended.from,
            "to": ended.to,
            "fingerprint": ended.fingerprint,
            "destination": ended.destination,
            "tested": ended.destination.is_some(),
            "generation": ended.generation,
        }),
        view,
    )
}

fn abort(desk: &Desk<'_>, rotation: &Rotation<'_>, journal: &Journal) -> Result<Report, Fault> {
    let written = rotation.abort(journal)?;
    let view = vec![Block::text(format!(
        "the {} of `{}` is given up; version {} stays in use",
        journal.kind.noun(),
        journal.name,
        journal.from
    ))];
    Report::new(
        "ultra.keys.rotate/1",
        json!({
            "profile": desk.profile(),
            "name": journal.name,
            "kind": journal.kind,
            "state": "aborted",
            "from": journal.from,
            "to": journal.to,
            "generation": written.generation,
        }),
        view,
    )
}

/// A key goes where it went before, unless the operator says otherwise.
pub(super) fn same_destination(
    desk: &Desk<'_>,
    key: &Key,
    current: Option<&VersionFacts>,
) -> Result<(), Fault> {
    let Some(now) = key.provider.as_ref().map(names::Provider::destination) else { return Ok(()) };
    match current.filter(|version| !version.may_go_to(&now)) {
        Some(version) => agree(desk, key, &version.destinations_text(), &now),
        None => Ok(()),
    }
}

/// Asks whether a key may go somewhere else than before.
fn agree(desk: &Desk<'_>, key: &Key, before: &str, now: &str) -> Result<(), Fault> {
    let question = format!("Send `{}` to {now}; so far it went to {before}", key.name);
    match desk.console.confirm(&question) {
        Ok(true) => Ok(()),
        Ok(false) => Err(not_confirmed(&question)),
        Err(unanswered) => Err(unanswered.fault(&question, "add `--yes` if that is meant")),
    }
}

/// Made here for keys that are ours, else asked for.
fn new_value(desk: &Desk<'_>, key: &Key) -> Result<Secret, Fault> {
    if key.kind.generated() {
        return Ok(set::generate());
    }
    if let Some(provider) = &key.provider {
        desk.console.note(&format!("the new value is tested at {}", provider.destination()));
    }
    set::ask(desk, &key.name)
}

/// Which key, if none was named: those that are due come first.
fn choose(desk: &Desk<'_>) -> Result<Key, Fault> {
    let mut rows = rows::rows(desk, &Journal::all(desk.state_dir)?)?;
    rows.retain(|row| row.version.is_some());
    rows.sort_by_key(|row| match row.policy {
        Policy::Over => 0,
        Policy::Due => 1,
        Policy::Ok | Policy::None => 2,
    });
    if rows.is_empty() {
        return Err(Fault::usage(
            Problem::error("nothing-to-rotate", "the vault has no keys in this profile")
                .hint(format!("ultra keys set openai --profile {}", desk.profile())),
        ));
    }
    let options: Vec<String> = rows
        .iter()
        .map(|row| match row.policy {
            Policy::Over => format!("{} (older than it may be)", row.name),
            Policy::Due => format!("{} (due)", row.name),
            Policy::Ok | Policy::None => row.name.clone(),
        })
        .collect();
    let chosen = desk.console.choose("Which key?", &options).map_err(|e| match e {
        Unanswered::Interrupted => Fault::interrupted(),
        Unanswered::NobodyThere | Unanswered::NotText => {
            Fault::usage(Problem::error("no-name", "which key is not said").hint(format!(
                "name one of: {}",
                rows.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(", ")
            )))
        }
    })?;
    let row = rows.get(chosen).ok_or_else(|| Fault::bug("a choice that was not offered"))?;
    names::find(desk, &row.name)
}
