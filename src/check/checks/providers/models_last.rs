//! # ULT-PROV-003: the models that routes ask for will last
//!
//! ## What it checks
//!
//! No target of a route of the profile is a model whose provider has ended it, by the date that the
//! list of models in the program or `prices.csv` has for it; one that ends within 30 days is warned
//! of. What is not listed, or has no date, is not judged.
//!
//! ## Why
//!
//! From that date on the provider may answer 404 to every request, or with another model.
//!
//! ## How to fix
//!
//! Put another model in its place in `routes:` of the profile; `ultra models list` shows all with
//! their dates. Where the provider has said another date, write it into `prices.csv`.

use crate::base::words;
use crate::check::checks::support::prelude::*;
use crate::check::facts::Ending;
use crate::gateway::registry::{Leaving, leaving};

/// What is known of the check.
pub(crate) const META: CheckMeta = CheckMeta {
    id: "ULT-PROV-003",
    group: Group::Providers,
    title: "the models that routes ask for will last",
    why: "From that date on the provider may answer 404 to every request, or with another model.",
    severity: Severity::Medium,
    gate: Gate::P1,
    stage: Stage::Config,
    needs: &[],
};

/// Judges the facts.
pub(crate) fn judge(facts: &Facts) -> Judged {
    let config = facts.config.get()?;
    config.only_real()?;
    config.settings()?;
    let of = |wanted: Leaving| {
        let stands = move |ending: &&Ending| leaving(ending.on, facts.now) == Some(wanted);
        config.endings.iter().filter(stands).collect::<Vec<_>>()
    };
    let (over, soon) = (of(Leaving::Past), of(Leaving::Soon));
    let Some(worst) = over.first().or(soon.first()) else {
        return Ok(Judgement::pass(match config.endings.len() {
            0 => "no model with a date".to_owned(),
            n => format!("{} with a date that is far", words::count(n, "model")),
        }));
    };
    let observed = told(worst);
    let expected = "models that last for another 30 days";
    let judgement = match over.is_empty() {
        true => Judgement::warn(observed, expected),
        false => Judgement::fail(observed, expected),
    };
    let all = over.iter().chain(&soon);
    Ok(all
        .fold(judgement, |judgement, ending| judgement.evidence(told(ending), None))
        .fix("ultra models list"))
}

fn told(ending: &Ending) -> String {
    let Ending { route, provider, model, on } = ending;
    format!("`{route}` leads to `{model}` of `{provider}`, which ends on {on}")
}

#[cfg(test)]
pub(crate) mod fixtures {
    use crate::check::Facts;
    use crate::check::facts::Ending;
    use crate::check::fixture::Fixture;

    fn ending(on: jiff::civil::Date) -> Ending {
        Ending { route: "fast".into(), provider: "openai".into(), model: "m1".into(), on }
    }

    /// Facts that it passes.
    pub(crate) fn good() -> Facts {
        Fixture::prod().ending(ending(jiff::civil::date(2026, 3, 1))).facts()
    }

    /// Facts that it fails.
    pub(crate) fn bad() -> Facts {
        Fixture::prod().ending(ending(jiff::civil::date(2026, 1, 15))).facts()
    }

    #[test]
    fn a_model_that_ends_soon_is_warned_of() {
        use crate::report::Outcome;
        let facts = Fixture::prod().ending(ending(jiff::civil::date(2026, 2, 1))).facts();
        let judged = super::judge(&facts).unwrap();
        assert_eq!(judged.outcome, Outcome::Warn);
        assert!(judged.observed.contains("2026-02-01"), "{}", judged.observed);
        // One that has ended is what is said first.
        let both = Fixture::prod()
            .ending(ending(jiff::civil::date(2026, 2, 1)))
            .ending(ending(jiff::civil::date(2025, 12, 31)))
            .facts();
        let judged = super::judge(&both).unwrap();
        assert_eq!(judged.outcome, Outcome::Fail);
        assert!(judged.observed.contains("2025-12-31"), "{}", judged.observed);
    }
}
