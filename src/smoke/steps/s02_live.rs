//! Step 02: the process lives, and says so at once.

use crate::report::Outcome;
use crate::settings::profile::Gate;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step};
use crate::smoke::suite::Suite;

/// The step.
pub(super) const STEP: Step = Step {
    number: 2,
    name: "live",
    expected: "200 from an ultra server within 250 ms",
    gate: Gate::P0,
    aborts: true,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    match suite.client.send(&Call::get("/api/health/live")).await {
        Ok(answer) if !answer.is_ours() => {
            let observed = format!("it is no ultra server: it answers {}", answer.manner());
            Seen::of(Outcome::Fail, observed, &answer)
        }
        Ok(answer) if answer.status != 200 => Seen::of(Outcome::Fail, answer.summary(), &answer),
        Ok(answer) if answer.latency.as_millis() > 250 => {
            let observed = format!("200 after {} ms", answer.latency.as_millis());
            Seen::of(Outcome::Warn, observed, &answer)
        }
        Ok(answer) => Seen::of(Outcome::Pass, "200", &answer),
        Err(why) => Seen::unanswered(&why),
    }
}
