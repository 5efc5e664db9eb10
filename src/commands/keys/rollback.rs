//! `ultra keys rollback NAME`: a rotation forward to the value before.

use super::names::{self, Key};
use super::times::{self, Spans};
use super::winner::{self, Unasked};
use super::{Desk, giving_up, rotate};
use crate::base::Secret;
use crate::report::{Fault, Problem, Report};
use crate::rotation::{Kind, Order, Rotation, Step};
use crate::secrets::{Entry, State, Version};

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The name, a variable or its alias.
    pub(crate) name: String,
    /// The version to go back to; `None` for the one before.
    pub(crate) version: Option<u32>,
    /// Whether it may be written although a higher layer wins.
    pub(crate) shadowed: bool,
    /// How long things take.
    pub(crate) spans: Spans,
}

/// Makes the value before the one in use, or that of a version that is named, the newest version, if the provider still accepts it.
/// What is under way for the value in use is settled first: a rotation that servers already know
/// of is put back, the end of an old version is not gone on with.
///
/// # Errors
/// Unknown name, no entry or no older version (2), the provider refuses the old value (3), a
/// provider, server or vault that cannot be reached (5), a pending rotation, a compromised value,
/// another destination, a shadowed or protected entry (6).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let times = request.spans.read()?;
    let key = names::find(desk, &request.name)?;
    let overview = desk.vault.overview()?;
    let Some(entry) = overview.entry(desk.profile(), &key.name) else {
        return Err(desk.no_entry(&key));
    };
    if entry.versions.len() < 2 {
        return Err(nothing_before(&key));
    }
    // A store that cannot be reached may be why its address is put back.
    let unasked = match key.kind {
        names::Kind::Database => Unasked::Told,
        _ => Unasked::Fails,
    };
    winner::not_shadowed(desk, &key, request.shadowed, unasked)?;
    desk.may_send(&key)?;
    let plan = times.plan(desk, &key, Kind::Rollback, false)?;
    desk.may_change(&format!("Roll back `{}`", key.name))?;
    let rotation = Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name)?;
    if let Some(journal) = rotation.unfinished()? {
        let settles = match journal.kind {
            Kind::Retire => true,
            Kind::Rotate => journal.step >= Step::Published && !journal.aborting,
            Kind::Rollback => false,
        };
        if !settles {
            return Err(rotation.pending(&journal));
        }
        // Nothing is settled for a way back that there is not.
        if journal.kind == Kind::Retire {
            way_back(desk, &key, request.version)?;
        }
        let written =
            desk.cutting_over(&key, times.wait, |world| rotation.abort(journal.clone(), world))?;
        if journal.kind == Kind::Rotate {
            return giving_up::aborted(desk, &journal, written.generation);
        }
    }
    let value = way_back(desk, &key, request.version)?;
    let ended = desk.cutting_over(&key, times.wait, |world| {
        let journal = rotation.create(&plan, &value)?;
        rotation.run(journal, world)
    })?;
    rotate::report(desk, &key, &ended)
}

/// The value that is gone back to: of this version, or of the one before.
///
/// # Errors
/// There is none (2), or nothing may go back to it (6).
fn way_back(desk: &Desk<'_>, key: &Key, version: Option<u32>) -> Result<Secret, Fault> {
    let document = desk.vault.document()?.ok_or_else(|| desk.no_entry(key))?;
    let entry = document.entry(desk.profile(), &key.name).ok_or_else(|| desk.no_entry(key))?;
    let previous = match version {
        None => entry.previous().ok_or_else(|| nothing_before(key))?,
        Some(number) => numbered(desk, key, entry, number)?,
    };
    match obstacle(key, entry, previous) {
        None => Ok(previous.value.clone()),
        Some(obstacle) => Err(refused(desk, key, entry, previous.number, obstacle)),
    }
}

/// Why nothing goes back to a version.
enum Obstacle {
    /// Others may know its value.
    Compromised,
    /// What it signed is refused for good.
    Disabled,
    /// It may not be sent where the profile sends it now.
    Elsewhere { bound: String, now: String },
}

/// What keeps a version from being gone back to.
fn obstacle(key: &Key, entry: &Entry, version: &Version) -> Option<Obstacle> {
    if entry.is_compromised(&version.value) {
        return Some(Obstacle::Compromised);
    }
    // Of a provider's key the provider says whether it is any good; of ours nobody else does.
    if version.state == State::Disabled && times::order(key) == Order::Ahead {
        return Some(Obstacle::Disabled);
    }
    let now = key.provider.as_ref().map(names::Provider::destination)?;
    let bound = version.bound.clone().filter(|_| !version.may_go_to(&now))?;
    Some(Obstacle::Elsewhere { bound, now })
}

/// Refuses to go back to a version, and names the newest one that can be gone back to.
fn refused(desk: &Desk<'_>, key: &Key, entry: &Entry, number: u32, obstacle: Obstacle) -> Fault {
    let rotate = desk.command("rotate", key);
    let sound = entry.previous_that(|version| self::obstacle(key, entry, version).is_none());
    let way = match sound {
        Some(sound) => format!(
            "`{} --version {}` goes back to the newest one that is not; or `{rotate}`",
            desk.command("rollback", key),
            sound.number
        ),
        None => rotate,
    };
    Fault::refused(match obstacle {
        Obstacle::Compromised => Problem::error(
            "compromised",
            format!("version {number} of `{}` is compromised", key.name),
        )
        .why("others may know it, so nothing goes back to it")
        .hint(way),
        Obstacle::Disabled => Problem::error(
            "version-disabled",
            format!("version {number} of `{}` is disabled", key.name),
        )
        .why("what it signed is refused, and it would sign and be accepted again")
        .hint(way),
        Obstacle::Elsewhere { bound, now } => Problem::error(
            "other-destination",
            format!("version {number} of `{}` is sent to {bound} only", key.name),
        )
        .why(format!("the profile now sends it to {now}"))
        .hint("set the base URL back first, or rotate to a new value"),
    })
}

/// The version with this number, if it can be gone back to.
fn numbered<'a>(
    desk: &Desk<'_>,
    key: &Key,
    entry: &'a Entry,
    number: u32,
) -> Result<&'a Version, Fault> {
    let version = entry.versions.iter().find(|v| v.number == number);
    let Some(version) = version.filter(|v| !v.is_unused()) else {
        return Err(Fault::usage(
            Problem::error("no-such-version", format!("`{}` has no version {number}", key.name))
                .hint(desk.command("show", key)),
        ));
    };
    match entry.current().filter(|current| current.value.same_as(&version.value)) {
        None => Ok(version),
        Some(current) => Err(Fault::refused(
            Problem::error(
                "version-in-use",
                format!("the value of version {number} of `{}` is in use", key.name),
            )
            .why(format!("version {} has it", current.number))
            .hint(desk.command("show", key)),
        )),
    }
}

fn nothing_before(key: &Key) -> Fault {
    Fault::usage(
        Problem::error("no-older-version", format!("there is no older version of `{}`", key.name))
            .why("only values that were in use before can be gone back to"),
    )
}
