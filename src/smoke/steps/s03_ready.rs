//! Step 03: the server may have traffic; waited for as long as `--wait` says,
//! from the beginning of the suite.

use crate::report::Outcome;
use crate::settings::profile::Gate;
use crate::smoke::Call;
use crate::smoke::step::{Seen, Step};
use crate::smoke::suite::Suite;

/// The step.
pub(super) const STEP: Step = Step {
    number: 3,
    name: "ready",
    expected: "200 with a JSON document",
    gate: Gate::P0,
    aborts: true,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    loop {
        let answer = suite.client.send(&Call::get("/api/health/ready")).await;
        match answer {
            Ok(answer) if answer.status == 200 => {
                let wrong = answer.json().is_none().then(|| "200 without JSON".to_owned());
                return Seen::judged(&answer, "200".to_owned(), wrong);
            }
            _ if suite.waits().await => {}
            Ok(answer) => return Seen::of(Outcome::Fail, observed(&answer), &answer),
            Err(why) => return Seen::unanswered(&why),
        }
    }
}

/// The status, with the reasons that the server gives.
fn observed(answer: &crate::smoke::Exchange) -> String {
    let json = answer.json().unwrap_or_default();
    let reasons = json.get("reasons").and_then(|r| r.as_array()).cloned().unwrap_or_default();
    let reasons: Vec<&str> = reasons.iter().filter_map(|r| r.as_str()).collect();
    if reasons.is_empty() {
        return answer.summary();
    }
    format!("{}: {}", answer.summary(), reasons.join("; "))
}
