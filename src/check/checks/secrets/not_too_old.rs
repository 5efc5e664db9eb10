//! # ULT-SEC-003: no key is older than the policy allows
//!
//! ## What it checks
//!
//! The age of every key in the vault against `policy.key_max_age` of the profile; from 80 % on it
//! is a warning.
//!
//! ## Why
//!
//! The longer a key is valid, the more places it has leaked to.
//!
//! ## How to fix
//!
//! `ultra keys rotate NAME`.

use crate::base::time::human;
use crate::base::words;
use crate::check::checks::support::prelude::*;

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-SEC-003",
    group: Group::Secrets,
    title: "no key is older than the policy allows",
    why: "The longer a key is valid, the more places it has leaked to.",
    severity: Severity::High,
    gate: Gate::P1,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let secrets = facts.secrets.get()?;
    let aged: Vec<_> = secrets
        .iter()
        .filter_map(|s| {
            let age = facts.now.as_second() - s.facts.as_ref()?.created_at.as_second();
            Some((s, age, i64::try_from(s.max_age?.as_secs()).unwrap_or(i64::MAX)))
        })
        .collect();
    if aged.is_empty() {
        return Ok(Judgement::skip("no key with a policy is in the vault"));
    }
    let due: Vec<_> = aged.iter().filter(|(_, age, most)| age > most).collect();
    let soon: Vec<_> = aged.iter().filter(|(_, age, most)| age * 5 > most * 4).collect();
    let Some((secret, age, most)) = due.first().or(soon.first()) else {
        return Ok(Judgement::pass(format!("{} within the age", words::count(aged.len(), "key"))));
    };
    let observed = format!("`{}` is {} old", secret.name, human(*age));
    let expected = format!("at most {}", human(*most));
    let judgement = if due.is_empty() {
        Judgement::warn(observed, expected)
    } else {
        Judgement::fail(observed, expected)
    };
    Ok(soon
        .iter()
        .fold(judgement, |j, (s, age, most)| {
            j.evidence(format!("`{}`: {} of {}", s.name, human(*age), human(*most)), None)
        })
        .fix(format!("ultra keys rotate {} --profile {}", secret.name, facts.profile)))
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
        Fixture::prod()
            .change_secret(|s| s.max_age = Some(std::time::Duration::from_secs(3600)))
            .facts()
    }
}
