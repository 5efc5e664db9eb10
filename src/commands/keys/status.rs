//! `ultra keys status`: the vault, its backend, rotations under way and keys that are due.

use super::Desk;
use super::rows::{self, Policy, Row};
use crate::report::{Block, Fault, Problem, Report};
use crate::rotation::Journal;
use crate::secrets::Freshness;
use serde_json::json;

/// Says how the keys stand. Opens nothing.
///
/// # Errors
/// The index or a journal cannot be read (5).
pub(crate) fn run(desk: &Desk<'_>) -> Result<Report, Fault> {
    desk.announce();
    let journals = Journal::all(desk.state_dir)?;
    let rows = rows::rows(desk, &journals)?;
    let overview = desk.vault.overview()?;
    let index = overview.index.as_ref();
    let mut problems: Vec<Problem> = freshness(overview.freshness).into_iter().collect();
    problems.extend(journals.iter().map(unfinished));
    problems.extend(rows.iter().filter_map(|row| due(row, desk.profile())));

    let backend = index.map_or("not chosen yet", |i| i.backend.word());
    let mut view = vec![Block::pairs([
        ("profile", desk.profile().to_owned()),
        ("vault", desk.vault.vault_path().display().to_string()),
        ("backend", backend.to_owned()),
        ("generation", overview.generation.to_string()),
    ])];
    if !rows.is_empty() {
        view.push(rows::table(&rows));
    }
    view.extend(problems.iter().cloned().map(Block::Finding));
    let rotations: Vec<_> = journals
        .iter()
        .map(|j| {
            json!({
                "profile": j.profile, "name": j.name, "kind": j.kind, "step": j.step,
                "from": j.from, "to": j.to, "started_at": j.started_at, "stopped": j.stopped,
            })
        })
        .collect();
    Report::new(
        "ultra.keys.status/1",
        json!({
            "profile": desk.profile(),
            "vault": {
                "path": desk.vault.vault_path(),
                "freshness": overview.freshness,
                "generation": overview.generation,
                "backend": index.map(|i| i.backend),
                "id": index.map(|i| i.vault.clone()),
                "recipient": index.map(|i| i.recipient.clone()),
            },
            "keys": rows,
            "rotations": rotations,
            "problems": problems,
        }),
        view,
    )
}

fn freshness(freshness: Freshness) -> Option<Problem> {
    let (what, hint) = match freshness {
        Freshness::NoVault | Freshness::Fresh => return None,
        Freshness::Stale => (
            "the vault was replaced by something other than ultra",
            "what is shown is what was there before; the next change of a key puts it right",
        ),
        Freshness::NoIndex => (
            "the index of the vault is gone",
            "the next change of a key makes it anew, if the identity is found",
        ),
        Freshness::Lost => ("the vault is gone", "restore `vault.age` from a backup"),
    };
    Some(Problem::warning("vault-index", what).hint(hint))
}

fn unfinished(journal: &Journal) -> Problem {
    let rotate = format!("ultra keys rotate {} --profile {}", journal.name, journal.profile);
    Problem::warning(
        "rotation-pending",
        format!("a {} of `{}/{}` is under way", journal.kind.noun(), journal.profile, journal.name),
    )
    .why(format!(
        "version {} is {}{}",
        journal.to,
        journal.step.word(),
        journal.stopped.as_ref().map(|s| format!("; {s}")).unwrap_or_default()
    ))
    .hint(format!("`{rotate} --resume` or `{rotate} --abort`"))
}

fn due(row: &Row, profile: &str) -> Option<Problem> {
    let what = match row.policy {
        Policy::Over => format!("`{}` is older than it may be", row.name),
        Policy::Due => format!("`{}` is due to be rotated", row.name),
        Policy::None | Policy::Ok => return None,
    };
    let hint = format!("ultra keys rotate {} --profile {profile}", row.name);
    Some(Problem::warning("key-age", what).hint(hint))
}
