//! Step 08: the list of models holds those that are offered.

use crate::base::words;
use crate::report::Outcome;
use crate::settings::profile::Gate;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step};
use crate::smoke::suite::Suite;

/// The step.
pub(super) const STEP: Step = Step {
    number: 8,
    name: "models",
    expected: "the model that is asked, and every available one",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    if let Err(unknown) = suite.controlled() {
        return unknown;
    }
    let listed = suite.models().await;
    let answer = match suite.client.send(&Call::get("/api/available-models").with_key()).await {
        Ok(answer) => answer,
        Err(why) => return Seen::unanswered(&why),
    };
    let json = answer.json().unwrap_or_default();
    let Some(offered) = json.get("available_models").and_then(|m| m.as_array()) else {
        let observed = format!("`/api/available-models`: {} without a list", answer.summary());
        return Seen::of(Outcome::Fail, observed, &answer);
    };
    let offered = offered.iter().filter_map(|m| m.as_str());
    let wanted = suite.expectations.model.as_deref();
    let missing = wanted.into_iter().chain(offered).find(|m| !listed.iter().any(|l| l == m));
    if listed.is_empty() {
        return Seen::of(Outcome::Fail, "`/v1/models` lists nothing", &answer);
    }
    let wrong = missing.map(|model| format!("`{model}` is not listed"));
    Seen::judged(&answer, words::count(listed.len(), "model"), wrong)
}
