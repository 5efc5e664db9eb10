//! # ULT-CONT-006: images hold no secrets
//!
//! ## What it checks
//!
//! No `ENV` or `ARG` of a Dockerfile gives a value to a variable with the name of a secret, and
//! no `COPY` takes a dotenv file.
//!
//! ## Why
//!
//! Every layer of an image can be read by whoever can pull it, also what a later layer deletes.
//!
//! ## How to fix
//!
//! Mount secrets at run time (`NAME_FILE`), and use `RUN --mount=type=secret` while building.

use crate::base::words;
use crate::check::checks::containers::files::{dockerfiles, instructions};
use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CONT-006",
    group: Group::Containers,
    title: "images hold no secrets",
    why: "Every layer of an image can be read by whoever can pull it, also what a later layer deletes.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Static,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let tree = facts.tree.get()?;
    let files = dockerfiles(tree)?;
    for (path, text) in &files {
        for (word, rest) in instructions(text) {
            let bad = match word.as_str() {
                "ENV" | "ARG" => rest
                    .split_whitespace()
                    .filter_map(|pair| pair.split_once('='))
                    .any(|(name, value)| secret_name(name) && !value.is_empty()),
                "COPY" | "ADD" => rest.split_whitespace().any(|part| {
                    part.rsplit('/')
                        .next()
                        .is_some_and(|n| n.starts_with(".env") && !n.contains("example"))
                }),
                _ => false,
            };
            if bad {
                let shown = rest.split(['=', ' ']).next().unwrap_or_default();
                return Ok(Judgement::fail(
                    format!("`{word} {shown}…` in `{}`", path.display()),
                    "no secret in the image",
                )
                .evidence(format!("`{word} {shown}…`"), Some(path.display().to_string()))
                .fix("mount the secret at run time (`NAME_FILE`) and rotate it"));
            }
        }
    }
    Ok(Judgement::pass(words::count(files.len(), "image")))
}

/// Whether a variable of that name holds a secret; `NAME_FILE` names a file.
fn secret_name(name: &str) -> bool {
    let upper = name.to_uppercase();
    ["PASSWORD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY", "ENCRYPTION_KEY", "JWT_KEY"]
        .iter()
        .any(|end| upper.ends_with(end))
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
        Fixture::prod().container("Dockerfile", "FROM a:1\nENV API_KEY=abc\n").facts()
    }
}
