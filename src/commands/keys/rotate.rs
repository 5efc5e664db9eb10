//! `ultra keys rotate [NAME]`: a new value, tested before it is used, the old one kept until its
//! grace is over.

use super::desk::not_confirmed;
use super::names::{self, Key};
use super::rows::Policy;
use super::times::{Spans, Times};
use super::winner::{self, Feeder, Unasked};
use super::{Desk, due, fed, giving_up, rows, set};
use crate::base::time;
use crate::exit::ExitStatus;
use crate::report::{Block, Fault, Problem, Report};
use crate::rotation::fleet::Acknowledgement;
use crate::rotation::{Ended, Fed, Journal, Kind, Order, Rotation, Step, Unowned};
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
    /// Whether all is done that is due and needs nobody.
    pub(crate) all_due: bool,
    /// Whether others may know the value in use.
    pub(crate) compromised: bool,
    /// Whether the value is asked for although the provider could issue one.
    pub(crate) paste: bool,
    /// Whether it may be written although a higher layer wins.
    pub(crate) shadowed: bool,
    /// How long things take.
    pub(crate) spans: Spans,
}

/// Rotates a key.
///
/// # Errors
/// Unknown name or no entry (2), a value that is refused or the same (3), a provider, server or
/// vault that cannot be reached (5), a pending rotation, a shadowed or protected entry, a grace
/// that is too short (6).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let times = request.spans.read()?;
    if request.all_due {
        return due::run(desk, times);
    }
    let key = match &request.name {
        Some(name) => names::find(desk, name)?,
        None => choose(desk)?,
    };
    if let Some(known) = Fed::read(desk.state_dir, desk.profile(), &key.name)? {
        return fed::under_way(request, desk, &key, &known, times);
    }
    // Giving up needs no value and changes nothing that is in use; what goes on was asked before.
    if !request.abort && !request.resume {
        // Where others may know the value, what can be done is done; and where the address of the
        // store is the value, a store that cannot be reached is why it is replaced.
        let told = request.compromised || key.kind == names::Kind::Database;
        let unasked = if told { Unasked::Told } else { Unasked::Fails };
        if let Feeder::File(file) = winner::feeder(desk, &key, request.shadowed, unasked)? {
            return fed::run(request, desk, &key, &file, times);
        }
    }
    let overview = desk.vault.overview()?;
    // The end of its last version may be what was cut short.
    let goes_on = request.resume || request.abort;
    if overview.entry(desk.profile(), &key.name).is_none() && !goes_on {
        return Err(desk.no_entry(&key));
    }
    if !goes_on {
        desk.not_shadowed(&key, request.shadowed)?;
        desk.may_send(&key)?;
    }
    let plan = times.plan(desk, &key, Kind::Rotate, request.compromised)?;
    let act = if request.abort { "Abort the rotation of" } else { "Rotate" };
    desk.may_change(&format!("{act} `{}`", key.name))?;
    let rotation = Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name)?;
    if request.abort
        && let Some(journal) = rotation.set_astray_aside()?
    {
        return giving_up::set_aside(desk, &rotation, &journal);
    }
    let unfinished = rotation.unfinished()?;
    match (unfinished, request.resume, request.abort) {
        (Some(journal), _, true) => giving_up::abort(desk, &key, &rotation, &journal, times),
        (Some(journal), true, false) => {
            desk.not_shadowed(&key, request.shadowed)?;
            desk.may_send(&key)?;
            resume(desk, &key, &rotation, journal, times)
        }
        (Some(journal), false, false) => Err(rotation.pending(&journal)),
        (None, resumes, aborts) if resumes || aborts => match rotation.unowned()? {
            Some(unowned) if aborts => giving_up::discard(desk, &rotation, &unowned),
            unowned => Err(no_rotation(desk, &key, unowned.as_ref())),
        },
        (None, ..) => {
            // Asked again: another rotation may have ended while this one waited.
            let entry = desk.vault.entry(desk.profile(), &key.name)?;
            same_destination(desk, &key, entry.as_ref().and_then(|entry| entry.current()))?;
            desk.cutting_over(&key, times.wait, |world| {
                let journal = match world.issuer {
                    Some(issuer) if issuer.can().create && !request.paste => {
                        rotation.issue(&plan, issuer, world.fleet)?
                    }
                    _ => {
                        // Made here for keys that are ours, else asked for.
                        let secret = match key.kind.generated() {
                            true => set::generate(),
                            false => set::ask_for_test(desk, &key)?,
                        };
                        set::connects(desk, &key, &secret)?;
                        rotation.create(&plan, &secret)?
                    }
                };
                rotation.run(journal, world)
            })
            .and_then(|ended| report(desk, &key, &ended))
        }
    }
}

