//! Step 04: the version and the profile that were meant are the ones that answer.

use crate::report::Outcome;
use crate::settings::profile::Gate;
use crate::smoke::step::{Seen, Step};
use crate::smoke::suite::Suite;

/// The step.
pub(super) const STEP: Step = Step {
    number: 4,
    name: "version",
    expected: "the expected version and profile",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    let (identity, wanted) = (suite.identity().await, &suite.expectations);
    let pairs = [
        ("version", &wanted.version, &identity.version),
        ("profile", &wanted.profile, &identity.profile),
    ];
    let asked: Vec<_> = pairs.iter().filter_map(|(n, w, s)| Some((*n, w.as_ref()?, *s))).collect();
    if asked.is_empty() {
        return Seen::new(Outcome::Skip, "neither `--expect-version` nor `--profile` was given");
    }
    for (name, wanted, seen) in &asked {
        match seen {
            None => {
                return Seen::new(Outcome::Unknown, format!("the server does not tell its {name}"));
            }
            Some(seen) if seen != *wanted => {
                return Seen::new(Outcome::Fail, format!("{name} `{seen}` instead of `{wanted}`"));
            }
            Some(_) => {}
        }
    }
    let said: Vec<String> =
        asked.iter().map(|(name, wanted, _)| format!("{name} {wanted}")).collect();
    Seen::new(Outcome::Pass, said.join(", "))
}
