//! Calls of tools in both families, plain and in fragments.

use super::{BOTH, Family, Mock, conversation, events};
use serde_json::{Value, json};

/// A request with a tool, and what chooses it.
fn request(family: Family, model: &str, stream: bool, forced: bool) -> Value {
    let schema = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["city", "days"],
    });
    let mut body = conversation(model, stream);
    let (tool, choice) = match family {
        Family::OpenAi => (
            json!({"type": "function", "function": {"name": "forecast", "parameters": schema}}),
            json!({"type": "function", "function": {"name": "forecast"}}),
        ),
        Family::Anthropic => (
            json!({"name": "forecast", "input_schema": schema}),
            json!({"type": "tool", "name": "forecast"}),
        ),
    };
    body["tools"] = json!([tool]);
    if forced {
        body["tool_choice"] = choice;
    }
    body
}

/// The name, the arguments and the reason of the end in a whole answer.
fn called(family: Family, answer: &Value) -> (Value, Value, Value) {
    match family {
        Family::OpenAi => {
            let choice = &answer["choices"][0];
            let call = &choice["message"]["tool_calls"][0];
            assert!(call["id"].as_str().unwrap().starts_with("call_"), "{answer}");
            assert_eq!(choice["message"]["content"], Value::Null);
            let arguments = call["function"]["arguments"].as_str().unwrap();
            let arguments = serde_json::from_str(arguments).unwrap();
            (call["function"]["name"].clone(), arguments, choice["finish_reason"].clone())
        }
        Family::Anthropic => {
            let block = &answer["content"][0];
            assert_eq!(block["type"], "tool_use");
            assert!(block["id"].as_str().unwrap().starts_with("toolu_"), "{answer}");
            (block["name"].clone(), block["input"].clone(), answer["stop_reason"].clone())
        }
    }
}

/// The same of a stream, and in how many fragments the arguments came.
fn streamed(family: Family, events: &[Value]) -> (Value, Value, Value, usize) {
    let (name, fragment, reason) = match family {
        Family::OpenAi => (
            "/choices/0/delta/tool_calls/0/function/name",
            "/choices/0/delta/tool_calls/0/function/arguments",
            "/choices/0/finish_reason",
        ),
        Family::Anthropic => ("/content_block/name", "/delta/partial_json", "/delta/stop_reason"),
    };
    let all = |at: &str| {
        let found = events.iter().filter_map(|event| event.pointer(at)).filter(|v| !v.is_null());
        found.cloned().collect::<Vec<Value>>()
    };
    let fragments = all(fragment);
    let arguments: String = fragments.iter().filter_map(Value::as_str).collect();
    let arguments = serde_json::from_str(&arguments).unwrap();
    (all(name)[0].clone(), arguments, all(reason)[0].clone(), fragments.len())
}

#[test]
fn a_forced_tool_is_called_with_arguments_that_fit() {
    let mock = Mock::start();
    for family in BOTH {
        for (model, forced) in [("mock-chat", true), ("mock-tool-call", false)] {
            let plain = mock.send(family, &request(family, model, false, forced)).is(200).json();
            let (name, arguments, reason) = called(family, &plain);
            assert_eq!(name, "forecast");
            assert!(arguments["city"].is_string(), "{arguments}");
            assert!((1..=5).contains(&arguments["days"].as_i64().unwrap()), "{arguments}");
            let wanted = match family {
                Family::OpenAi => "tool_calls",
                Family::Anthropic => "tool_use",
            };
            assert_eq!(reason, wanted);

            let answer = mock.send(family, &request(family, model, true, forced)).is(200);
            let text = answer.text();
            assert!(family.is_finished(&text), "{text}");
            let (streamed_name, streamed_arguments, reason, fragments) =
                streamed(family, &events(&text));
            assert_eq!((streamed_name, streamed_arguments), (name, arguments));
            assert_eq!(reason, wanted);
            assert!(fragments > 2, "{text}");
            assert_eq!(mock.row(&answer).output, family.tokens(&plain).1);
        }
    }
}

#[test]
fn a_tool_that_nothing_forces_is_not_called_and_one_that_is_not_there_is_refused() {
    let mock = Mock::start();
    for family in BOTH {
        let plain = mock.send(family, &request(family, "mock-chat", false, false)).is(200).json();
        assert!(!family.text(&plain).is_empty());
        // Without tools there is nothing to call.
        let plain = mock.ask(family, "mock-tool-call", false).is(200).json();
        assert!(!family.text(&plain).is_empty());
        let mut body = request(family, "mock-chat", false, true);
        body["tools"] = json!([]);
        let error = mock.send(family, &body).is(400).json();
        assert!(error["error"]["message"].as_str().unwrap().contains("tool_choice"), "{error}");
    }
}

#[test]
fn after_the_tools_result_the_conversation_goes_on_in_words() {
    let mock = Mock::start();
    for family in BOTH {
        let mut body = request(family, "mock-tool-call", false, false);
        let result = match family {
            Family::OpenAi => json!({"role": "tool", "tool_call_id": "call_1", "content": "sunny"}),
            Family::Anthropic => json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}
            ]}),
        };
        body["messages"] = json!([{"role": "user", "content": "weather?"}, result]);
        let plain = mock.send(family, &body).is(200).json();
        assert!(!family.text(&plain).is_empty());
    }
}
