//! Answers and streams, and what is none of them.

use super::*;
use crate::provider::failure::Class;
use serde_json::{Value, json};

fn reply(body: &Value) -> Reply {
    read(body.to_string().as_bytes()).unwrap()
}

fn usage() -> Value {
    json!({"billed_units": {"input_tokens": 5, "output_tokens": 7.0},
           "tokens": {"input_tokens": 71, "output_tokens": 9}})
}

#[test]
fn an_answer_has_its_texts_counts_and_end() {
    let reply = reply(&json!({
        "id": "r1", "finish_reason": "COMPLETE", "usage": usage(),
        "message": {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hello"}]},
    }));
    assert_eq!(reply.id.as_deref(), Some("r1"));
    assert_eq!(
        reply.parts,
        [Part::Thinking { text: "hm".to_owned(), signature: None }, Part::Text("Hello".to_owned())]
    );
    assert_eq!(reply.end, End::Stop);
    assert_eq!((reply.tokens.input, reply.tokens.output), (Some(5), Some(7)));
}

#[test]
fn calls_come_with_their_plan() {
    let body = json!({
        "id": "r1", "finish_reason": "TOOL_CALL",
        "usage": {"tokens": {"input_tokens": 3.0, "output_tokens": 1.0}},
        "message": {"role": "assistant", "tool_plan": "I will look", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"n\":1}"}},
            {"type": "function", "function": {"name": "now"}}]},
    });
    let reply = reply(&body);
    let [Part::Thinking { text, .. }, Part::ToolCall(look), Part::ToolCall(now)] =
        reply.parts.as_slice()
    else {
        panic!("{:?}", reply.parts)
    };
    assert_eq!(text, "I will look");
    assert_eq!((look.id.as_str(), look.arguments.get("n")), ("c1", Some(&json!(1))));
    assert!(now.id.starts_with("call_") && now.arguments.is_empty());
    assert_eq!((reply.end, reply.tokens.input), (End::ToolCalls, Some(3)));
    let broken = body.to_string().replace(r#"{\"n\":1}"#, r#"{\"n\""#);
    assert!(matches!(read(broken.as_bytes()), Err(Unread::Malformed(_))));
}

#[test]
fn ends_are_told_apart() {
    let end = |reason: &str| {
        let body = json!({"finish_reason": reason, "message": {"content": []}});
        read(body.to_string().as_bytes()).map(|reply| reply.end)
    };
    assert_eq!(end("MAX_TOKENS"), Ok(End::Length));
    assert_eq!(end("STOP_SEQUENCE"), Ok(End::StopText(None)));
    assert_eq!(end("ERROR_TOXIC"), Ok(End::Filtered));
    for broken in ["ERROR", "TIMEOUT", "A_NEW_WORD"] {
        assert!(end(broken).is_err(), "{broken}");
    }
}

#[test]
fn what_is_no_answer_is_told_without_quoting_it() {
    for hostile in [
        "",
        "<html>canary</html>",
        "[]",
        "{}",
        r#"{"message":"canary"}"#,
        r#"{"finish_reason":"COMPLETE","message":{"content":"canary"}}"#,
        r#"{"finish_reason":"COMPLETE","message":{"content":[{"text":"can"#,
    ] {
        let Err(Unread::Malformed(why)) = read(hostile.as_bytes()) else { panic!("{hostile}") };
        assert!(!why.contains("canary"), "{why}");
    }
    let counts = json!({"finish_reason": "COMPLETE", "message": {}, "usage": {
        "tokens": {"input_tokens": -1.0, "output_tokens": 1e300}}});
    let tokens = reply(&counts).tokens;
    assert_eq!((tokens.input, tokens.output), (None, None));
}

fn events(chunks: &[Value]) -> Vec<Event> {
    let mut stream = Stream::default();
    chunks.iter().flat_map(|c| stream.event(c.to_string().as_bytes()).unwrap()).collect()
}

#[test]
fn a_stream_of_text_begins_goes_on_and_ends() {
    let text = |text: &str| json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}});
    let counted = Tokens { input: Some(5), output: Some(7), ..Tokens::default() };
    assert_eq!(
        events(&[
            json!({"type": "message-start", "id": "r1", "delta": {"message": {
                "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}}),
            json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
            text("Hel"),
            text("lo"),
            json!({"type": "content-end", "index": 0}),
            json!({"type": "citation-start", "delta": {"message": {"citations": {"start": 0}}}}),
            json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage()}}),
        ]),
        [
            Event::Begin { id: Some("r1".to_owned()), model: None },
            Event::Text("Hel".to_owned()),
            Event::Text("lo".to_owned()),
            Event::Tokens(counted),
            Event::End(End::Stop),
            Event::Over,
        ]
    );
}

#[test]
fn a_stream_of_calls_tells_which_is_which() {
    let call = |kind: &str, fields: Value| json!({"type": kind, "index": 0, "delta": {"message": {"tool_calls": fields}}});
    let name = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": ""}});
    let more = |text: &str| json!({"function": {"arguments": text}});
    assert_eq!(
        events(&[
            json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will"}}}),
            call("tool-call-start", name("c1", "look")),
            call("tool-call-delta", more("{\"n\"")),
            call("tool-call-delta", more(":1}")),
            json!({"type": "tool-call-end", "index": 0}),
            call("tool-call-start", json!([name("c2", "now")])),
            json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL"}}),
        ]),
        [
            Event::Thinking("I will".to_owned()),
            Event::ToolCall { number: 0, id: "c1".to_owned(), name: "look".to_owned() },
            Event::Arguments { number: 0, fragment: "{\"n\"".to_owned() },
            Event::Arguments { number: 0, fragment: ":1}".to_owned() },
            Event::ToolCall { number: 1, id: "c2".to_owned(), name: "now".to_owned() },
            Event::End(End::ToolCalls),
            Event::Over,
        ]
    );
}

#[test]
fn what_is_wrong_in_a_stream_is_told() {
    let refused = |data: &str| match Stream::default().event(data.as_bytes()) {
        Err(Unread::Refused(refused)) => (refused.class, refused.message),
        other => panic!("{data}: {other:?}"),
    };
    let broke = (Class::ServerError, "broke".to_owned());
    assert_eq!(refused(r#"{"message":"broke"}"#), broke);
    let end = r#"{"type":"message-end","delta":{"finish_reason":"ERROR","error":"broke"}}"#;
    assert_eq!(refused(end), broke);
    for data in [
        "{",
        r#"{"type":"message-end"}"#,
        r#"{"type":"tool-call-delta","delta":{"message":{"tool_calls":{"function":{"arguments":"x"}}}}}"#,
        r#"{"type":"message-end","delta":{"finish_reason":"TIMEOUT"}}"#,
    ] {
        assert!(
            matches!(Stream::default().event(data.as_bytes()), Err(Unread::Malformed(_))),
            "{data}"
        );
    }
    assert_eq!(Stream::default().event(b"[DONE]"), Ok(Vec::new()));
    assert_eq!(Stream::default().event(br#"{"type":"debug"}"#), Ok(Vec::new()));
}