fn no_rotation(desk: &Desk<'_>, key: &Key, unowned: Option<&Unowned>) -> Fault {
    let problem =
        Problem::error("no-rotation", format!("no rotation of `{}` is under way", key.name));
    Fault::usage(match unowned {
        None => problem.hint(format!("ultra keys status --profile {}", desk.profile())),
        Some(unowned) => problem
            .why(format!("{}, which no rotation on record owns", giving_up::are_there(unowned)))
            .hint(format!("`{} --abort` discards what is there", desk.command("rotate", key))),
    })
}

/// Goes on with what was cut short.
fn resume(
    desk: &Desk<'_>,
    key: &Key,
    rotation: &Rotation<'_>,
    journal: Journal,
    times: Times,
) -> Result<Report, Fault> {
    if let Some((before, Some(now))) = moved(key, &journal) {
        agree(desk, key, before, &now)?;
    }
    let ended = desk.go_on(key, rotation, journal, times.wait)?;
    report(desk, key, &ended)
}

/// The address that a value was made for and the one it would be sent to now, if they differ and
/// no server has the value yet.
pub(super) fn moved<'a>(key: &Key, journal: &'a Journal) -> Option<(&'a str, Option<String>)> {
    let before = journal.destination.as_deref().filter(|_| journal.step < Step::Published)?;
    let now = key.provider.as_ref().map(names::Provider::destination);
    (now.as_deref() != Some(before)).then_some((before, now))
}

/// What was done, and what comes next.
pub(super) fn report(desk: &Desk<'_>, key: &Key, ended: &Ended) -> Result<Report, Fault> {
    let mut view = Vec::new();
    if ended.kind == Kind::Retire {
        view.push(Block::text(ended_text(key, ended)));
        view.extend(still_valid(ended, key).map(Block::Finding));
    } else {
        view.extend(cut_over(desk, key, ended));
    }
    let left = ended.left_over.as_ref();
    view.extend(left.iter().flat_map(|f| f.problems.iter().cloned()).map(Block::Finding));
    let report = Report::new(
        "ultra.keys.rotate/1",
        json!({
            "profile": desk.profile(),
            "name": key.name,
            "kind": ended.kind,
            "state": ended.step,
            "from": ended.from,
            "to": ended.to,
            "fingerprint": ended.fingerprint,
            "destination": ended.destination,
            "tested": ended.destination.is_some(),
            "generation": ended.generation,
            "replicas": ended.acknowledgement,
            "retire_at": ended.retire_at,
            "compromised": ended.compromised,
            "left_over": left.map(|f| &f.problems),
            "left_valid": ended.left_valid,
        }),
        view,
    )?;
    Ok(match left {
        Some(fault) => report.status(fault.status),
        None if ended.left_valid.is_some() => report.status(ExitStatus::DoesNotHold),
        None => report,
    })
}

/// The finding about a key that was forgotten here and that its issuer still accepts. With the
/// version its ids are gone, so they are told here.
pub(super) fn still_valid(ended: &Ended, key: &Key) -> Option<Problem> {
    let remote = ended.left_valid.as_ref()?;
    let ids = [("project", &remote.project), ("account", &remote.account), ("key", &remote.key)];
    let ids: Vec<String> = ids
        .iter()
        .filter_map(|(what, id)| id.as_ref().map(|id| format!("{what} `{id}`")))
        .collect();
    let what = format!("version {} of `{}` is still valid at its issuer", ended.from, key.name);
    Some(
        Problem::warning("still-valid", what)
            .why(format!("without an admin key nobody could tell `{}` to end it", remote.issuer))
            .hint(format!("end it in the console of `{}`: {}", remote.issuer, ids.join(", "))),
    )
}

