//! The endpoints beside chat: the same faults, and every request in the accounts.

use super::{Mock, events};
use crate::serve::http::Answer;
use serde_json::{Value, json};

const RESPONSES: &str = "/v1/responses";
const EMBEDDINGS: &str = "/v1/embeddings";
const COMPLETIONS: &str = "/v1/completions";
const COUNT: &str = "/v1/messages/count_tokens";

impl Mock {
    fn post(&self, path: &str, body: &Value) -> Answer {
        self.with_key("POST", path).json(&body.to_string()).send(self.server.addr())
    }

    fn respond(&self, model: &str) -> Answer {
        self.post(RESPONSES, &json!({"model": model, "input": "hi", "stream": true}))
    }
}

#[test]
fn the_faults_of_streams_are_those_of_responses_too() {
    let mock = Mock::start();
    let last = "event: response.completed\n";
    assert!(mock.respond("mock-chat").is(200).text().contains(last));

    let cut = mock.respond("mock-cut");
    assert!(!cut.whole && cut.text().contains("output_text.delta"), "{}", cut.text());
    assert!(!cut.text().contains(last));
    assert_eq!(mock.row(&cut).outcome, "truncated");

    let malformed = mock.respond("mock-malformed-event").is(200);
    let more = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\n\n";
    assert!(malformed.text().contains(more) && malformed.text().contains(last));

    let unfinished = mock.respond("mock-no-done").is(200);
    assert!(unfinished.whole && !unfinished.text().contains(last));
    assert_eq!(mock.row(&unfinished).outcome, "truncated", "the last event is the answer");

    let broken = mock.respond("mock-stream-error").is(200);
    let said = events(&broken.text());
    let error = said.last().unwrap();
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("server_error")));
    assert_eq!(error["sequence_number"], said.len() - 1);
    assert_eq!(mock.row(&broken).outcome, "error");

    let paused = mock.respond("mock-stall-300ms").is(200);
    assert!(paused.text().contains(last), "it goes on where it was");
    assert_eq!(mock.row(&paused).outcome, "ok");
    mock.respond("mock-503").is(503);
    mock.respond("mock-html").is(200);
}

#[test]
fn every_endpoint_is_in_the_accounts() {
    let mock = Mock::start();
    let conversation = json!([{"role": "user", "content": "say something"}]);
    let asked = [
        (RESPONSES, json!({"model": "mock-chat", "input": "say something"})),
        (RESPONSES, json!({"model": "mock-latency-5ms", "input": conversation})),
        (EMBEDDINGS, json!({"model": "mock-chat", "input": ["say", "something"]})),
        (EMBEDDINGS, json!({"model": "mock-drip-1ms", "input": "say", "dimensions": 4})),
        (COMPLETIONS, json!({"model": "mock-chat", "prompt": ["say", "something"], "n": 2})),
        (COUNT, json!({"model": "mock-chat", "messages": conversation})),
        (COUNT, json!({"model": "mock-latency-5ms", "messages": conversation})),
    ];
    let (mut input, mut output) = (0, 0);
    for (path, body) in &asked {
        let answer = mock.post(path, body).is(200);
        let said = answer.json();
        let row = mock.row(&answer);
        assert_eq!((row.outcome.as_str(), row.status), ("ok", 200), "{path}");
        let count = |names: [&str; 2]| names.iter().find_map(|name| said["usage"][*name].as_u64());
        let counted = (
            count(["prompt_tokens", "input_tokens"]).unwrap_or(0),
            count(["completion_tokens", "output_tokens"]).unwrap_or(0),
        );
        assert_eq!((row.input, row.output), counted, "{path}: {said}");
        assert_eq!(counted.0 == 0, *path == COUNT, "counting is free: {said}");
        input += row.input;
        output += row.output;
    }
    let total = mock.ledger()["total"].clone();
    let billed = json!({"requests": asked.len(), "input_tokens": input, "output_tokens": output});
    assert_eq!(total, billed);
    let report = mock.ultra.run(&["usage", "report", "-o", "json"]).exits(0).json();
    assert_eq!(report["total"]["uncounted"], 0, "{report}");
}

#[test]
fn embeddings_are_vectors_of_length_one_in_either_format() {
    let mock = Mock::start();
    let ask = |more: Value| {
        let mut body = json!({"model": "mock-chat", "input": "hi", "dimensions": 8});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        mock.post(EMBEDDINGS, &body)
    };
    let floats = ask(json!({})).is(200).json();
    let floats: Vec<f64> = floats["data"][0]["embedding"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_f64().unwrap())
        .collect();
    assert_eq!(floats.len(), 8);
    let length: f64 = floats.iter().map(|n| n * n).sum();
    assert!((length - 1.0).abs() < 1e-5, "{length}");
    let packed = ask(json!({"encoding_format": "base64"})).is(200).json();
    let packed = packed["data"][0]["embedding"].as_str().unwrap();
    let bytes = data_encoding::BASE64.decode(packed.as_bytes()).unwrap();
    let unpacked = bytes.chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())));
    assert!(unpacked.zip(&floats).all(|(one, other)| (one - other).abs() < 1e-6));
    for (more, param) in [
        (json!({"dimensions": 0}), "dimensions"),
        (json!({"encoding_format": "hex"}), "encoding_format"),
        (json!({"input": vec!["x"; 2049]}), "input"),
    ] {
        assert_eq!(ask(more).is(400).json()["error"]["param"], param);
    }
}
