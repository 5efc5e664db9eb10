//! Step 14: tokens for another audience or of another issuer are refused.

use crate::report::Outcome;
use crate::settings::profile::Gate;
use crate::smoke::Auth;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step, refused};
use crate::smoke::suite::Suite;

/// The step.
pub(super) const STEP: Step = Step {
    number: 14,
    name: "foreign-token",
    expected: "401 with `WWW-Authenticate`",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    let mut last = None;
    for case in ["wrong-audience", "wrong-issuer"] {
        let token = match suite.token(case).await {
            Ok(token) => token,
            Err(unknown) => return unknown,
        };
        match suite.client.send(&Call::get("/v1/models").auth(Auth::Token(token))).await {
            Ok(answer) => {
                let seen = refused(&answer, None);
                if seen.outcome != Outcome::Pass {
                    return seen;
                }
                last = Some(seen);
            }
            Err(why) => return Seen::unanswered(&why),
        }
    }
    last.unwrap_or_else(|| Seen::new(Outcome::Unknown, "there is no token to try"))
}
