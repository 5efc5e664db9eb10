//! `ultra keys list`: the keys of the profile, by the index, and its service keys, by the store.

use super::{Desk, rows, service, status};
use crate::report::{Block, Fault, Level, Problem, Report};
use crate::rotation::Journal;
use serde_json::json;

/// Lists the keys.
///
/// # Errors
/// The index or a journal cannot be read (5).
pub(crate) fn run(desk: &Desk<'_>) -> Result<Report, Fault> {
    desk.announce();
    let rows = rows::rows(desk, &Journal::all(desk.state_dir)?)?;
    let service = service::rows(desk, false).and_then(|asked| match asked {
        Ok(rows) => Some(rows),
        Err(fault) => {
            for problem in fault.problems {
                desk.console.warn(&Problem { level: Level::Warning, ..problem });
            }
            None
        }
    });
    let now = desk.vault.clock().now();
    let problems: Vec<Problem> = status::freshness(&*desk.vault.overview()?).into_iter().collect();
    let follows = desk.vault.follows()?;
    let mut view = if let Some(generation) = follows
        && rows.is_empty()
    {
        vec![status::follows(generation)]
    } else if rows.is_empty() {
        vec![Block::text(format!(
            "no keys in profile `{0}`; give one with `ultra keys set openai --profile {0}`",
            desk.profile()
        ))]
    } else {
        let mut view = vec![rows::table(&rows, now)];
        view.extend(follows.map(status::follows));
        view
    };
    view.extend(service.as_deref().and_then(|service| service::table(service, now)));
    view.extend(problems.iter().cloned().map(Block::Finding));
    let data = json!({
        "profile": desk.profile(), "keys": rows, "service_keys": service, "problems": problems,
        "follows": follows,
    });
    Report::new("ultra.keys.list/1", data, view)
}
