//! `ultra keys list`: the keys of the profile, by the index.

use super::{Desk, rows};
use crate::report::{Block, Fault, Report};
use crate::rotation::Journal;
use serde_json::json;

/// Lists the keys.
///
/// # Errors
/// The index or a journal cannot be read (5).
pub(crate) fn run(desk: &Desk<'_>) -> Result<Report, Fault> {
    desk.announce();
    let rows = rows::rows(desk, &Journal::all(desk.state_dir)?)?;
    let view = if rows.is_empty() {
        vec![Block::text(format!(
            "no keys in profile `{0}`; give one with `ultra keys set openai --profile {0}`",
            desk.profile()
        ))]
    } else {
        vec![rows::table(&rows, desk.vault.clock().now())]
    };
    Report::new("ultra.keys.list/1", json!({ "profile": desk.profile(), "keys": rows }), view)
}
