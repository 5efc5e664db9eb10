//! Calls of tools: which one a request forces, and arguments that fit its schema.

use super::super::envelope::Malformed;
use super::super::wire::{Endpoint, Family};
use super::text::Digest;
use serde_json::{Map, Value, json};

/// A tool that is called.
pub(super) struct Tool<'a> {
    name: &'a str,
    schema: &'a Value,
}

/// A call.
pub(super) struct Call {
    /// What it is called by.
    pub(super) name: String,
    /// The end of its id; each family writes its own beginning.
    pub(super) id: String,
    /// The arguments, a JSON object, cut into pieces as a stream has them.
    pub(super) fragments: Vec<String>,
}

/// The characters of arguments that make up a token.
const FRAGMENT: usize = 8;

/// Deeper schemas get nothing more.
const DEEPEST: usize = 6;

fn tools(endpoint: Endpoint, request: &Value) -> impl Iterator<Item = Tool<'_>> {
    let list = request.get("tools").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(move |tool| {
        let (tool, schema) = match endpoint {
            Endpoint::Responses if tool.get("type")? != "function" => return None,
            Endpoint::Responses => (tool, "parameters"),
            _ if endpoint.family() == Family::Anthropic => (tool, "input_schema"),
            _ => (tool.get("function")?, "parameters"),
        };
        let schema = tool.get(schema).unwrap_or(&Value::Null);
        Some(Tool { name: tool.get("name")?.as_str()?, schema })
    })
}

/// Whether the conversation ends with what a tool has said.
fn ends_with_result(request: &Value) -> bool {
    let all = request.get("messages").or_else(|| request.get("input"));
    let last = all.and_then(|m| m.as_array()?.last());
    let Some(last) = last else { return false };
    let results = |content: &Value| {
        content.as_array().is_some_and(|parts| parts.iter().any(|p| p["type"] == "tool_result"))
    };
    last["role"] == "tool"
        || last["type"] == "function_call_output"
        || last.get("content").is_some_and(results)
}

/// The tool to be called: the one that `tool_choice` forces; where `eager`, the first one even if
/// nothing forces it, until it has been called.
///
/// # Errors
/// `tool_choice` forces a tool that there is not.
pub(super) fn wanted(
    endpoint: Endpoint,
    request: &Value,
    eager: bool,
) -> Result<Option<Tool<'_>>, Malformed> {
    let Some(choice) = request.get("tool_choice").or(eager.then_some(&Value::Null)) else {
        return Ok(None);
    };
    let kind = choice.as_str().or_else(|| choice.get("type")?.as_str()).unwrap_or("auto");
    let name = match endpoint {
        Endpoint::ChatCompletions => choice.pointer("/function/name"),
        _ => choice.get("name"),
    };
    let none =
        |message: &str| Malformed { param: Some("tool_choice"), message: message.to_owned() };
    match (kind, name.and_then(Value::as_str)) {
        ("required" | "any", _) => {
            let first = tools(endpoint, request).next();
            first.map(Some).ok_or_else(|| none("`tool_choice` forces a tool, and `tools` has none"))
        }
        ("function" | "tool", Some(name)) => {
            let named = tools(endpoint, request).find(|tool| tool.name == name);
            named.map(Some).ok_or_else(|| none("`tool_choice` names a tool that `tools` lacks"))
        }
        ("none", _) => Ok(None),
        _ if eager && !ends_with_result(request) => Ok(tools(endpoint, request).next()),
        _ => Ok(None),
    }
}

/// The call of a tool in answer number `index`.
pub(super) fn call(tool: &Tool<'_>, digest: &Digest, index: u64) -> Call {
    let mut example = Example { digest, next: (index + 1) << 32 };
    let arguments = match example.of(tool.schema, 0) {
        Value::Object(arguments) => Value::Object(arguments),
        _ => json!({}),
    };
    let text: Vec<char> = arguments.to_string().chars().collect();
    Call {
        name: tool.name.to_owned(),
        id: format!("{:016x}{index:02x}", digest.number(1 << 48 | index)),
        fragments: text.chunks(FRAGMENT).map(|piece| piece.iter().collect()).collect(),
    }
}

/// Values that fit a schema.
struct Example<'a> {
    digest: &'a Digest,
    next: u64,
}

