//! Requests, one thing that clients ask for at a time.

use super::*;
use crate::provider::conversation::ToolCall;

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
    write(asked, "gemini-2.5-pro").unwrap()
}

fn tool(parameters: Value) -> Tool {
    Tool { name: "look".to_owned(), description: None, parameters, strict: None }
}

fn call(id: &str) -> Part {
    let arguments = Map::from_iter([("n".to_owned(), json!(1))]);
    Part::ToolCall(ToolCall { id: id.to_owned(), name: "look".to_owned(), arguments })
}

fn result_of(id: &str, content: Vec<Part>, failed: bool) -> Part {
    Part::ToolResult { id: id.to_owned(), content, failed }
}

#[test]
fn a_plain_question_is_no_more_than_that() {
    assert_eq!(
        written(&asked()),
        json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]})
    );
}

#[test]
fn what_stands_above_and_how_to_answer_have_their_places() {
    let asked = Conversation {
        system: vec!["be brief".to_owned(), "be kind".to_owned()],
        max_tokens: Some(100),
        temperature: serde_json::Number::from_f64(1.5),
        top_k: Some(40),
        seed: Some(7),
        stop: vec!["END".to_owned()],
        format: Some(Format::Schema {
            name: None,
            schema: json!({"type": "object", "$schema": "x"}),
            strict: Some(true),
        }),
        ..asked()
    };
    let body = written(&asked);
    assert_eq!(
        body.pointer("/systemInstruction/parts"),
        Some(&json!([{"text": "be brief"}, {"text": "be kind"}]))
    );
    assert_eq!(
        body.get("generationConfig"),
        Some(&json!({
            "maxOutputTokens": 100, "temperature": 1.5, "topK": 40, "seed": 7,
            "stopSequences": ["END"], "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object"},
        }))
    );
}

#[test]
fn how_much_to_think_is_said_as_the_model_understands_it() {
    let config = |thinking: Thinking, model| {
        let asked = Conversation { thinking: Some(thinking), ..asked() };
        let body = write(&asked, model).unwrap();
        body.pointer("/generationConfig/thinkingConfig").cloned().unwrap_or_default()
    };
    let effort = |word: &str| Thinking::Effort(word.to_owned());
    for (thinking, model, sent) in [
        (Thinking::Off, "gemini-2.5-flash", json!({"thinkingBudget": 0})),
        (Thinking::Off, "gemini-2.0-flash", json!(null)),
        (Thinking::Off, "models/gemini-3-flash", json!({"thinkingLevel": "minimal"})),
        (
            Thinking::Adaptive,
            "gemini-2.5-pro",
            json!({"thinkingBudget": -1, "includeThoughts": true}),
        ),
        (Thinking::Adaptive, "gemini-flash-latest", json!({"includeThoughts": true})),
        (
            Thinking::Budget(2048),
            "gemini-2.5-pro",
            json!({"thinkingBudget": 2048, "includeThoughts": true}),
        ),
        (
            effort("medium"),
            "gemini-2.5-pro",
            json!({"thinkingBudget": 8192, "includeThoughts": true}),
        ),
        (effort("low"), "gemini-3.1-pro", json!({"thinkingLevel": "low", "includeThoughts": true})),
        (
            effort("xhigh"),
            "gemini-3-pro",
            json!({"thinkingLevel": "high", "includeThoughts": true}),
        ),
    ] {
        assert_eq!(config(thinking.clone(), model), sent, "{thinking:?} {model}");
    }
}

#[test]
fn tools_are_declared_and_chosen() {
    let takes = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let mut asked = Conversation {
        tools: vec![tool(takes.clone()), tool(json!({"type": "object", "properties": {}}))],
        ..asked()
    };
    assert_eq!(
        written(&asked).get("tools"),
        Some(&json!([{"functionDeclarations": [
            {"name": "look", "description": "", "parametersJsonSchema": takes},
            {"name": "look", "description": ""},
        ]}]))
    );
    for (choice, sent) in [
        (ToolChoice::Auto, json!({"mode": "AUTO"})),
        (ToolChoice::None, json!({"mode": "NONE"})),
        (ToolChoice::Required, json!({"mode": "ANY"})),
        (
            ToolChoice::Named("look".to_owned()),
            json!({"mode": "ANY", "allowedFunctionNames": ["look"]}),
        ),
    ] {
        asked.tool_choice = Some(choice);
        assert_eq!(written(&asked).pointer("/toolConfig/functionCallingConfig"), Some(&sent));
    }
}

