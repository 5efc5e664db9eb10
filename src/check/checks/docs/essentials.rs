//! # ULT-DOC-006: license, security policy and changelog are there
//!
//! ## What it checks
//!
//! The root holds a `LICENSE` (or several), a `SECURITY` and a `CHANGELOG` file.
//!
//! ## Why
//!
//! Users cannot tell whether they may use it, how to report a hole, and what changed.
//!
//! ## How to fix
//!
//! Add the file that is named; `SECURITY.md` says whom to write to.

use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-DOC-006",
    group: Group::Docs,
    title: "license, security policy and changelog are there",
    why: "Users cannot tell whether they may use it, how to report a hole, and what changed.",
    severity: Severity::Low,
    gate: Gate::P2,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let tree = facts.tree.get()?;
    if tree.sources == 0 {
        return Ok(Judgement::skip("there are no sources in this directory"));
    }
    let has = |stem: &str| tree.top.iter().any(|name| name.to_uppercase().starts_with(stem));
    let missing: Vec<&str> =
        ["LICENSE", "SECURITY", "CHANGELOG"].into_iter().filter(|stem| !has(stem)).collect();
    let Some(first) = missing.first() else { return Ok(Judgement::pass("all three")) };
    Ok(Judgement::fail(format!("no `{}`", missing.join("`, no `")), "all three")
        .fix(format!("write `{first}`")))
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::fixture::Fixture;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().tree(|t| t.top.clear()).facts()
    }
}
