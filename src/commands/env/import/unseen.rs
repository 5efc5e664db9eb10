//! Names that an application would look for in vain once it gets its variables from the profile:
//! they are called otherwise here, or dropped.

use super::decision::{Decision, What};
use crate::report::Block;
use serde::Serialize;

/// A name, and the flag that keeps it, as docs/import.md describes them.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Unseen<'a> {
    name: &'a str,
    /// `None` if no flag does.
    keep: Option<&'static str>,
}

/// The names. What has no value, or is one to the operator's wish, is none of them.
pub(super) fn names(decisions: &[Decision], keep_names: bool) -> Vec<Unseen<'_>> {
    let unseen = |decision: &&Decision| {
        let renamed = decision.to.as_ref().is_some_and(|to| *to != decision.name);
        match decision.what {
            What::Renamed | What::Vault | What::Default | What::Duplicate => renamed,
            What::Profile => decision.name != "ULTRA_PROFILE",
            What::Unused => decision.keepable,
            What::Kept | What::Placeholder | What::Empty | What::Left | What::NoKey => false,
        }
    };
    let keep = |decision: &Decision| match decision.what {
        What::Unused => Some("--keep-unused"),
        // Another entry of the file speaks for it.
        What::Duplicate => None,
        _ if decision.otherwise => None,
        _ => (!keep_names).then_some("--keep-names"),
    };
    let names = decisions.iter().filter(unseen);
    names.map(|decision| Unseen { name: &decision.name, keep: keep(decision) }).collect()
}

/// The lines about them: one for each flag.
pub(super) fn lines(unseen: &[Unseen<'_>]) -> Vec<Block> {
    let mut lines = Vec::new();
    for flag in [Some("--keep-names"), Some("--keep-unused"), None] {
        let names: Vec<String> =
            unseen.iter().filter(|u| u.keep == flag).map(|u| format!("`{}`", u.name)).collect();
        if names.is_empty() {
            continue;
        }
        const MOST: usize = 12;
        let more = match names.len().saturating_sub(MOST) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let names = names.get(..MOST).unwrap_or(&names).join(", ");
        let instead = flag.map(|flag| format!("; `{flag}` keeps such names")).unwrap_or_default();
        lines.push(Block::text(format!(
            "an application that gets its variables from here sees no more {names}{more}{instead}"
        )));
    }
    lines
}