#[test]
fn calls_and_results_go_back_with_names_and_signatures() {
    let signed = |signature: &str| Part::Thinking {
        text: "hm".to_owned(),
        signature: Some(signature.to_owned()),
    };
    let picture =
        Part::Image(Image::Inline { media_type: "image/png".to_owned(), data: "aGk=".to_owned() });
    let asked = Conversation {
        turns: vec![
            said(Role::User, vec![text("look twice")]),
            said(Role::Assistant, vec![signed("google.sig"), call("a"), call("b")]),
            said(Role::User, vec![result_of("a", vec![text("{\"x\":1}"), picture], false)]),
            said(Role::User, vec![result_of("b", vec![text("no")], true), text("go on")]),
        ],
        ..Conversation::default()
    };
    assert_eq!(
        written(&asked).get("contents"),
        Some(&json!([
            {"role": "user", "parts": [{"text": "look twice"}]},
            {"role": "model", "parts": [
                {"functionCall": {"id": "a", "name": "look", "args": {"n": 1}}, "thoughtSignature": "sig"},
                {"functionCall": {"id": "b", "name": "look", "args": {"n": 1}}},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "a", "name": "look", "response": {"x": 1}}},
                {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
                {"functionResponse": {"id": "b", "name": "look", "response": {"error": "no"}}},
                {"text": "go on"},
            ]},
        ]))
    );
}

#[test]
fn signatures_of_others_are_not_sent_and_missing_ones_are_excused() {
    let foreign =
        Part::Thinking { text: "hm".to_owned(), signature: Some("of somebody else".to_owned()) };
    let asked = Conversation {
        turns: vec![said(Role::Assistant, vec![foreign, call("a"), call("b")])],
        ..Conversation::default()
    };
    let first = |model| {
        let body = write(&asked, model).unwrap();
        let at =
            |n: usize| body.pointer(&format!("/contents/0/parts/{n}/thoughtSignature")).cloned();
        (at(0), at(1))
    };
    assert_eq!(first("gemini-2.5-pro"), (None, None));
    assert_eq!(first("gemini-3-pro"), (Some(json!(UNSIGNED)), None));
}

#[test]
fn pictures_and_documents_travel() {
    let url = |url: &str| Part::Image(Image::Url(url.to_owned()));
    let asked = Conversation {
        turns: vec![said(
            Role::User,
            vec![
                url("https://example.com/A.JPG?x=1"),
                url("https://example.com/a"),
                Part::File {
                    media_type: "application/pdf".to_owned(),
                    data: "aGk=".to_owned(),
                    name: None,
                },
            ],
        )],
        ..Conversation::default()
    };
    assert_eq!(
        written(&asked).pointer("/contents/0/parts"),
        Some(&json!([
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://example.com/A.JPG?x=1"}},
            {"fileData": {"fileUri": "https://example.com/a"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
        ]))
    );
}

#[test]
fn what_gemini_cannot_do_is_named() {
    let param = |asked: Conversation| write(&asked, "gemini-2.5-pro").unwrap_err().param;
    assert_eq!(param(Conversation { seed: Some(1 << 40), ..asked() }), "seed");
    let stop = vec!["x".to_owned(); 6];
    assert_eq!(param(Conversation { stop, ..asked() }), "stop");
    let tools = vec![tool(json!({}))];
    let one = Conversation { parallel_tool_calls: Some(false), tools, ..asked() };
    assert_eq!(param(one), "parallel_tool_calls");
    let lost = vec![said(Role::User, vec![result_of("nobody", vec![], false)])];
    assert_eq!(param(Conversation { turns: lost, ..asked() }), "messages");
}
