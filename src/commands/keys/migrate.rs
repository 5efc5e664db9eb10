//! `ultra keys migrate --to …`: another backend for the vault's identity.

use super::Desk;
use super::desk::not_confirmed;
use crate::report::{Block, Fault, Report};
use crate::secrets::BackendKind;
use serde_json::json;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    /// What is to keep the identity.
    pub(crate) to: BackendKind,
}

/// Moves the identity. The vault stays as it is.
///
/// # Errors
/// There is no vault, or no way named (2), a backend cannot be used or a copy cannot be deleted
/// (5), not confirmed, another identity in the way, or another migration unfinished (6).
pub(crate) fn run(request: &Request, desk: &Desk<'_>) -> Result<Report, Fault> {
    let to = request.to;
    let act = format!("Have `{}` keep the identity of the vault, for all profiles", to.word());
    desk.may_change(&act)?;
    if !desk.is_protected() {
        match desk.console.confirm(&act) {
            Ok(true) => {}
            Ok(false) => return Err(not_confirmed(&act)),
            Err(unanswered) => return Err(unanswered.fault(&act, "add `--yes` if that is meant")),
        }
    }
    let migrated = desk.vault.migrate(to)?;
    for warning in &migrated.warnings {
        desk.console.warn(warning);
    }
    let (from, word) = (migrated.from.word(), migrated.to.word());
    let said = match (migrated.switched, migrated.finished) {
        (false, false) if migrated.restored.is_some() => {
            let from = migrated.restored.iter().map(|file| file.display().to_string());
            format!(
                "`{word}` had lost the identity of the vault and keeps it again; the copy that was \
                 found stays: {}",
                from.collect::<String>()
            )
        }
        (true, _) => format!("the identity of the vault moved from `{from}` to `{word}`"),
        (false, true) => {
            format!("`{word}` keeps the identity of the vault; its copy in `{from}` is gone")
        }
        (false, false) => format!("`{word}` keeps the identity of the vault already"),
    };
    Report::new(
        "ultra.keys.migrate/1",
        json!({
            "from": migrated.from,
            "to": migrated.to,
            "switched": migrated.switched,
            "finished_earlier": migrated.finished,
            "restored_from": migrated.restored,
            "warnings": migrated.warnings,
        }),
        vec![Block::text(said)],
    )
}
