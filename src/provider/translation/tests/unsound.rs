//! Requests that do not hold together: refused, with the field, before anybody is asked.

use super::{CHAT, asked, to_anthropic, to_openai};
use crate::provider::translation::{Messages, Responses};
use serde_json::{Value, json};

fn user(content: &Value) -> Value {
    json!({"role": "user", "content": content})
}

fn called(ids: &[&str]) -> Value {
    let call = |id: &&str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let calls: Vec<Value> = ids.iter().map(call).collect();
    json!({"role": "assistant", "content": null, "tool_calls": calls})
}

fn result(id: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": "4"})
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name}})
}

/// What is wrong with these messages: the field, and whether anybody would refuse it.
fn wrong(messages: &Value) -> (String, bool) {
    let error = to_anthropic(&json!({"model": "m", "messages": messages})).unwrap_err();
    (error.param, error.malformed)
}

#[test]
fn calls_and_results_belong_together() {
    let hi = || user(&json!("hi"));
    let messages = || ("messages".to_owned(), true);
    for unsound in [
        json!([hi(), result("a")]),
        json!([hi(), called(&["a"])]),
        json!([hi(), called(&["a"]), hi()]),
        json!([hi(), called(&["a"]), result("b")]),
        json!([hi(), called(&["a", "a"]), result("a")]),
        json!([hi(), called(&["a"]), result("a"), result("a")]),
        json!([hi(), called(&["a", "b"]), result("a"), {"role": "assistant", "content": "x"}, result("b")]),
    ] {
        assert_eq!(wrong(&unsound), messages(), "{unsound}");
    }
    let sound = json!([
        hi(), called(&["a", "b"]), result("b"), result("a"), hi(),
        // Some providers count from the beginning each time.
        called(&["a"]), {"role": "system", "content": "be brief"}, result("a"),
    ]);
    to_anthropic(&json!({"model": "m", "messages": sound})).unwrap();
    let messages =
        json!([hi(), {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]);
    let error = to_openai(&json!({"model": "m", "max_tokens": 5, "messages": messages}));
    assert_eq!(error.unwrap_err().param, "messages");
    let input = json!([{"type": "function_call_output", "call_id": "a", "output": "4"}]);
    let error = asked(&Responses, &Messages, "m", &json!({"model": "m", "input": input}));
    assert_eq!(error.unwrap_err().param, "input");
}

#[test]
fn something_is_said_and_the_user_has_the_last_word() {
    let cannot = |place: &str| (place.to_owned(), false);
    assert_eq!(wrong(&json!([{"role": "system", "content": "be brief"}])), cannot("messages"));
    assert_eq!(wrong(&json!([user(&json!(""))])), cannot("messages"));
    assert_eq!(wrong(&json!([user(&json!([]))])), cannot("messages"));
    assert_eq!(wrong(&json!([user(&Value::Null)])), ("messages[0].content".to_owned(), true));
    let prefill = json!([user(&json!("hi")), {"role": "assistant", "content": "The answer is"}]);
    assert_eq!(wrong(&prefill), cannot("messages"));
    // What was never said is left out, as ever.
    let silent = json!([user(&json!("hi")), {"role": "assistant", "content": ""}]);
    to_anthropic(&json!({"model": "m", "messages": silent})).unwrap();
    let silent = json!([user(&json!("")), user(&json!("hi"))]);
    to_anthropic(&json!({"model": "m", "messages": silent})).unwrap();
}

#[test]
fn tools_have_names_of_their_own_and_are_there_if_demanded() {
    let wrong = |fields: &Value| {
        let mut request = json!({"model": "m", "messages": [user(&json!("hi"))]});
        for (name, value) in fields.as_object().unwrap() {
            request[name] = value.clone();
        }
        let error = to_anthropic(&request).unwrap_err();
        assert!(error.malformed, "{}", error.message);
        error.param
    };
    assert_eq!(wrong(&json!({"tools": [tool("")]})), "tools[0].function.name");
    assert_eq!(wrong(&json!({"tools": [tool("f"), tool("f")]})), "tools");
    assert_eq!(wrong(&json!({"tool_choice": "required"})), "tool_choice");
    assert_eq!(wrong(&json!({"tools": [], "tool_choice": "required"})), "tool_choice");
    assert_eq!(wrong(&json!({"tools": [tool("f")], "tool_choice": tool("g")})), "tool_choice");
    let request = json!({"model": "m", "max_tokens": 5, "messages": [user(&json!("hi"))], "tool_choice": {"type": "any"}});
    assert_eq!(to_openai(&request).unwrap_err().param, "tool_choice");
}

#[test]
fn data_is_base64_and_addresses_are_of_the_web() {
    let image =
        |url: &str| json!([user(&json!([{"type": "image_url", "image_url": {"url": url}}]))]);
    for url in ["data:image/png;base64,@@@", "data:image/png;base64,", "file:///etc/passwd"] {
        let place = "messages[0].content[0].image_url.url".to_owned();
        assert_eq!(wrong(&image(url)), (place, true), "{url}");
    }
    for (source, field) in [
        (json!({"type": "url", "url": "file:///etc/passwd"}), "url"),
        (json!({"type": "url", "url": "gopher://a/b"}), "url"),
        (json!({"type": "base64", "media_type": "image/png", "data": "@@@"}), "data"),
    ] {
        let content = json!([{"type": "image", "source": source}]);
        let request = json!({"model": "m", "max_tokens": 5, "messages": [user(&content)]});
        let place = format!("messages[0].content[0].source.{field}");
        assert_eq!(to_openai(&request).unwrap_err().param, place);
    }
}

#[test]
fn numbers_and_lists_are_those_of_the_clients_api() {
    let hi = || json!([user(&json!("hi"))]);
    for (field, value) in [
        ("temperature", json!(1.5)),
        ("temperature", json!(-1)),
        ("top_p", json!(2)),
        ("stop_sequences", json!("x")),
        ("stop_sequences", json!([1])),
    ] {
        let mut request = json!({"model": "m", "max_tokens": 5, "messages": hi()});
        request[field] = value;
        let error = to_openai(&request).unwrap_err();
        assert_eq!((error.param.as_str(), error.malformed), (field, true), "{request}");
    }
    let error = to_anthropic(&json!({"model": "m", "messages": hi(), "temperature": 2.5}));
    assert!(error.unwrap_err().malformed);
    let body = r#"{"model":"m","messages":[{"role":"user","content":"\ud83d"}]}"#;
    let error = super::ClientDialect::read_request(&CHAT, body.as_bytes()).unwrap_err();
    assert!(error.message.contains("stands for no character (line 1, "), "{}", error.message);
}
