//! Giving a rotation up: what becomes of it, of one that is not of the vault here, and of versions that
//! nothing goes on with.

use super::Desk;
use super::names::Key;
use super::times::Times;
use crate::report::{Block, Fault, Problem, Report};
use crate::rotation::{Journal, Kind, Rotation, Unowned};
use serde_json::json;

/// Gives up what is on record.
///
/// # Errors
/// As [`Rotation::abort`].
pub(super) fn abort(
    desk: &Desk<'_>,
    key: &Key,
    rotation: &Rotation<'_>,
    journal: &Journal,
    times: Times,
) -> Result<Report, Fault> {
    let written =
        desk.cutting_over(key, times.wait, |world| rotation.abort(journal.clone(), world))?;
    aborted(desk, journal, written.generation)
}

/// What setting a journal of another vault aside came to. What was made for it elsewhere is there
/// still, and may be what servers use.
pub(super) fn set_aside(
    desk: &Desk<'_>,
    rotation: &Rotation<'_>,
    journal: &Journal,
) -> Result<Report, Fault> {
    let text = format!(
        "the {} of `{}` on record was not of the vault here and is set aside; nothing in the vault \
         was changed",
        journal.kind.noun(),
        journal.name,
    );
    let mut view = vec![Block::text(text)];
    let mut next = Vec::new();
    if let Some(issuer) = &journal.issuer {
        next.push(format!(
            "nothing was deleted at `{issuer}`; what was made there and is not in the vault is found \
             by: ultra keys doctor --open --profile {}",
            desk.profile()
        ));
    }
    if let Some(unowned) = rotation.unowned()? {
        next.push(format!(
            "{}; the same command again discards what is there",
            are_there(&unowned)
        ));
    }
    if !next.is_empty() {
        view.push(Block::List(next));
    }
    given_up(desk, journal, super::publish::generation(desk), view)
}

/// That versions are there which nothing goes on with, in words.
pub(super) fn are_there(unowned: &Unowned) -> String {
    let versions: Vec<String> = unowned.versions.iter().map(ToString::to_string).collect();
    let (word, is) = if versions.len() == 1 { ("version", "is") } else { ("versions", "are") };
    format!("{word} {} {is} in the vault and not in use", versions.join(", "))
}

/// Takes versions that no rotation on record owns out of the vault.
pub(super) fn discard(
    desk: &Desk<'_>,
    rotation: &Rotation<'_>,
    unowned: &Unowned,
) -> Result<Report, Fault> {
    let written = rotation.discard(unowned)?;
    let (name, current) = (&unowned.name, unowned.current);
    let versions: Vec<String> = unowned.versions.iter().map(ToString::to_string).collect();
    let (word, is) = if versions.len() == 1 { ("version", "is") } else { ("versions", "are") };
    let mut view = vec![Block::text(format!(
        "{word} {} of `{name}`, which no rotation on record owned, {is} discarded; version {current} \
         stays in use",
        versions.join(", "),
    ))];
    if let Some(issuer) = &unowned.issuer {
        view.push(Block::List(vec![format!(
            "nothing was deleted at `{issuer}`; what was made there is found by: ultra keys doctor \
             --open --profile {}",
            desk.profile()
        )]));
    }
    Report::new(
        "ultra.keys.rotate/1",
        json!({
            "profile": desk.profile(),
            "name": name,
            "kind": Kind::Rotate,
            "state": "aborted",
            "from": current,
            "to": unowned.versions.last(),
            "generation": written.generation,
        }),
        view,
    )
}

/// What giving up came to.
pub(super) fn aborted(
    desk: &Desk<'_>,
    journal: &Journal,
    generation: u64,
) -> Result<Report, Fault> {
    let stays = if journal.kind == Kind::Retire { journal.to } else { journal.from };
    let mut view = vec![Block::text(format!(
        "the {} of `{}` is given up; version {stays} stays in use",
        journal.kind.noun(),
        journal.name,
    ))];
    if journal.kind == Kind::Retire && journal.compromised {
        let what = format!("version {} of `{}` must still be ended", journal.from, journal.name);
        view.push(Block::Finding(
            Problem::warning("compromised", what)
                .why("others may know it, so it is not let off")
                .hint(format!("ultra keys rotate --all-due --profile {}", desk.profile())),
        ));
    }
    given_up(desk, journal, generation, view)
}

fn given_up(
    desk: &Desk<'_>,
    journal: &Journal,
    generation: u64,
    view: Vec<Block>,
) -> Result<Report, Fault> {
    Report::new(
        "ultra.keys.rotate/1",
        json!({
            "profile": desk.profile(),
            "name": journal.name,
            "kind": journal.kind,
            "state": "aborted",
            "from": journal.from,
            "to": journal.to,
            "generation": generation,
        }),
        view,
    )
}
