//! Step 10: a completion without credentials is refused.

use crate::settings::profile::Gate;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step, refused};
use crate::smoke::suite::Suite;
use serde_json::json;

/// The step.
pub(super) const STEP: Step = Step {
    number: 10,
    name: "no-credentials",
    expected: "401 with `WWW-Authenticate`",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    if let Err(unknown) = suite.controlled() {
        return unknown;
    }
    let body =
        json!({"model": suite.model().await, "messages": [{"role": "user", "content": "x"}]});
    match suite.client.send(&Call::post("/v1/chat/completions", &body)).await {
        Ok(answer) => refused(&answer, None),
        Err(why) => Seen::unanswered(&why),
    }
}
