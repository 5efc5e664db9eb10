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
    write(asked, "llama3.2").unwrap()
}

fn tool() -> Tool {
    let parameters = json!({"type": "object"});
    Tool { name: "look".to_owned(), description: None, parameters, strict: None }
}

#[test]
fn a_question_and_how_to_answer_it() {
    let asked = Conversation {
        system: vec!["be brief".to_owned()],
        max_tokens: Some(10),
        temperature: serde_json::Number::from_f64(0.5),
        seed: Some(-3),
        stop: vec!["END".to_owned()],
        format: Some(Format::Json),
        thinking: Some(Thinking::Effort("minimal".to_owned())),
        tools: vec![tool()],
        stream: true,
        ..asked()
    };
    assert_eq!(
        written(&asked),
        json!({
            "model": "llama3.2", "stream": true, "format": "json", "think": "low",
            "messages": [
                {"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
            "tools": [{"type": "function", "function": {
                "name": "look", "description": "", "parameters": {"type": "object"}}}],
            "options": {"num_predict": 10, "temperature": 0.5, "seed": -3, "stop": ["END"]},
        })
    );
    let schema = json!({"type": "object"});
    let format = Some(Format::Schema { name: None, schema: schema.clone(), strict: None });
    assert_eq!(written(&Conversation { format, ..asked }).get("format"), Some(&schema));
}

#[test]
fn calls_results_and_pictures_go_back() {
    let arguments = Map::from_iter([("n".to_owned(), json!(1))]);
    let call = ToolCall { id: "c1".to_owned(), name: "look".to_owned(), arguments };
    let thought = Part::Thinking { text: "hm".to_owned(), signature: Some("x".to_owned()) };
    let result = Part::ToolResult { id: "c1".to_owned(), content: vec![text("42")], failed: false };
    let picture =
        Part::Image(Image::Inline { media_type: "image/png".to_owned(), data: "aGk=".to_owned() });
    let asked = Conversation {
        turns: vec![
            said(Role::Assistant, vec![thought, text("so"), Part::ToolCall(call)]),
            said(Role::User, vec![result, text("and "), picture, text("this?")]),
        ],
        ..Conversation::default()
    };
    assert_eq!(
        written(&asked).get("messages"),
        Some(&json!([
            {"role": "assistant", "content": "so", "thinking": "hm", "tool_calls": [
                {"id": "c1", "function": {"name": "look", "arguments": {"n": 1}}}]},
            {"role": "tool", "content": "42", "tool_call_id": "c1", "tool_name": "look"},
            {"role": "user", "content": "and this?", "images": ["aGk="]},
        ]))
    );
}

#[test]
fn without_a_choice_there_are_no_tools() {
    let asked =
        Conversation { tools: vec![tool()], tool_choice: Some(ToolChoice::None), ..asked() };
    assert_eq!(written(&asked).get("tools"), None);
}

#[test]
fn what_ollama_cannot_do_is_named() {
    let param = |asked: Conversation| write(&asked, "llama3.2").unwrap_err().param;
    let tools = || vec![tool()];
    let must = Conversation { tools: tools(), tool_choice: Some(ToolChoice::Required), ..asked() };
    assert_eq!(param(must), "tool_choice");
    let one = Conversation { tools: tools(), parallel_tool_calls: Some(false), ..asked() };
    assert_eq!(param(one), "parallel_tool_calls");
    let budget = Conversation { thinking: Some(Thinking::Budget(9)), ..asked() };
    assert_eq!(param(budget), "thinking");
    for part in [
        Part::Image(Image::Url("https://example.com/a.png".to_owned())),
        Part::File { media_type: "application/pdf".to_owned(), data: String::new(), name: None },
    ] {
        let turns = vec![said(Role::User, vec![part])];
        assert_eq!(param(Conversation { turns, ..asked() }), "messages");
    }
}
