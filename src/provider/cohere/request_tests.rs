//! Requests, one thing that clients ask for at a time.

use super::*;
use crate::provider::conversation::{Tool, ToolCall};

fn said(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts }
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn asked() -> Conversation {
    Conversation { turns: vec![said(Role::User, vec![text("hello")])], ..Conversation::default() }
}

fn written(asked: &Conversation) -> Value {
    write(asked, "command-a").unwrap()
}

fn tool(name: &str, strict: Option<bool>) -> Tool {
    let parameters = json!({"type": "object", "properties": {}});
    Tool { name: name.to_owned(), description: Some("d".to_owned()), parameters, strict }
}

fn number(number: f64) -> Option<serde_json::Number> {
    serde_json::Number::from_f64(number)
}

#[test]
fn a_plain_question_is_no_more_than_that() {
    let asked = Conversation { system: vec!["be brief".to_owned()], ..asked() };
    assert_eq!(
        written(&asked),
        json!({"model": "command-a", "stream": false, "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hello"},
        ]})
    );
}

#[test]
fn how_to_answer_has_the_words_of_cohere() {
    let asked = Conversation {
        max_tokens: Some(10),
        temperature: number(0.5),
        top_p: number(1.0),
        top_k: Some(5),
        seed: Some(3),
        stop: vec!["END".to_owned()],
        presence_penalty: number(0.5),
        format: Some(Format::Schema {
            name: None,
            schema: json!({"type": "object"}),
            strict: None,
        }),
        thinking: Some(Thinking::Budget(100)),
        stream: true,
        ..asked()
    };
    let mut body = written(&asked);
    if let Value::Object(fields) = &mut body {
        fields.remove("messages");
    }
    assert_eq!(
        body,
        json!({
            "model": "command-a", "stream": true, "max_tokens": 10, "temperature": 0.5, "p": 0.99,
            "k": 5, "presence_penalty": 0.5, "seed": 3, "stop_sequences": ["END"],
            "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
            "thinking": {"type": "enabled", "token_budget": 100},
        })
    );
}

#[test]
fn tools_are_declared_and_chosen() {
    let mut asked = Conversation {
        tools: vec![tool("a", Some(true)), tool("b", Some(true))],
        tool_choice: Some(ToolChoice::Named("b".to_owned())),
        ..asked()
    };
    let body = written(&asked);
    assert_eq!(
        body.get("tools"),
        Some(&json!([{"type": "function", "function": {
            "name": "b", "parameters": {"type": "object", "properties": {}}, "description": "d"}}]))
    );
    assert_eq!(body.get("tool_choice"), Some(&json!("REQUIRED")));
    assert_eq!(body.get("strict_tools"), Some(&json!(true)));
    asked.tool_choice = Some(ToolChoice::None);
    asked.tools.push(tool("c", None));
    let body = written(&asked);
    assert_eq!(body.get("tool_choice"), Some(&json!("NONE")));
    assert_eq!(body.get("strict_tools"), None);
}

#[test]
fn calls_results_and_plans_go_back() {
    let arguments = Map::from_iter([("n".to_owned(), json!(1))]);
    let call = ToolCall { id: "c1".to_owned(), name: "look".to_owned(), arguments };
    let thought = Part::Thinking { text: "I will look".to_owned(), signature: None };
    let result = |text_of: &str, failed| Part::ToolResult {
        id: "c1".to_owned(),
        content: vec![text(text_of)],
        failed,
    };
    let picture =
        Part::Image(Image::Inline { media_type: "image/png".to_owned(), data: "aGk=".to_owned() });
    let asked = Conversation {
        turns: vec![
            said(Role::Assistant, vec![thought, Part::ToolCall(call)]),
            said(Role::User, vec![result("42", false), result("no", true), text("and?"), picture]),
        ],
        ..Conversation::default()
    };
    assert_eq!(
        written(&asked).get("messages"),
        Some(&json!([
            {"role": "assistant", "tool_plan": "I will look", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"n\":1}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            {"role": "tool", "tool_call_id": "c1", "content": "{\"error\":\"no\"}"},
            {"role": "user", "content": [
                {"type": "text", "text": "and?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
        ]))
    );
}

#[test]
fn what_cohere_cannot_do_is_named() {
    let param = |asked: Conversation| write(&asked, "command-a").unwrap_err().param;
    assert_eq!(param(Conversation { seed: Some(-1), ..asked() }), "seed");
    assert_eq!(param(Conversation { top_k: Some(501), ..asked() }), "top_k");
    assert_eq!(param(Conversation { stop: vec!["x".to_owned(); 6], ..asked() }), "stop");
    let shy = Conversation { presence_penalty: number(-0.5), ..asked() };
    assert_eq!(param(shy), "presence_penalty");
    let one =
        Conversation { parallel_tool_calls: Some(false), tools: vec![tool("a", None)], ..asked() };
    assert_eq!(param(one), "parallel_tool_calls");
    let nobody = Conversation {
        tool_choice: Some(ToolChoice::Named("x".to_owned())),
        tools: vec![tool("a", None)],
        ..asked()
    };
    assert_eq!(param(nobody), "tool_choice");
    let file =
        Part::File { media_type: "application/pdf".to_owned(), data: String::new(), name: None };
    let turns = vec![said(Role::User, vec![file])];
    assert_eq!(param(Conversation { turns, ..asked() }), "messages");
}
