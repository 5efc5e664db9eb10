//! # ULT-CONT-002: base images are pinned
//!
//! ## What it checks
//!
//! Every `FROM` of a Dockerfile names a digest, or at least a version that is not `latest`; an
//! earlier stage and `scratch` need none.
//!
//! ## Why
//!
//! A tag that moves makes tomorrow's build another program than the one that was tested.
//!
//! ## How to fix
//!
//! Write `FROM image:version@sha256:…`.

use crate::base::words;
use crate::check::checks::containers::files::{bases, dockerfiles};
use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CONT-002",
    group: Group::Containers,
    title: "base images are pinned",
    why: "A tag that moves makes tomorrow's build another program than the one that was tested.",
    severity: Severity::Medium,
    gate: Gate::P1,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let tree = facts.tree.get()?;
    let files = dockerfiles(tree)?;
    let mut loose: Option<Judgement> = None;
    for (path, text) in &files {
        for base in bases(text) {
            let place = Some(path.display().to_string());
            let tag = base
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .split_once(':')
                .map(|(_, tag)| tag.to_owned());
            match tag.as_deref() {
                _ if base.contains("@sha256:") => {}
                None | Some("latest") => {
                    return Ok(Judgement::fail(
                        format!("`{base}` moves"),
                        "a version with a digest",
                    )
                    .evidence(format!("`FROM {base}`"), place)
                    .fix(format!("write `FROM {base}@sha256:…` with a version")));
                }
                Some(_) => {
                    loose.get_or_insert_with(|| {
                        Judgement::warn(format!("`{base}` has no digest"), "a digest")
                            .evidence(format!("`FROM {base}`"), place)
                    });
                }
            }
        }
    }
    Ok(loose.unwrap_or_else(|| Judgement::pass(words::count(files.len(), "image"))))
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
        Fixture::prod().container("Dockerfile", "FROM debian:latest\nUSER 1\n").facts()
    }
}