impl Example<'_> {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.digest.number(self.next)
    }

    fn pick<'v>(&mut self, values: &'v [Value]) -> Option<&'v Value> {
        let at = self.number() % super::count(values.len()).max(1);
        values.get(usize::try_from(at).ok()?)
    }

    fn of(&mut self, schema: &Value, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(value) = schema.get("enum").and_then(|e| self.pick(e.as_array()?).cloned()) {
            return value;
        }
        for several in ["anyOf", "oneOf", "allOf"] {
            if let Some(first) = schema.get(several).and_then(|s| s.as_array()?.first()) {
                return self.of(first, depth + 1);
            }
        }
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).find(|k| *k != "null").unwrap_or("null")
            }
            _ if schema.get("properties").is_some() => "object",
            _ => "string",
        };
        match kind {
            "object" => {
                let properties = schema.get("properties").and_then(Value::as_object);
                let properties = properties.into_iter().flatten();
                let fields = properties.map(|(n, s)| (n.clone(), self.of(s, depth + 1)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            "array" => {
                let item = schema.get("items").map(|items| self.of(items, depth + 1));
                Value::Array(item.into_iter().collect())
            }
            "integer" | "number" => {
                let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
                let least =
                    bound("minimum").unwrap_or_else(|| 1.min(bound("maximum").unwrap_or(1)));
                let most = bound("maximum").unwrap_or_else(|| least.saturating_add(99)).max(least);
                let span = most.abs_diff(least).saturating_add(1);
                let more = i64::try_from(self.number() % span).unwrap_or(0);
                Value::from(least.saturating_add(more))
            }
            "boolean" => Value::from(self.number().is_multiple_of(2)),
            "null" => Value::Null,
            _ => Value::from(match schema.get("format").and_then(Value::as_str) {
                Some("date") => "2023-11-14",
                Some("date-time") => "2023-11-14T22:13:20Z",
                Some("uri") => "https://example.com/",
                Some("email") => "someone@example.com",
                Some("uuid") => "00000000-0000-4000-8000-000000000000",
                _ => super::text::word(self.number()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_fit_the_schema_and_come_again() {
        let schema = json!({"type": "object", "properties": {
            "city": {"type": "string"},
            "unit": {"enum": ["c", "f"]},
            "days": {"type": "integer", "minimum": 3, "maximum": 5},
            "at": {"type": ["null", "string"], "format": "date"},
            "tags": {"type": "array", "items": {"type": "boolean"}},
            "inner": {"properties": {"deep": {"const": 7}}},
        }});
        let digest = Digest::of(&[&Value::Null]);
        let tool = Tool { name: "weather", schema: &schema };
        let text = call(&tool, &digest, 0).fragments.concat();
        assert_eq!(text, call(&tool, &digest, 0).fragments.concat());
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(!value["city"].as_str().unwrap().is_empty(), "{value}");
        assert!(value["unit"] == "c" || value["unit"] == "f", "{value}");
        assert!((3..=5).contains(&value["days"].as_i64().unwrap()), "{value}");
        assert_eq!(value["at"], "2023-11-14");
        assert!(value["tags"][0].is_boolean(), "{value}");
        assert_eq!(value["inner"]["deep"], 7);
    }

    #[test]
    fn a_schema_without_an_end_has_one() {
        let mut schema = json!({"type": "string"});
        for _ in 0..40 {
            schema = json!({"type": "object", "properties": {"x": schema}});
        }
        let tool = Tool { name: "deep", schema: &schema };
        let text = call(&tool, &Digest::of(&[]), 0).fragments.concat();
        assert!(text.len() < 100, "{text}");
    }

    #[test]
    fn a_tool_is_called_when_it_is_forced() {
        let named = |request: &Value, eager| {
            let tool = wanted(Endpoint::ChatCompletions, request, eager).map_err(|e| e.message)?;
            Ok::<_, String>(tool.map(|tool| tool.name.to_owned()))
        };
        let tools = json!([{"type": "function", "function": {"name": "a"}}, {"type": "function", "function": {"name": "b"}}]);
        let ask = |choice: Value| json!({"tools": tools, "tool_choice": choice, "messages": [{"role": "user"}]});
        assert_eq!(named(&ask(json!("required")), false).unwrap().as_deref(), Some("a"));
        let b = json!({"type": "function", "function": {"name": "b"}});
        assert_eq!(named(&ask(b), false).unwrap().as_deref(), Some("b"));
        let c = json!({"type": "function", "function": {"name": "c"}});
        assert!(named(&ask(c), false).is_err());
        assert_eq!(named(&ask(json!("auto")), false).unwrap(), None);
        assert_eq!(named(&ask(json!("auto")), true).unwrap().as_deref(), Some("a"));
        assert_eq!(named(&ask(json!("none")), true).unwrap(), None);
        let told = json!({"tools": tools, "messages": [{"role": "tool", "content": "x"}]});
        assert_eq!(named(&told, true).unwrap(), None);
    }
}
