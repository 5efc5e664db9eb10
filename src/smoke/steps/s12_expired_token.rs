//! Step 12: a token that has ended is refused, and says why.

use crate::settings::profile::Gate;
use crate::smoke::Auth;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step, refused};
use crate::smoke::suite::Suite;

/// The step.
pub(super) const STEP: Step = Step {
    number: 12,
    name: "expired-token",
    expected: "401 with the code `token_expired`",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    let token = match suite.token("expired").await {
        Ok(token) => token,
        Err(unknown) => return unknown,
    };
    match suite.client.send(&Call::get("/v1/models").auth(Auth::Token(token))).await {
        Ok(answer) => refused(&answer, Some("token_expired")),
        Err(why) => Seen::unanswered(&why),
    }
}
