//! # ULT-CFG-005: protected profiles share no secret with others
//!
//! ## What it checks
//!
//! The keyed fingerprints of the secrets of a protected profile are compared with those of every
//! other profile in the vault.
//!
//! ## Why
//!
//! A key that development and production share leaks from the place where it is guarded least.
//!
//! ## How to fix
//!
//! Make a key of its own for each profile: `ultra keys rotate NAME --profile PROFILE`.

use crate::base::words;
use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-CFG-005",
    group: Group::Config,
    title: "protected profiles share no secret with others",
    why: "A key that development and production share leaks from the place where it is guarded least.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    config.only_protected()?;
    let secrets = facts.secrets.get()?;
    let mut shared = secrets.iter().filter(|s| !s.shared_with.is_empty()).peekable();
    let Some(first) = shared.peek() else {
        return Ok(Judgement::pass(format!(
            "{}, none shared",
            words::count(secrets.len(), "secret")
        )));
    };
    let observed = format!("`{}` is the same in `{}`", first.name, first.shared_with.join("`, `"));
    let fix = format!("ultra keys rotate {} --profile {}", first.name, facts.profile);
    Ok(shared
        .fold(Judgement::fail(observed, "a value of its own in each profile"), |j, secret| {
            j.evidence(
                format!("`{}` shared with {}", secret.name, secret.shared_with.join(", ")),
                None,
            )
        })
        .fix(fix))
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
        Fixture::prod().change_secret(|s| s.shared_with.push("dev".to_owned())).facts()
    }
}
