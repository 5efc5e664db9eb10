//! Tests of what the mock answers.

use super::*;

fn ask(endpoint: Endpoint, body: &str) -> Answer {
    let envelope = Envelope::read(body.as_bytes(), endpoint).unwrap();
    answer(endpoint, &envelope, body.as_bytes()).unwrap()
}

fn whole(answer: &Answer) -> String {
    answer.pieces.iter().map(|p| std::str::from_utf8(&p.bytes).unwrap()).collect()
}

fn events(answer: &Answer) -> Vec<Value> {
    whole(answer)
        .split("\n\n")
        .filter_map(|event| event.lines().find_map(|l| l.strip_prefix("data: ")))
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

const CHAT: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

#[test]
fn the_same_request_gets_the_same_bytes_and_another_seed_others() {
    assert_eq!(ask(Endpoint::ChatCompletions, CHAT), ask(Endpoint::ChatCompletions, CHAT));
    let seeded = CHAT.replace("}]}", "}],\"seed\":7}");
    assert_ne!(
        whole(&ask(Endpoint::ChatCompletions, &seeded)),
        whole(&ask(Endpoint::ChatCompletions, CHAT))
    );
    let other = CHAT.replace("hi", "ho");
    assert_ne!(
        whole(&ask(Endpoint::ChatCompletions, &other)),
        whole(&ask(Endpoint::ChatCompletions, CHAT))
    );
}

#[test]
fn plain_and_streamed_answers_say_the_same() {
    let plain: Value = serde_json::from_str(&whole(&ask(Endpoint::ChatCompletions, CHAT))).unwrap();
    let streamed = ask(
        Endpoint::ChatCompletions,
        &CHAT.replace("}]}", "}],\"stream\":true,\"stream_options\":{\"include_usage\":true}}"),
    );
    assert!(whole(&streamed).ends_with("data: [DONE]\n\n"));
    let events = events(&streamed);
    let text: String =
        events.iter().filter_map(|e| e["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, plain["choices"][0]["message"]["content"]);
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(events[0]["id"], plain["id"]);
    let last = events.last().unwrap();
    assert_eq!(last["choices"], serde_json::json!([]));
    assert_eq!(last["usage"], plain["usage"]);
}

#[test]
fn usage_is_streamed_only_when_asked_for() {
    let streamed = ask(Endpoint::ChatCompletions, &CHAT.replace("}]}", "}],\"stream\":true}"));
    assert!(!whole(&streamed).contains("usage"));
}

#[test]
fn anthropic_events_come_in_their_order() {
    let body = r#"{"model":"claude-sonnet-4-5","max_tokens":3,"stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#;
    let events = events(&ask(Endpoint::Messages, body));
    let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert_eq!(events[7]["delta"]["stop_reason"], "max_tokens");
    assert_eq!(events[7]["usage"]["output_tokens"], 3);
}

#[test]
fn a_cut_answer_says_so() {
    let plain: Value = serde_json::from_str(&whole(&ask(
        Endpoint::ChatCompletions,
        &CHAT.replace("}]}", "}],\"max_tokens\":2,\"n\":2}"),
    )))
    .unwrap();
    assert_eq!(plain["choices"][1]["finish_reason"], "length");
    assert_eq!(plain["usage"]["completion_tokens"], 4);
}

#[test]
fn a_message_without_a_role_is_refused() {
    let body = br#"{"model":"m","messages":["hi"]}"#;
    let envelope = Envelope::read(body, Endpoint::ChatCompletions).unwrap();
    assert_eq!(
        answer(Endpoint::ChatCompletions, &envelope, body).unwrap_err().param,
        Some("messages")
    );
}
