//! Step 01: the server can be reached by name, port and, with `https`, a valid certificate;
//! waited for as long as `--wait` says.

use crate::report::Outcome;
use crate::settings::profile::Gate;
use crate::smoke::step::{Seen, Step};
use crate::smoke::suite::Suite;
use crate::smoke::{Call, NoAnswer};

/// The step.
pub(super) const STEP: Step = Step {
    number: 1,
    name: "connect",
    expected: "a connection",
    gate: Gate::P0,
    aborts: true,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    loop {
        match suite.client.send(&Call::new(reqwest::Method::HEAD, "/api/health/live")).await {
            // Whatever it answers: there is a server that speaks HTTP, and its certificate is valid.
            Ok(answer) => {
                return Seen::of(
                    Outcome::Pass,
                    format!("{} answers", suite.client.base()),
                    &answer,
                );
            }
            // It may still be on its way up.
            Err(NoAnswer::Connect(_)) if suite.waits().await => {}
            Err(why) => return Seen::unanswered(&why),
        }
    }
}
