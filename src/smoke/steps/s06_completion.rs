//! Step 06: a completion with valid credentials: the positive control of every refusal after it.

use crate::report::Outcome;
use crate::settings::profile::Gate;
use crate::smoke::Call;
use crate::smoke::Exchange;
use crate::smoke::step::{Seen, Step};
use crate::smoke::suite::Suite;
use serde_json::json;
use std::time::{Duration, Instant};

/// The step.
pub(super) const STEP: Step = Step {
    number: 6,
    name: "completion",
    expected: "200 with id, text, usage, and not from the mock where answers must be real",
    gate: Gate::P0,
    aborts: true,
    run: |suite| Box::pin(run(suite)),
};

/// How long a server may take to learn of a new key.
const NEW_KEY: Duration = Duration::from_secs(5);

async fn run(suite: &Suite) -> Seen {
    if !suite.client.has_key() {
        let why = "there is no service key (set `ULTRA_SERVICE_KEY`)";
        return Seen::new(Outcome::Unknown, why);
    }
    until_the_key_is_known(suite).await;
    let model = suite.model().await;
    let body = json!({
        "model": model,
        "messages": [{"role": "user", "content": "Answer with the word ready."}],
        "max_tokens": 16,
    });
    let call = Call::post("/v1/chat/completions", &body).with_key().within(Duration::from_secs(30));
    match suite.client.send(&call).await {
        Ok(answer) => {
            let wrong = fault(&answer, suite.expectations.real);
            let _ = suite.control.set(wrong.is_none());
            Seen::judged(&answer, format!("200 from `{model}`"), wrong)
        }
        Err(why) => Seen::unanswered(&why),
    }
}

/// Waits while the key is refused: one that was made a moment ago may not have come to the server
/// yet, and without it no model can be chosen.
async fn until_the_key_is_known(suite: &Suite) {
    let began = Instant::now();
    let models = Call::get("/v1/models").with_key();
    while suite.client.send(&models).await.is_ok_and(|answer| answer.status == 401)
        && began.elapsed() < NEW_KEY
    {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What is wrong with the completion, if anything.
fn fault(answer: &Exchange, real: bool) -> Option<String> {
    if answer.status != 200 {
        return Some(answer.summary());
    }
    let Some(json) = answer.json() else { return Some("200 without JSON".to_owned()) };
    let text = |pointer: &str| json.pointer(pointer).and_then(|v| v.as_str()).unwrap_or_default();
    let tokens = json.pointer("/usage/total_tokens").and_then(serde_json::Value::as_u64);
    if text("/id").is_empty() {
        Some("200 without `id`".to_owned())
    } else if text("/choices/0/message/content").is_empty() {
        Some("200 without a text".to_owned())
    } else if tokens.unwrap_or(0) == 0 {
        Some("200 without usage".to_owned())
    } else if real && answer.header("x-ultra-mode") != Some("real") {
        let mode = answer.header("x-ultra-mode").unwrap_or("unknown");
        Some(format!("answered in mode `{mode}` where answers must be real"))
    } else {
        None
    }
}
