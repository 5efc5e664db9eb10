//! # ULT-SEC-003: no key is older than the policy allows
//!
//! ## What it checks
//!
//! The age of every key in the vault, and of every service key in the store that servers accept and
//! that nobody replaces yet, against `policy.key_max_age` of the profile; from 80 % on it is a
//! warning.
//!
//! ## Why
//!
//! The longer a key is valid, the more places it has leaked to.
//!
//! ## How to fix
//!
//! `ultra keys rotate NAME`, and `ultra auth service-key rotate NAME` for a service key.

use crate::base::time::human;
use crate::base::words;
use crate::check::checks::support::prelude::*;
use crate::check::facts::{DatabaseState, SecretInUse, ServiceKeyInUse};
use crate::check::model::NoJudgement;
use crate::settings::key_age::KeyAge;
use std::time::Duration;

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

/// A key that may only become so old.
struct Aged {
    what: String,
    age: i64,
    most: Duration,
    fix: String,
}

impl Aged {
    fn stands(&self) -> KeyAge {
        KeyAge::of(self.age, self.most.as_secs())
    }
}

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let mut aged = in_vault(facts)?;
    let known = service_keys(facts)?;
    aged.extend(known.iter().flatten().cloned().filter_map(|key| in_store(facts, &key)));
    let over: Vec<&Aged> = aged.iter().filter(|a| a.stands() == KeyAge::Over).collect();
    let soon: Vec<&Aged> = aged.iter().filter(|a| a.stands() != KeyAge::Fine).collect();
    // What fails, fails; but a pass says that all keys were looked at.
    if let (true, Err(why)) = (over.is_empty(), &known) {
        return Err(NoJudgement::Unknown(format!("the service keys cannot be read: {why}")));
    }
    if aged.is_empty() {
        return Ok(Judgement::skip("there is no key with a policy"));
    }
    let Some(worst) = over.first().or(soon.first()) else {
        return Ok(Judgement::pass(format!("{} within the age", words::count(aged.len(), "key"))));
    };
    let most = |aged: &Aged| human(i64::try_from(aged.most.as_secs()).unwrap_or(i64::MAX));
    let observed = format!("{} is {} old", worst.what, human(worst.age));
    let expected = format!("at most {}", most(worst));
    let judgement = match over.is_empty() {
        true => Judgement::warn(observed, expected),
        false => Judgement::fail(observed, expected),
    };
    let told = |j: Judgement, aged: &&Aged| {
        j.evidence(format!("{}: {} of {}", aged.what, human(aged.age), most(aged)), None)
    };
    Ok(soon.iter().fold(judgement, told).fix(worst.fix.clone()))
}

fn in_vault(facts: &Facts) -> Result<Vec<Aged>, NoJudgement> {
    let aged = |secret: &SecretInUse| {
        Some(Aged {
            what: format!("`{}`", secret.name),
            age: facts.now.as_second() - secret.facts.as_ref()?.created_at.as_second(),
            most: secret.max_age?,
            fix: format!("ultra keys rotate {} --profile {}", secret.name, facts.profile),
        })
    };
    Ok(facts.secrets.get()?.iter().filter_map(aged).collect())
}

/// The service keys in use, or why they are not known. A store that is not judged here, or that does
/// not exist yet, has none.
fn service_keys(facts: &Facts) -> Result<Result<Vec<ServiceKeyInUse>, String>, NoJudgement> {
    Ok(match facts.database.get() {
        Err(NoJudgement::Skip(_)) => Ok(Vec::new()),
        Err(other) => return Err(other),
        Ok(database) => match &database.state {
            DatabaseState::Absent => Ok(Vec::new()),
            DatabaseState::Unreachable(why) => Err(why.clone()),
            DatabaseState::Open { service_keys, .. } => service_keys.clone(),
        },
    })
}

fn in_store(facts: &Facts, key: &ServiceKeyInUse) -> Option<Aged> {
    Some(Aged {
        what: format!("the service key `{}`", key.name),
        age: facts.now.as_second() - key.created_at.as_second(),
        most: key.max_age?,
        fix: format!("ultra auth service-key rotate {} --profile {}", key.id, facts.profile),
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
        Fixture::prod()
            .change_secret(|s| s.max_age = Some(std::time::Duration::from_secs(3600)))
            .facts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{Fixture, now};
    use crate::report::Outcome;

    fn with(keys: Result<&[(&str, u64)], &str>) -> Facts {
        let now = now();
        let keys = keys.map_err(str::to_owned).map(|keys| {
            let key = |(name, days): &(&str, u64)| ServiceKeyInUse {
                id: format!("id-of-{name}"),
                name: (*name).to_owned(),
                created_at: now.checked_sub(Duration::from_secs(days * 86_400)).unwrap(),
                max_age: Some(Duration::from_secs(60 * 86_400)),
            };
            keys.iter().map(key).collect()
        });
        let open = DatabaseState::Open { pending: vec![], mismatch: None, service_keys: keys };
        Fixture::prod().database(|d| d.state = open).facts()
    }

    #[test]
    fn service_keys_are_judged_beside_those_of_the_vault() {
        let judged = |keys: &[(&str, u64)]| judge(&with(Ok(keys))).unwrap();
        assert_eq!(judged(&[("app", 47)]).outcome, Outcome::Pass);
        assert_eq!(judged(&[("app", 48)]).outcome, Outcome::Warn);
        let over = judged(&[("app", 50), ("ci", 61)]);
        assert_eq!(over.outcome, Outcome::Fail);
        assert_eq!(over.observed, "the service key `ci` is 61d old");
        let fix = over.fix.as_deref();
        assert_eq!(fix, Some("ultra auth service-key rotate id-of-ci --profile prod"));
    }

    #[test]
    fn service_keys_that_cannot_be_read_are_not_green() {
        let judged = judge(&with(Err("no connection")));
        assert!(matches!(&judged, Err(NoJudgement::Unknown(why)) if why.contains("no connection")));
    }
}
