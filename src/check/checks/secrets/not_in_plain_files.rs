//! # ULT-SEC-002: keys live in the vault, not in plain files
//!
//! ## What it checks
//!
//! Every secret in use comes from the vault, from a file of its own that a platform mounts, or
//! from the process environment. A dotenv file that only its owner can read is a warning in an
//! unprotected profile and a failure in a protected one; a literal in a profile is always a
//! failure.
//!
//! ## Why
//!
//! A key in a dotenv file ends up in backups, images, chats and repositories.
//!
//! ## How to fix
//!
//! `ultra keys set NAME` keeps a value in the vault; then take the line out of the file.

use crate::base::words;
use crate::check::checks::support::prelude::*;
use crate::check::facts::Home;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SEC-002",
    group: Group::Secrets,
    title: "keys live in the vault, not in plain files",
    why: "A key in a dotenv file ends up in backups, images, chats and repositories.",
    severity: Severity::Critical,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let protected = facts.config.get()?.protected()?;
    let secrets = facts.secrets.get()?;
    let plain: Vec<_> =
        secrets.iter().filter(|s| matches!(s.home, Home::Dotenv | Home::Profile)).collect();
    let Some(first) = plain.first() else {
        return Ok(Judgement::pass(format!(
            "{}, none in a plain file",
            words::count(secrets.len(), "secret")
        )));
    };
    let observed = format!("`{}` stands in {}", first.name, first.origin);
    let expected = "the vault, a mounted file or the process environment";
    let worst = protected || plain.iter().any(|s| s.home == Home::Profile);
    let judgement = if worst {
        Judgement::fail(observed, expected)
    } else {
        Judgement::warn(observed, expected)
    };
    Ok(plain
        .iter()
        .fold(judgement, |j, s| {
            j.evidence(format!("`{}` in plain text", s.name), Some(s.origin.to_string()))
        })
        .fix(format!("ultra keys set {}", first.name)))
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::facts::Home;
    use crate::check::fixture::Fixture;

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().change_secret(|s| s.home = Home::Dotenv).facts()
    }
}
