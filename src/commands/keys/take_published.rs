//! `ultra keys doctor --take-published`: the vault that servers were given, in the place of the one
//! here.

use super::Desk;
use super::around::Servers;
use super::desk::not_confirmed;
use crate::report::{Block, Fault, Problem, Report};
use crate::secrets::Freshness;
use serde_json::json;

/// Takes it.
///
/// # Errors
/// Nothing is published (2), the store cannot be read, or the vault cannot be opened or written
/// (5), not confirmed or protected (6).
pub(crate) fn run(desk: &Desk<'_>) -> Result<Report, Fault> {
    let profile = desk.profile();
    let Some(published) = Servers::of(desk).published()? else {
        desk.announce();
        return Err(Fault::usage(
            Problem::error("nothing-published", "servers were given no vault")
                .why(format!("the store of profile `{profile}` has none that is this one"))
                .hint(format!("ultra keys doctor --profile {profile}")),
        ));
    };
    let there = published.head.generation;
    let here = desk.vault.overview()?;
    if here.freshness != Freshness::NoVault && desk.vault.comes_from(&published.sealed) {
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
        Freshness::NoVault => format!("Take generation {there} of the vault"),
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
    let taken = desk.vault.take(&published.sealed, &published.fingerprints)?;
    for warning in &taken.warnings {
        desk.console.warn(warning);
    }
    let kept = taken.kept.as_ref().map(|path| path.display().to_string());
    let mut text = format!(
        "generation {} of the vault was taken; it is generation {} now",
        taken.taken, taken.generation
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

fn answer(desk: &Desk<'_>, mut data: serde_json::Value, text: String) -> Result<Report, Fault> {
    if let Some(data) = data.as_object_mut() {
        data.insert("profile".to_owned(), desk.profile().into());
    }
    Report::new("ultra.keys.take-published/1", data, vec![Block::text(text)])
}
