//! # ULT-SEC-001: what keeps the vault is there
//!
//! ## What it checks
//!
//! The backend that was recorded for the vault gives its identity, and the vault can be read with
//! it. Nothing is written, and nothing is opened unless a secret of the profile lives there.
//!
//! ## Why
//!
//! When the keyring is locked or gone, no key can be read, rotated or rolled back in the moment
//! it matters.
//!
//! ## How to fix
//!
//! `ultra keys status` names the backend and what stands in the way; unlock the keyring, or restore
//! the identity from a backup.

use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SEC-001",
    group: Group::Secrets,
    title: "what keeps the vault is there",
    why: "When the keyring is locked or gone, no key can be read, rotated or rolled back in the moment it matters.",
    severity: Severity::High,
    gate: Gate::P0,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let vault = facts.vault.get()?;
    if !vault.exists {
        return Ok(Judgement::skip("no vault is in use"));
    }
    let backend = vault.backend.as_deref().unwrap_or("unknown");
    Ok(match &vault.answers {
        Ok(()) => Judgement::pass(format!("backend `{backend}` is there")),
        Err(why) => {
            Judgement::fail(format!("backend `{backend}`: {why}"), "a backend that answers")
                .fix("ultra keys status")
        }
    })
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
        Fixture::prod().vault(|v| v.answers = Err("locked".to_owned())).facts()
    }
}
