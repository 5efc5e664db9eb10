//! Step 15: a token that goes without a signature is refused, however it spells that.

use crate::report::Outcome;
use crate::settings::profile::Gate;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step, refused};
use crate::smoke::suite::Suite;
use crate::smoke::{Auth, probe_tokens};

/// The step.
pub(super) const STEP: Step = Step {
    number: 15,
    name: "alg-none",
    expected: "401 with `WWW-Authenticate`",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    let valid = match suite.token("valid").await {
        Ok(token) => token,
        Err(unknown) => return unknown,
    };
    let mut last = None;
    for token in probe_tokens::without_algorithm(&valid) {
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
