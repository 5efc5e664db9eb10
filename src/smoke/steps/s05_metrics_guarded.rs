//! Step 05: metrics are not for everybody.

use crate::settings::profile::Gate;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step};
use crate::smoke::suite::Suite;

/// The step.
pub(super) const STEP: Step = Step {
    number: 5,
    name: "metrics-guarded",
    expected: "401, 403 or 404 without credentials",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    match suite.client.send(&Call::get("/metrics")).await {
        Ok(answer) => {
            let open = !matches!(answer.status, 401 | 403 | 404);
            Seen::judged(&answer, answer.summary(), open.then(|| answer.summary()))
        }
        Err(why) => Seen::unanswered(&why),
    }
}
