//! # ULT-CONT-001: images do not run as root
//!
//! ## What it checks
//!
//! The last stage of every Dockerfile has a `USER` that is not root.
//!
//! ## Why
//!
//! Whoever breaks out of the process then owns the container, and often the machine.
//!
//! ## How to fix
//!
//! Add `USER 10001` to the last stage, after the files it needs are owned by it.

use crate::base::words;
use crate::check::checks::containers::files::{dockerfiles, last_stage};
use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CONT-001",
    group: Group::Containers,
    title: "images do not run as root",
    why: "Whoever breaks out of the process then owns the container, and often the machine.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let tree = facts.tree.get()?;
    let files = dockerfiles(tree)?;
    for (path, text) in &files {
        let user = last_stage(text).filter(|(word, _)| word == "USER").last().map(|(_, rest)| rest);
        let name =
            user.as_deref().unwrap_or("root").split(':').next().unwrap_or_default().to_owned();
        if matches!(name.as_str(), "root" | "0") {
            return Ok(Judgement::fail(
                format!("`{}` runs as root", path.display()),
                "another user",
            )
            .evidence("no `USER`, or root", Some(path.display().to_string()))
            .fix("add `USER 10001` to the last stage"));
        }
    }
    Ok(Judgement::pass(words::count(files.len(), "image")))
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
        Fixture::prod().container("Dockerfile", "FROM debian:13\nENTRYPOINT [\"/app\"]\n").facts()
    }
}
