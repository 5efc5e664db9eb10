//! Answers and streams, and what is none of them.

use super::*;
use crate::provider::failure::Class;
use serde_json::json;

fn reply(body: &Value) -> Reply {
    read(body.to_string().as_bytes()).unwrap()
}

#[test]
fn an_answer_has_its_texts_counts_and_end() {
    let reply = reply(&json!({
        "model": "llama3.2", "created_at": "2026-01-01T00:00:00Z", "done": true, "done_reason": "stop",
        "message": {"role": "assistant", "thinking": "hm", "content": "Hello"},
        "total_duration": 1, "prompt_eval_count": 26, "eval_count": 3,
    }));
    assert_eq!(reply.model.as_deref(), Some("llama3.2"));
    assert_eq!(
        reply.parts,
        [Part::Thinking { text: "hm".to_owned(), signature: None }, Part::Text("Hello".to_owned())]
    );
    assert_eq!(reply.end, End::Stop);
    assert_eq!((reply.tokens.input, reply.tokens.output), (Some(26), Some(3)));
}

#[test]
fn calls_get_ids() {
    let call = json!({"function": {"name": "look", "arguments": {"n": 1}}});
    let reply = reply(&json!({"done": true, "done_reason": "stop", "eval_count": 1,
        "message": {"content": "", "tool_calls": [call, call]}}));
    let [Part::ToolCall(one), Part::ToolCall(two)] = reply.parts.as_slice() else {
        panic!("{:?}", reply.parts)
    };
    assert!(one.id.starts_with("call_") && one.id != two.id);
    assert_eq!(one.arguments.get("n"), Some(&json!(1)));
    assert_eq!((reply.end, reply.tokens.input), (End::ToolCalls, Some(0)));
}

#[test]
fn ends_are_told_apart() {
    let end = |reason: &str| {
        let body = json!({"done": true, "done_reason": reason, "message": {"content": "a"}});
        read(body.to_string().as_bytes()).map(|reply| reply.end)
    };
    assert_eq!(end("length"), Ok(End::Length));
    assert_eq!(end("stop"), Ok(End::Stop));
    assert!(end("load").is_err() && end("unload").is_err());
}

#[test]
fn what_is_no_answer_is_told_without_quoting_it() {
    for hostile in [
        "",
        "<html>canary</html>",
        "[]",
        "{}",
        r#"{"done":false,"message":{"content":"canary"}}"#,
        r#"{"done":true,"message":{"content":["canary"]}}"#,
        r#"{"done":true,"message":{"content":"can"#,
    ] {
        let Err(Unread::Malformed(why)) = read(hostile.as_bytes()) else { panic!("{hostile}") };
        assert!(!why.contains("canary"), "{why}");
    }
    let error = r#"{"error":"the model broke"}"#;
    let Err(Unread::Refused(refused)) = read(error.as_bytes()) else { panic!("it is an error") };
    assert_eq!((refused.class, refused.message.as_str()), (Class::ServerError, "the model broke"));
}

#[test]
fn a_stream_says_the_same_as_a_whole_answer() {
    let mut stream = Stream::default();
    let lines = [
        json!({"model": "m", "done": false, "message": {"role": "assistant", "content": "", "thinking": "hm"}}),
        json!({"model": "m", "done": false, "message": {"content": "a"}}),
        json!({"model": "m", "done": false, "message": {"content": "", "tool_calls": [
            {"id": "c", "function": {"name": "look", "arguments": {"n": 1}}}]}}),
        json!({"model": "m", "done": true, "done_reason": "stop", "prompt_eval_count": 4, "eval_count": 2}),
    ];
    let events: Vec<Event> =
        lines.iter().flat_map(|l| stream.event(l.to_string().as_bytes()).unwrap()).collect();
    assert_eq!(
        events,
        [
            Event::Begin { id: None, model: Some("m".to_owned()) },
            Event::Thinking("hm".to_owned()),
            Event::Text("a".to_owned()),
            Event::ToolCall { number: 0, id: "c".to_owned(), name: "look".to_owned() },
            Event::Arguments { number: 0, fragment: r#"{"n":1}"#.to_owned() },
            Event::Tokens(Tokens { input: Some(4), output: Some(2), ..Tokens::default() }),
            Event::End(End::ToolCalls),
            Event::Over,
        ]
    );
}

#[test]
fn what_is_wrong_in_a_stream_is_told() {
    let error = br#"{"error":"an error was encountered while running the model"}"#;
    assert!(matches!(Stream::default().event(error), Err(Unread::Refused(_))));
    assert!(matches!(Stream::default().event(b"{\"done\""), Err(Unread::Malformed(_))));
    let says = br#"{"done":false,"message":{"content":"{\"error\":1}"}}"#;
    assert!(Stream::default().event(says).is_ok());
}
