//! Responses: the object, and the events of a stream. Nothing is stored, whatever `store` says.

use super::{Choice, Draft, Piece};
use bytes::Bytes;
use serde_json::{Value, json};

/// What of a request its response repeats, and as what where the request does not have it.
fn repeated(request: &Value) -> impl Iterator<Item = (&'static str, Value)> {
    [
        ("background", json!(false)),
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("previous_response_id", Value::Null),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("temperature", json!(1.0)),
        ("text", json!({"format": {"type": "text"}})),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("top_p", json!(1.0)),
        ("truncation", json!("disabled")),
        ("user", Value::Null),
    ]
    .into_iter()
    .map(|(name, usual)| (name, request.get(name).cloned().unwrap_or(usual)))
}

/// The object, with what is there of it: `output` is `None` before there is anything.
fn response(draft: &Draft, request: &Value, output: Option<&Value>) -> Value {
    let cut = draft.choices.iter().any(|choice| choice.cut);
    let (status, details) = match (output, cut) {
        (None, _) => ("in_progress", Value::Null),
        (Some(_), false) => ("completed", Value::Null),
        (Some(_), true) => ("incomplete", json!({"reason": "max_output_tokens"})),
    };
    let usage = output.map(|_| {
        json!({
            "input_tokens": draft.input,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": draft.output(),
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": draft.input + draft.output(),
        })
    });
    let mut object = json!({
        "id": format!("resp_{}", draft.digest.id()),
        "object": "response",
        "created_at": draft.created(),
        "status": status,
        "error": null,
        "incomplete_details": details,
        "model": draft.model,
        "output": output.cloned().unwrap_or_else(|| json!([])),
        "store": false,
        "usage": usage,
    });
    if let Some(map) = object.as_object_mut() {
        map.extend(repeated(request).map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

fn status(choice: &Choice) -> &'static str {
    if choice.cut { "incomplete" } else { "completed" }
}

fn item_id(draft: &Draft, choice: &Choice) -> String {
    let kind = if choice.call.is_some() { "fc" } else { "msg" };
    format!("{kind}_{}", draft.digest.id())
}

/// The one item of the output: a message or a call, with so much of its text.
fn item(draft: &Draft, choice: &Choice, status: &str, text: Option<&str>) -> Value {
    let id = item_id(draft, choice);
    match &choice.call {
        None => json!({
            "id": id,
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": text.map(part).into_iter().collect::<Vec<Value>>(),
        }),
        Some((name, call)) => json!({
            "id": id,
            "type": "function_call",
            "status": status,
            "call_id": format!("call_{call}"),
            "name": name,
            "arguments": text.unwrap_or_default(),
        }),
    }
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

/// The whole answer.
pub(super) fn plain(draft: &Draft, request: &Value) -> Bytes {
    let items = draft
        .choices
        .iter()
        .map(|choice| item(draft, choice, status(choice), Some(&choice.words.concat())));
    let output = Value::Array(items.collect());
    Bytes::from(response(draft, request, Some(&output)).to_string())
}

/// The events of a stream, which are numbered.
struct Events(Vec<Piece>);

impl Events {
    fn push(&mut self, kind: &str, mut data: Value, output: u64) {
        if let Some(map) = data.as_object_mut() {
            map.shift_insert(0, "type".to_owned(), Value::from(kind));
            map.insert("sequence_number".to_owned(), Value::from(self.0.len()));
        }
        let bytes = Bytes::from(format!("event: {kind}\ndata: {data}\n\n"));
        self.0.push(Piece { bytes, output });
    }
}

/// The events of a stream: what was asked, an item that grows, the whole response.
pub(super) fn stream(draft: &Draft, request: &Value) -> Vec<Piece> {
    let mut events = Events(Vec::new());
    let begun = response(draft, request, None);
    events.push("response.created", json!({"response": begun}), 0);
    events.push("response.in_progress", json!({"response": begun}), 0);
    let mut output = Vec::new();
    for choice in &draft.choices {
        let (id, index) = (item_id(draft, choice), output.len());
        let text = choice.words.concat();
        let added = item(draft, choice, "in_progress", None);
        events.push("response.output_item.added", json!({"output_index": index, "item": added}), 0);
        let at = |mut data: Value| {
            if let Some(map) = data.as_object_mut() {
                map.insert("item_id".to_owned(), Value::from(id.as_str()));
                map.insert("output_index".to_owned(), Value::from(index));
                if choice.call.is_none() {
                    map.insert("content_index".to_owned(), Value::from(0));
                }
            }
            data
        };
        if let Some((name, _)) = &choice.call {
            for word in &choice.words {
                let delta = at(json!({"delta": word}));
                events.push("response.function_call_arguments.delta", delta, 1);
            }
            let done = at(json!({"arguments": text, "name": name}));
            events.push("response.function_call_arguments.done", done, 0);
        } else {
            events.push("response.content_part.added", at(json!({"part": part("")})), 0);
            for word in &choice.words {
                let delta = at(json!({"delta": word, "logprobs": []}));
                events.push("response.output_text.delta", delta, 1);
            }
            let done = at(json!({"text": text, "logprobs": []}));
            events.push("response.output_text.done", done, 0);
            events.push("response.content_part.done", at(json!({"part": part(&text)})), 0);
        }
        let done = item(draft, choice, status(choice), Some(&text));
        events.push("response.output_item.done", json!({"output_index": index, "item": done}), 0);
        output.push(done);
    }
    let cut = draft.choices.iter().any(|choice| choice.cut);
    let kind = if cut { "response.incomplete" } else { "response.completed" };
    let whole = response(draft, request, Some(&Value::Array(output)));
    events.push(kind, json!({"response": whole}), 0);
    events.0
}
