//! `ultra keys rollback NAME`: a rotation forward to the value before.

use super::names::{self, Key};
use super::times::{self, Spans};
use super::winner::{self, Unasked};
use super::{Desk, rotate};
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
            return rotate::aborted(desk, &journal, written.generation);
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
    if entry.is_compromised(&previous.value) {
        return Err(compromised(desk, key, entry, previous.number));
    }
    // Of a provider's key the provider says whether it is any good; of ours nobody else does.
    if previous.state == State::Disabled && times::order(key) == Order::Ahead {
        let what = format!("version {} of `{}` is disabled", previous.number, key.name);
        return Err(Fault::refused(
            Problem::error("version-disabled", what)
                .why("what it signed is refused, and it would sign and be accepted again")
                .hint(desk.command("rotate", key)),
        ));
    }
    let destination = key.provider.as_ref().map(names::Provider::destination);
    if let (Some(bound), Some(now)) = (&previous.bound, &destination)
        && !previous.may_go_to(now)
    {
        return Err(Fault::refused(
            Problem::error(
                "other-destination",
                format!("version {} of `{}` is sent to {bound} only", previous.number, key.name),
            )
            .why(format!("the profile now sends it to {now}"))
            .hint("set the base URL back first, or rotate to a new value"),
        ));
    }
    Ok(previous.value.clone())
}

/// The version with this number, if it can be gone back to.
fn numbered<'a>(
    desk: &Desk<'_>,
    key: &Key,
    entry: &'a Entry,
    number: u32,
) -> Result<&'a Version, Fault> {
    let version = entry.versions.iter().find(|v| v.number == number);
    let Some(version) = version.filter(|v| v.state != State::Pending) else {
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

/// Refuses to go back to what others may know, and names the newest version that is sound.
fn compromised(desk: &Desk<'_>, key: &Key, entry: &Entry, number: u32) -> Fault {
    let problem =
        Problem::error("compromised", format!("version {number} of `{}` is compromised", key.name))
            .why("others may know it, so nothing goes back to it");
    let rotate = desk.command("rotate", key);
    Fault::refused(problem.hint(match entry.previous_sound() {
        Some(sound) => format!(
            "`{} --version {}` goes back to the newest one that is not; or `{rotate}`",
            desk.command("rollback", key),
            sound.number
        ),
        None => rotate,
    }))
}

fn nothing_before(key: &Key) -> Fault {
    Fault::usage(
        Problem::error("no-older-version", format!("there is no older version of `{}`", key.name))
            .why("only values that were in use before can be gone back to"),
    )
}
