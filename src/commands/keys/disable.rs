//! `ultra keys disable NAME [--version N]`: ends an old version now rather than when its grace is
//! over.

use super::desk::not_confirmed;
use super::names::{self, Key};
use super::times::{self, Spans};
use super::{Desk, rotate};
use crate::report::{Block, Fault, Problem, Report};
use crate::rotation::{Aim, Ended, Kind, Order, Rotation};
use crate::secrets::State;
use crate::secrets::index::VersionFacts;
use serde_json::json;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The name, a variable or its alias.
    pub(crate) name: String,
    /// The version; `None` for the newest old one that is still accepted.
    pub(crate) version: Option<u32>,
    /// How long the servers are waited for.
    pub(crate) spans: Spans,
}

/// Ends an old version.
///
/// # Errors
/// Unknown name or version, nothing old (2), a provider that still accepts what only a person can
/// disable there (3), a server or issuer that cannot be reached (5), the version in use, a
/// protected profile without confirmation (6).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let times = request.spans.read()?;
    let key = names::find(desk, &request.name)?;
    let overview = desk.vault.overview()?;
    let entry = overview.entry(desk.profile(), &key.name).ok_or_else(|| desk.no_entry(&key))?;
    let version = match request.version {
        Some(number) => entry.versions.iter().find(|v| v.number == number),
        None => entry.versions.iter().rev().find(|v| v.state == State::Old),
    };
    let Some(version) = version else { return Err(nothing(desk, &key, request.version)) };
    let number = version.number;
    if version.state == State::Disabled {
        return report(desk, &key, number, &format!("version {number} is disabled already"), None);
    }
    desk.may_send(&key)?;
    desk.may_change(&format!("Disable version {number} of `{}`", key.name))?;
    if times::order(&key) == Order::Ahead && version.retire_at.is_some() {
        let question =
            format!("Refuse every token and seal made with version {number} of `{}`", key.name);
        match desk.console.confirm(&question) {
            Ok(true) => {}
            Ok(false) => return Err(not_confirmed(&question)),
            Err(unanswered) => return Err(unanswered.fault(&question, "add `--yes`")),
        }
    }
    let ended = end(desk, &key, version, Aim::Disable, times)?;
    report(desk, &key, number, &rotate::ended_text(&key, &ended), Some(&ended))
}

/// Ends one version, with nothing else under way.
pub(super) fn end(
    desk: &Desk<'_>,
    key: &Key,
    version: &VersionFacts,
    aim: Aim,
    times: times::Times,
) -> Result<Ended, Fault> {
    let plan = times.plan(desk, key, Kind::Retire, false)?;
    let rotation = Rotation::begin(desk.vault, desk.state_dir, desk.profile(), &key.name)?;
    if let Some(journal) = rotation.unfinished()? {
        return Err(rotation.pending(&journal));
    }
    desk.with_world(key, times.wait, |world| {
        rotation.end_version(&plan, version.number, aim, world)
    })
}

fn report(
    desk: &Desk<'_>,
    key: &Key,
    version: u32,
    text: &str,
    ended: Option<&Ended>,
) -> Result<Report, Fault> {
    Report::new(
        "ultra.keys.disable/1",
        json!({
            "profile": desk.profile(),
            "name": key.name,
            "version": version,
            "changed": ended.is_some(),
            "generation": ended.map(|e| e.generation),
        }),
        vec![Block::text(text)],
    )
}

/// The fault of a version that is not there.
pub(super) fn nothing(desk: &Desk<'_>, key: &Key, version: Option<u32>) -> Fault {
    let what = match version {
        Some(number) => format!("`{}` has no version {number}", key.name),
        None => format!("`{}` has no old version", key.name),
    };
    Fault::usage(Problem::error("no-such-version", what).hint(desk.command("show", key)))
}
