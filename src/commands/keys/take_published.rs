//! `ultra keys doctor --take-published`: the vault that servers were given, in the place of the one
//! here. Rotations that were under way for the one here are not gone on with in that one.

use super::Desk;
use super::around::Servers;
use super::desk::not_confirmed;
use crate::base::state_mark;
use crate::report::{Block, Fault, Level, Problem, Report};
use crate::rotation::Rotation;
use crate::secrets::{Freshness, Offered};
use crate::store::PublishedVault;
use serde_json::json;

/// Takes it.
///
/// # Errors
/// Nothing is published (2), the store cannot be read, or the vault cannot be opened or written
/// (5), not confirmed or protected (6).
pub(crate) fn run(desk: &Desk<'_>) -> Result<Report, Fault> {
    let profile = desk.profile();
    let here = desk.vault.overview()?;
    let gone = matches!(here.freshness, Freshness::NoVault | Freshness::Lost);
    let given = Servers::of(desk).published()?.map(offered_by);
    // The store may be another by now; what a server here was handed is here all the same.
    let kept = if gone { desk.vault.kept_copy()? } else { None };
    let Some(offered) = kept.into_iter().chain(given).max_by_key(|one| one.generation) else {
        desk.announce();
        return Err(Fault::usage(
            Problem::error("nothing-published", "servers were given no vault")
                .why(match gone {
                    true => format!(
                        "the store of profile `{profile}` has none that is this one, and no server \
                         here kept one in `published/vault.age`"
                    ),
                    false => format!("the store of profile `{profile}` has none that is this one"),
                })
                .hint(format!("ultra keys doctor --profile {profile}")),
        ));
    };
    let there = offered.generation;
    if !gone && desk.vault.comes_from(&offered.sealed) {
        desk.announce();
        return answer(
            desk,
            json!({ "changed": false, "published": there, "generation": here.generation }),
            format!(
                "the vault here, generation {}, comes from generation {there} that servers were \
                 given: nothing to take",
                here.generation
            ),
        );
    }
    let act = match here.freshness {
        Freshness::NoVault | Freshness::Lost => {
            format!("Take generation {there} of the vault from {}", offered.origin())
        }
        _ => format!(
            "Put generation {there} of the vault, which servers were given, in the place of \
             generation {} here",
            here.generation
        ),
    };
    desk.may_change(&act)?;
    if !desk.is_protected() {
        match desk.console.confirm(&act) {
            Ok(true) => {}
            Ok(false) => return Err(not_confirmed(&act)),
            Err(unanswered) => return Err(unanswered.fault(&act, "add `--yes` if that is meant")),
        }
    }
    state_mark::state_dir(desk.state_dir)
        .map_err(|e| Fault::unreachable(Problem::unwritable(desk.state_dir, &e)))?;
    // What is under way knows versions by their numbers, and those are another vault's.
    let doing = "doctor --take-published";
    let rotation = Rotation::begin(desk.vault, desk.state_dir, profile, doing)?;
    let taken = desk.vault.take(&offered)?;
    // It is taken, whatever comes of them: one that is left is refused later.
    let settled = rotation.settle_all().unwrap_or_else(|fault| fault.problems);
    for problem in taken.warnings.iter().chain(&settled) {
        desk.console.warn(&Problem { level: Level::Warning, ..problem.clone() });
    }
    let kept = taken.kept.as_ref().map(|path| path.display().to_string());
    let mut text = format!(
        "generation {} of the vault was taken from {}; it is generation {} now",
        taken.taken,
        offered.origin(),
        taken.generation
    );
    if let Some(kept) = &kept {
        text.push_str(&format!("; the one before is kept as {kept}"));
    }
    let data = json!({
        "changed": true,
        "published": taken.taken,
        "before": taken.before,
        "generation": taken.generation,
        "kept": kept,
    });
    answer(desk, data, text)
}

fn offered_by(given: PublishedVault) -> Offered {
    Offered {
        generation: given.head.generation,
        sealed: given.sealed,
        fingerprints: Some(given.fingerprints),
    }
}

fn answer(desk: &Desk<'_>, mut data: serde_json::Value, text: String) -> Result<Report, Fault> {
    if let Some(data) = data.as_object_mut() {
        data.insert("profile".to_owned(), desk.profile().into());
    }
    Report::new("ultra.keys.take-published/1", data, vec![Block::text(text)])
}
