//! `ultra keys disable NAME [--version N]`: ends an old version now rather than when its grace is
//! over.

use super::desk::not_confirmed;
use super::ending::{self, Ending, Found};
use super::names::Key;
use super::{Desk, rotate, times};
use crate::report::{Block, Fault, Report};
use crate::rotation::{Aim, Ended, Order};
use crate::secrets::State;
use serde_json::json;

/// Ends an old version.
///
/// # Errors
/// Unknown name or version, nothing old (2), a provider that still accepts what only a person can
/// disable there (3), a server or issuer that cannot be reached (5), the version in use, a
/// protected profile without confirmation (6).
pub(crate) fn run(request: &Ending, desk: &Desk<'_>) -> Result<Report, Fault> {
    let Found { times, key, entry } = request.find(desk)?;
    let version = match request.version {
        Some(number) => entry.versions.iter().find(|v| v.number == number),
        None => entry.versions.iter().rev().find(|v| v.state == State::Old),
    };
    let Some(version) = version else { return Err(ending::nothing(desk, &key, request.version)) };
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
    let ended = ending::end(desk, &key, version, Aim::Disable, times)?;
    report(desk, &key, number, &rotate::ended_text(&key, &ended), Some(&ended))
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
