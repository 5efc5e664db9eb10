//! Step 11: a key that nobody was given is refused.

use crate::base::Secret;
use crate::settings::profile::Gate;
use crate::smoke::Auth;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step, refused};
use crate::smoke::suite::Suite;

/// The step.
pub(super) const STEP: Step = Step {
    number: 11,
    name: "garbage-key",
    expected: "401 with `WWW-Authenticate`",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    if let Err(unknown) = suite.controlled() {
        return unknown;
    }
    let garbage = Secret::new("uk_nobody.0000000000000000000000000000000000000000");
    match suite.client.send(&Call::get("/v1/models").auth(Auth::Token(garbage))).await {
        Ok(answer) => refused(&answer, None),
        Err(why) => Seen::unanswered(&why),
    }
}
