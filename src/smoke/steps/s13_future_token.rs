//! Step 13: a token that is not valid yet is refused.

use crate::settings::profile::Gate;
use crate::smoke::Auth;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step, refused};
use crate::smoke::suite::Suite;

/// The step.
pub(super) const STEP: Step = Step {
    number: 13,
    name: "future-token",
    expected: "401 with `WWW-Authenticate`",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    let token = match suite.token("not-yet-valid").await {
        Ok(token) => token,
        Err(unknown) => return unknown,
    };
    match suite.client.send(&Call::get("/v1/models").auth(Auth::Token(token))).await {
        Ok(answer) => refused(&answer, None),
        Err(why) => Seen::unanswered(&why),
    }
}
