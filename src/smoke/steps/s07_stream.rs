//! Step 07: the same completion, streamed.

use crate::base::words;
use crate::settings::profile::Gate;
use crate::smoke::Call;
use crate::smoke::Exchange;
use crate::smoke::step::{Seen, Step};
use crate::smoke::suite::Suite;
use serde_json::{Value, json};
use std::time::Duration;

/// The step.
pub(super) const STEP: Step = Step {
    number: 7,
    name: "stream",
    expected: "`text/event-stream` with text, usage and a last `[DONE]`",
    gate: Gate::P0,
    aborts: false,
    run: |suite| Box::pin(run(suite)),
};

async fn run(suite: &Suite) -> Seen {
    if let Err(unknown) = suite.controlled() {
        return unknown;
    }
    let body = json!({
        "model": suite.model().await,
        "messages": [{"role": "user", "content": "Answer with the word ready."}],
        "max_tokens": 16,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    let call = Call::post("/v1/chat/completions", &body).with_key().within(Duration::from_secs(30));
    match suite.client.send(&call).await {
        Ok(answer) => {
            let holds = format!("first byte after {} ms", answer.first_byte.as_millis());
            Seen::judged(&answer, holds, fault(&answer))
        }
        Err(why) => Seen::unanswered(&why),
    }
}

/// What is wrong with the stream, if anything.
fn fault(answer: &Exchange) -> Option<String> {
    let kind = answer.header("content-type").unwrap_or("nothing");
    if answer.status != 200 || !kind.starts_with("text/event-stream") {
        return Some(format!("{} with `{kind}`", answer.summary()));
    }
    let events: Vec<&str> =
        answer.body.lines().filter_map(|l| l.strip_prefix("data:")).map(str::trim).collect();
    let chunks: Vec<Value> = events.iter().filter_map(|e| serde_json::from_str(e).ok()).collect();
    if events.last() != Some(&"[DONE]") {
        Some("the stream ends without `[DONE]`".to_owned())
    } else if chunks.len() < 2 || chunks.len() + 1 != events.len() {
        Some(format!(
            "{} of JSON in {}",
            words::count(chunks.len(), "chunk"),
            words::count(events.len(), "event")
        ))
    } else if !chunks.iter().any(has_text) {
        Some("no chunk has a text".to_owned())
    } else if !chunks.iter().any(has_usage) {
        Some("no chunk has usage".to_owned())
    } else {
        None
    }
}

fn has_text(chunk: &Value) -> bool {
    chunk
        .pointer("/choices/0/delta/content")
        .and_then(Value::as_str)
        .is_some_and(|text| !text.is_empty())
}

fn has_usage(chunk: &Value) -> bool {
    chunk.pointer("/usage/total_tokens").and_then(Value::as_u64).is_some_and(|n| n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_needs_text_usage_and_an_end() {
        let judged = |events: &[&str]| {
            fault(&Exchange {
                request: String::new(),
                status: 200,
                headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
                body: events.iter().map(|e| format!("data: {e}\n\n")).collect(),
                latency: Duration::ZERO,
                first_byte: Duration::ZERO,
            })
        };
        let text = r#"{"choices":[{"delta":{"content":"a"}}]}"#;
        let empty = r#"{"choices":[{"delta":{"content":""}}]}"#;
        let usage = r#"{"choices":[],"usage":{"total_tokens":3}}"#;
        let error = r#"{"error":{"message":"gone"}}"#;
        assert_eq!(judged(&[text, usage, "[DONE]"]), None);
        for broken in [
            &[text, usage][..],
            &[empty, usage, "[DONE]"],
            &[text, empty, "[DONE]"],
            &[error, usage, "[DONE]"],
            &[text, "{", usage, "[DONE]"],
        ] {
            assert!(judged(broken).is_some(), "{broken:?}");
        }
    }
}
