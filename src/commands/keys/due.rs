//! `ultra keys rotate --all-due`: everything that is due and needs nobody, for a timer.
//!
//! Rotations that were cut short go on, graces that are over end, and keys that are due are
//! replaced if they are made here or by their provider. What needs a person is named. Ends with 0
//! if nothing is left, 3 if something needs a person or does not hold, else 5 if something could
//! not be reached.

use super::names::{self, Key};
use super::rotate::moved;
use super::rows::Policy;
use super::times::Times;
use super::winner::{self, Unasked};
use super::{Desk, fed, set};
use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Problem, Report, Table, Tone};
use crate::rotation::{Aim, Ended, Fed, Journal, Kind, Rotation, Step};
use crate::secrets::State;
use serde::Serialize;
use serde_json::json;

/// What came of one thing that was due.
#[derive(Debug, Serialize)]
struct Done {
    name: String,
    version: u32,
    /// `rotated`, `disabled`, `removed`, `aborted`, or `left`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip)]
    status: ExitStatus,
}

/// Does what is due.
///
/// # Errors
/// The index or a journal cannot be read (5), a protected profile without confirmation (6). What
/// could not be done for one key keeps no other from being looked at, and is in the answer.
pub(super) fn run(desk: &Desk<'_>, times: Times) -> Result<Report, Fault> {
    let overview = desk.vault.overview()?;
    let journals = Journal::all(desk.state_dir)?;
    // The end of the last version of a key may have been cut short.
    let under_way =
        |key: &Key| journals.iter().any(|j| j.profile == desk.profile() && j.name == key.name);
    let keys: Vec<Key> = names::all(desk.resolution, &overview)
        .into_iter()
        .filter(|key| overview.entry(desk.profile(), &key.name).is_some() || under_way(key))
        .collect();
    desk.may_change("Rotate what is due")?;
    let mut done = Vec::new();
    for known in Fed::all(desk.state_dir)?.iter().filter(|f| f.profile == desk.profile()) {
        let key = match names::find(desk, &known.name) {
            Ok(key) => key,
            // One that nobody can look up keeps no other waiting.
            Err(fault) => {
                let variable = Some(known.variable.clone());
                let (name, kind) = (known.name.clone(), names::Kind::Other);
                done.push(left(&Key { name, variable, kind, provider: None }, 0, fault));
                continue;
            }
        };
        done.push(match fed::go_on(desk, &key, known, times) {
            Ok(()) => made(&key, 0, "rotated"),
            Err(fault) => left(&key, 0, fault),
        });
    }
    for key in &keys {
        one(desk, key, times, &mut done);
    }
    let has = |status| done.iter().any(|d: &Done| d.status == status);
    let status = if [ExitStatus::DoesNotHold, ExitStatus::Refused, ExitStatus::Usage]
        .into_iter()
        .any(&has)
    {
        ExitStatus::DoesNotHold
    } else if has(ExitStatus::Failure) {
        ExitStatus::Failure
    } else if has(ExitStatus::Interrupted) {
        ExitStatus::Interrupted
    } else if has(ExitStatus::Unreachable) {
        ExitStatus::Unreachable
    } else {
        ExitStatus::Holds
    };
    let mut view = Vec::new();
    if done.is_empty() {
        view.push(Block::text(format!("nothing is due in profile `{}`", desk.profile())));
    } else {
        let mut table = Table::new(&["name", "version", "outcome", "why", "next"]);
        for d in &done {
            let tone = if d.outcome == "left" { Tone::Warn } else { Tone::Good };
            let plain = |text: &Option<String>| {
                (text.clone().unwrap_or_else(|| "-".to_owned()), Tone::Plain)
            };
            table.rows.push(vec![
                (d.name.clone(), Tone::Strong),
                (version(d.version), Tone::Plain),
                (d.outcome.to_owned(), tone),
                plain(&d.why),
                plain(&d.next),
            ]);
        }
        view.push(Block::Table(table));
    }
    let data = json!({ "profile": desk.profile(), "done": done });
    Ok(Report::new("ultra.keys.due/1", data, view)?.status(status))
}

/// Everything that is due for one key, in order: what was cut short, what is over, what is old.
fn one(desk: &Desk<'_>, key: &Key, times: Times, done: &mut Vec<Done>) {
    let rotation = match Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name) {
        Ok(rotation) => rotation,
        Err(fault) => return done.push(left(key, 0, fault)),
    };
    let unfinished = match rotation.unfinished() {
        Ok(unfinished) => unfinished,
        Err(fault) => return done.push(left(key, 0, fault)),
    };
    if let Some(journal) = unfinished {
        let (version, aborting) = (journal.to, journal.aborting);
        match finish(desk, key, &rotation, journal, times) {
            Ok(ended) => done.push(ended),
            Err(_) if aborting && matches!(rotation.unfinished(), Ok(None)) => {
                done.push(made(key, version, "aborted"));
            }
            // What stands still here keeps the rest of this key waiting.
            Err(fault) => return done.push(left(key, version, fault)),
        }
    }
    match over(desk, key) {
        Ok(versions) => {
            for version in versions {
                done.push(match end(desk, key, &rotation, version, times) {
                    Ok(ended) => made(key, version, word(&ended)),
                    Err(fault) => left(key, version, fault),
                });
            }
        }
        Err(fault) => return done.push(left(key, 0, fault)),
    }
    if let Some((version, policy)) = old(desk, key) {
        done.push(match renew(desk, key, &rotation, times) {
            Ok(Some(ended)) => made(key, ended.to, word(&ended)),
            Ok(None) => by_hand(desk, key, version, policy),
            Err(fault) => left(key, version, fault),
        });
    }
}

