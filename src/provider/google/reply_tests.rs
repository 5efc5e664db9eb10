//! Answers and streams, and what is none of them.

use super::*;
use crate::provider::failure::Class;
use serde_json::json;

fn usage() -> Value {
    json!({"promptTokenCount": 20, "cachedContentTokenCount": 5, "candidatesTokenCount": 7,
           "thoughtsTokenCount": 3, "toolUsePromptTokenCount": 1, "totalTokenCount": 31})
}

fn counted() -> Tokens {
    Tokens {
        input: Some(16),
        cache_read: Some(5),
        output: Some(10),
        reasoning: Some(3),
        ..Tokens::default()
    }
}

fn answer(parts: &Value, reason: &str) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason}],
           "usageMetadata": usage(), "modelVersion": "gemini-2.5-pro", "responseId": "r1"})
}

fn reply(body: &Value) -> Reply {
    read(body.to_string().as_bytes()).unwrap()
}

#[test]
fn an_answer_has_its_texts_counts_and_end() {
    let reply = reply(&answer(&json!([{"text": "Hel"}, {"text": "lo"}]), "STOP"));
    assert_eq!(reply.id.as_deref(), Some("r1"));
    assert_eq!(reply.model.as_deref(), Some("gemini-2.5-pro"));
    assert_eq!(reply.parts, [Part::Text("Hello".to_owned())]);
    assert_eq!((reply.end, reply.tokens), (End::Stop, counted()));
}

#[test]
fn thoughts_are_signed_and_calls_have_ids() {
    let reply = reply(&answer(
        &json!([
            {"text": "let me see", "thought": true},
            {"functionCall": {"name": "look", "args": {"n": 1}}, "thoughtSignature": "s"},
            {"functionCall": {"id": "c2", "name": "look"}},
        ]),
        "STOP",
    ));
    let [Part::Thinking { text, signature }, Part::ToolCall(one), Part::ToolCall(two)] =
        reply.parts.as_slice()
    else {
        panic!("{:?}", reply.parts)
    };
    assert_eq!((text.as_str(), signature.as_deref()), ("let me see", Some("google.s")));
    assert!(one.id.starts_with("call_") && one.id.len() > 30, "{}", one.id);
    assert_eq!(Value::Object(one.arguments.clone()), json!({"n": 1}));
    assert_eq!((two.id.as_str(), two.arguments.len()), ("c2", 0));
    assert_eq!(reply.end, End::ToolCalls);
}

#[test]
fn ends_are_told_apart() {
    for (reason, end) in [
        ("MAX_TOKENS", End::Length),
        ("SAFETY", End::Filtered),
        ("RECITATION", End::Filtered),
        ("PROHIBITED_CONTENT", End::Filtered),
        ("SPII", End::Filtered),
        ("A_NEW_WORD", End::Filtered),
    ] {
        assert_eq!(reply(&answer(&json!([{"text": "a"}]), reason)).end, end, "{reason}");
    }
    let broken = answer(&json!([]), "MALFORMED_FUNCTION_CALL").to_string();
    assert!(matches!(read(broken.as_bytes()), Err(Unread::Malformed(_))));
}

#[test]
fn a_blocked_prompt_is_filtered() {
    let body = json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}});
    let reply = reply(&body);
    assert_eq!((reply.end, reply.parts.len()), (End::Filtered, 0));
    assert_eq!((reply.tokens.input, reply.tokens.output), (Some(4), Some(0)));
}

#[test]
fn what_is_no_answer_is_told_without_quoting_it() {
    for hostile in [
        "",
        "<html>canary</html>",
        "[]",
        "{}",
        "null",
        r#"{"candidates":"canary"}"#,
        r#"{"candidates":[]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"canary"}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"can"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{}}]},"finishReason":"STOP"}]}"#,
    ] {
        let Err(Unread::Malformed(why)) = read(hostile.as_bytes()) else { panic!("{hostile}") };
        assert!(!why.contains("canary"), "{why}");
    }
    let deep = format!("{{\"candidates\":{}", "[".repeat(100_000));
    assert!(read(deep.as_bytes()).is_err());
}

#[test]
fn a_stream_says_the_same_as_a_whole_answer() {
    let mut stream = Stream::default();
    let mut events = Vec::new();
    for chunk in [
        json!({"candidates": [{"content": {"parts": [{"text": "hm", "thought": true}]}}],
               "usageMetadata": {"promptTokenCount": 20}, "modelVersion": "m", "responseId": "r1"}),
        json!({"candidates": [{"content": {"parts": [{"text": "a"}, {"text": ""}]}}]}),
        json!({"candidates": [{"content": {"parts": [
            {"functionCall": {"id": "c", "name": "look", "args": {"n": 1}}, "thoughtSignature": "s"}]}}]}),
        json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}],
               "usageMetadata": usage()}),
    ] {
        events.extend(stream.event(chunk.to_string().as_bytes()).unwrap());
    }
    let first = Tokens { input: Some(20), output: Some(0), ..Tokens::default() };
    assert_eq!(
        events,
        [
            Event::Begin { id: Some("r1".to_owned()), model: Some("m".to_owned()) },
            Event::Thinking("hm".to_owned()),
            Event::Tokens(first),
            Event::Text("a".to_owned()),
            Event::Signature("google.s".to_owned()),
            Event::ToolCall { number: 0, id: "c".to_owned(), name: "look".to_owned() },
            Event::Arguments { number: 0, fragment: r#"{"n":1}"#.to_owned() },
            Event::Tokens(counted()),
            Event::End(End::ToolCalls),
        ]
    );
}

#[test]
fn an_error_in_a_stream_is_the_providers_own() {
    let error = r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#;
    let Unread::Refused(refused) = Stream::default().event(error.as_bytes()).unwrap_err() else {
        panic!("it is an error of the provider")
    };
    assert_eq!((refused.class, refused.message.as_str()), (Class::Overloaded, "overloaded"));
    assert!(Stream::default().event(b"[DONE]").is_err());
}
