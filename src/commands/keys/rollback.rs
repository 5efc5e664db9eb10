//! `ultra keys rollback NAME`: a rotation forward to the value before.

use super::names::{self, Key};
use super::{Desk, rotate};
use crate::report::{Fault, Problem, Report};
use crate::rotation::{Kind, Rotation};

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The name, a variable or its alias.
    pub(crate) name: String,
    /// Whether it may be written although a higher layer wins.
    pub(crate) shadowed: bool,
}

/// Makes the value before the one in use the newest version, if the provider still accepts it.
///
/// # Errors
/// Unknown name, no entry or no older version (2), the provider refuses the old value (3), a
/// provider or vault that cannot be reached (5), a pending rotation, another destination, a
/// shadowed or protected entry (6).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let key = names::find(desk, &request.name)?;
    let overview = desk.vault.overview()?;
    let Some(entry) = overview.entry(desk.profile(), &key.name) else {
        return Err(desk.no_entry(&key));
    };
    if entry.versions.len() < 2 {
        return Err(nothing_before(&key));
    }
    desk.not_shadowed(&key, request.shadowed)?;
    desk.may_send(&key)?;
    desk.may_change(&format!("Roll back `{}`", key.name))?;
    let rotation = Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name)?;
    if let Some(journal) = rotation.unfinished()? {
        return Err(rotation.pending(&journal));
    }
    let document = desk.vault.document()?.ok_or_else(|| desk.no_entry(&key))?;
    let entry = document.entry(desk.profile(), &key.name).ok_or_else(|| desk.no_entry(&key))?;
    let previous = entry.previous().ok_or_else(|| nothing_before(&key))?;
    let destination = key.provider.as_ref().map(names::Provider::destination);
    if let (Some(bound), Some(now)) = (&previous.bound, &destination)
        && bound != now
        && !previous.allowed.contains(now)
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
    let mut journal = rotation.create(Kind::Rollback, &previous.value, destination.as_deref())?;
    rotate::finish(desk, &key, &rotation, &mut journal)
}

fn nothing_before(key: &Key) -> Fault {
    Fault::usage(
        Problem::error("no-older-version", format!("there is no older version of `{}`", key.name))
            .why("only values that were in use before can be gone back to"),
    )
}