/// The number of a version; values that a file feeds have none.
fn version(number: u32) -> String {
    if number == 0 { "-".to_owned() } else { format!("v{number}") }
}

fn word(ended: &Ended) -> &'static str {
    match (ended.kind, ended.step) {
        (Kind::Rotate | Kind::Rollback, _) => "rotated",
        (Kind::Retire, Step::OldRemoved) => "removed",
        (Kind::Retire, _) => "disabled",
    }
}

fn finish(
    desk: &Desk<'_>,
    key: &Key,
    rotation: &Rotation<'_>,
    journal: Journal,
    times: Times,
) -> Result<Done, Fault> {
    if moved(key, &journal).is_some() {
        // Another address is for a person to agree to.
        return Err(rotation.pending(&journal));
    }
    desk.may_send(key)?;
    let ended = desk.go_on(key, rotation, journal, times.wait)?;
    Ok(made(key, if ended.kind == Kind::Retire { ended.from } else { ended.to }, word(&ended)))
}

/// The versions whose grace is over.
fn over(desk: &Desk<'_>, key: &Key) -> Result<Vec<u32>, Fault> {
    let overview = desk.vault.overview()?;
    let now = desk.vault.clock().now();
    let versions = overview.entry(desk.profile(), &key.name).into_iter().flat_map(|e| &e.versions);
    Ok(versions
        .filter(|v| v.state == State::Old && v.retire_at.is_some_and(|due| due <= now))
        .map(|v| v.number)
        .collect())
}

fn end(
    desk: &Desk<'_>,
    key: &Key,
    rotation: &Rotation<'_>,
    version: u32,
    times: Times,
) -> Result<Ended, Fault> {
    desk.may_send(key)?;
    let plan = times.plan(desk, key, Kind::Retire, false)?;
    desk.with_world(key, times.wait, |world| {
        rotation.end_version(&plan, version, Aim::Retire, world)
    })
}

/// The version in use, if it is due to be replaced.
fn old(desk: &Desk<'_>, key: &Key) -> Option<(u32, Policy)> {
    let overview = desk.vault.overview().ok()?;
    let current = overview.entry(desk.profile(), &key.name)?.current()?;
    let age = desk.vault.clock().now().as_second() - current.created_at.as_second();
    let max = key.kind.max_age(&desk.resolution.profile.policy.key_max_age)?;
    let policy = Policy::of(age, Some(max.as_secs()));
    matches!(policy, Policy::Due | Policy::Over).then_some((current.number, policy))
}

/// Replaces a key by one that is made here or by its provider; `None` if a person must bring it.
fn renew(
    desk: &Desk<'_>,
    key: &Key,
    rotation: &Rotation<'_>,
    times: Times,
) -> Result<Option<Ended>, Fault> {
    winner::not_shadowed(desk, key, false, Unasked::Fails)?;
    desk.may_send(key)?;
    let plan = times.plan(desk, key, Kind::Rotate, false)?;
    desk.with_world(key, times.wait, |world| {
        let journal = match world.issuer {
            Some(issuer) if issuer.can().create => rotation.issue(&plan, issuer, world.fleet)?,
            _ if key.kind.generated() => rotation.create(&plan, &set::generate())?,
            _ => return Ok(None),
        };
        rotation.run(journal, world).map(Some)
    })
}

fn made(key: &Key, version: u32, outcome: &'static str) -> Done {
    let status = ExitStatus::Holds;
    Done { name: key.name.clone(), version, outcome, why: None, next: None, status }
}

fn left(key: &Key, version: u32, fault: Fault) -> Done {
    let problem = fault.problems.into_iter().next();
    let why = problem.as_ref().map(|p| match &p.why {
        Some(why) => format!("{}: {why}", p.what),
        None => p.what.clone(),
    });
    let next = problem.and_then(|p: Problem| p.hint);
    Done { name: key.name.clone(), version, outcome: "left", why, next, status: fault.status }
}

fn by_hand(desk: &Desk<'_>, key: &Key, version: u32, policy: Policy) -> Done {
    let why = match policy {
        Policy::Over => "it is older than it may be, and a person must make the new one",
        _ => "it is due, and a person must make the new one",
    };
    Done {
        name: key.name.clone(),
        version,
        outcome: "left",
        why: Some(why.to_owned()),
        next: Some(desk.command("rotate", key)),
        status: ExitStatus::DoesNotHold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_with_its_cause_and_the_next_command() {
        let key =
            Key { name: "k".into(), variable: None, kind: names::Kind::Other, provider: None };
        let problem = Problem::error("c", "what").why("why").hint("next");
        let left = left(&key, 3, Fault::unreachable(problem));
        assert_eq!(left.why.as_deref(), Some("what: why"));
        assert_eq!((left.next.as_deref(), left.status), (Some("next"), ExitStatus::Unreachable));
    }
}
