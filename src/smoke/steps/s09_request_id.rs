//! Step 09: the request id of the client comes back.

use crate::settings::profile::Gate;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step};
use crate::smoke::suite::Suite;

/// The step.
pub(super) const STEP: Step = Step {
    number: 9,
    name: "request-id",
    expected: "the same `x-request-id`",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    let id = format!("{}-09", suite.client.run_id());
    match suite.client.send(&Call::get("/api/health/live").header("x-request-id", &id)).await {
        Ok(answer) => {
            let seen = answer.header("x-request-id").unwrap_or("nothing");
            let wrong = (seen != id).then(|| format!("`{seen}`"));
            Seen::judged(&answer, "the same".to_owned(), wrong)
        }
        Err(why) => Seen::unanswered(&why),
    }
}