/// What an old version has come to.
pub(super) fn ended_text(key: &Key, ended: &Ended) -> String {
    let done = match ended.step {
        Step::OldRemoved => "removed",
        _ => "disabled",
    };
    let stays = match ended.to == ended.from {
        true => String::new(),
        false => format!("; version {} is in use", ended.to),
    };
    format!("version {} of `{}` is {done}{stays}", ended.from, key.name)
}

fn cut_over(desk: &Desk<'_>, key: &Key, ended: &Ended) -> Vec<Block> {
    let tested = match &ended.destination {
        Some(destination) => format!("accepted by {destination}"),
        None => "not tested: nobody can be asked about a key of this kind".to_owned(),
    };
    let done = match ended.kind {
        Kind::Rollback => "rolled back",
        Kind::Rotate | Kind::Retire => "rotated",
    };
    let mut next = Vec::new();
    match &ended.acknowledgement {
        Some(told) if told.of > 0 => {
            next.push(format!("{} on generation {}", told.in_words("replica"), ended.generation));
        }
        // They hold connections that the old one opened.
        _ if matches!(key.kind, names::Kind::Database | names::Kind::Redis) => next.push(
            "running servers go on with the old one: start them again, one after the other, before \
             it is disabled"
                .to_owned(),
        ),
        _ => next.push(
            "running servers take it from the vault by themselves; requests under way finish with \
             the old one"
                .to_owned(),
        ),
    }
    next.extend(old_text(desk, key, ended));
    if !ended.compromised && matches!(ended.step, Step::Current) {
        next.push(format!("to go back: {}", desk.command("rollback", key)));
    }
    vec![
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
    ]
}

/// What becomes of the version before.
fn old_text(desk: &Desk<'_>, key: &Key, ended: &Ended) -> Option<String> {
    let from = ended.from;
    let all_due = format!("ultra keys rotate --all-due --profile {}", desk.profile());
    match (ended.step, ended.retire_at) {
        _ if ended.compromised && super::times::order(key) == Order::Ahead => {
            let all = ended.acknowledgement.as_ref().is_none_or(Acknowledgement::is_whole);
            // Where it is not, the finding says on which servers.
            all.then(|| {
                format!(
                    "version {from} is no longer accepted: every token that was signed with it is \
                     refused"
                )
            })
        }
        (Step::OldRemoved, _) => Some(format!("version {from} is deleted")),
        (Step::OldDisabled, _) => Some(format!("version {from} is disabled")),
        _ if ended.from_refused => None,
        _ if ended.compromised => {
            Some(format!("version {from} is compromised: nothing goes back to it"))
        }
        // Why it could not be ended stands below.
        _ if ended.left_over.is_some() => None,
        (_, Some(due)) => {
            let left = due.as_second() - desk.vault.clock().now().as_second();
            let due = format!("{due} (in {})", time::human(left));
            Some(if key.provider.is_some() {
                format!(
                    "if version {from} is still valid at the provider, disable it there when \
                     nothing uses it; from {due} on `{all_due}` asks whether that is done"
                )
            } else {
                format!("version {from} is accepted until {due}; then: `{all_due}`")
            })
        }
        (_, None) => None,
    }
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
    let chosen = desk.console.choose("Which key?", &options).map_err(|unanswered| {
        unanswered.unless_interrupted(|| {
            let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
            let problem = Problem::error("no-name", "which key is not said");
            Fault::usage(problem.hint(format!("name one of: {}", names.join(", "))))
        })
    })?;
    let row = rows.get(chosen).ok_or_else(|| Fault::bug("a choice that was not offered"))?;
    names::find(desk, &row.name)
}
