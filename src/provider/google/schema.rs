//! JSON Schema, as far as Gemini follows it.
//!
//! The API takes JSON Schema in `parametersJsonSchema` and `responseJsonSchema` and follows a part
//! of it (<https://ai.google.dev/api/generate-content#FIELDS.response_json_schema>). What it does
//! not know is left out or said another way: some of it would be refused, and none of it would be
//! followed.

use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// What Gemini follows, beside the words that hold further schemas.
const PLAIN: &[&str] = &[
    "$anchor",
    "$id",
    "$ref",
    "description",
    "enum",
    "format",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "nullable",
    "propertyOrdering",
    "required",
    "title",
    "type",
];

/// Deeper than bodies of clients may nest.
const DEEPEST: usize = 130;

/// The schema in the words that Gemini knows.
pub(super) fn for_google(schema: &Value) -> Value {
    cleaned(schema, 0)
}

fn cleaned(schema: &Value, depth: usize) -> Value {
    let Value::Object(fields) = schema else {
        // `true` is any value; `false` would be none, which Gemini cannot say.
        return json!({});
    };
    if depth > DEEPEST {
        return json!({});
    }
    let mut out = Map::new();
    for (word, value) in fields {
        match (word.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                let named = named.iter().map(|(n, schema)| (n.clone(), cleaned(schema, depth + 1)));
                let word = if word == "definitions" { "$defs" } else { word };
                out.insert(word.to_owned(), Value::Object(named.collect()));
            }
            ("anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
                let schemas = schemas.iter().map(|schema| cleaned(schema, depth + 1)).collect();
                out.insert(word.clone(), Value::Array(schemas));
            }
            ("items", _) => {
                out.insert(word.clone(), cleaned(value, depth + 1));
            }
            ("additionalProperties", Value::Bool(_)) => {
                out.insert(word.clone(), value.clone());
            }
            ("additionalProperties", _) => {
                out.insert(word.clone(), cleaned(value, depth + 1));
            }
            ("const", value) => {
                out.entry("enum").or_insert_with(|| json!([value]));
            }
            ("exclusiveMinimum", Value::Number(_)) => {
                out.entry("minimum").or_insert_with(|| value.clone());
            }
            ("exclusiveMaximum", Value::Number(_)) => {
                out.entry("maximum").or_insert_with(|| value.clone());
            }
            ("$ref", Value::String(to)) => {
                let to = to.replacen("#/definitions/", "#/$defs/", 1);
                out.insert(word.clone(), Value::String(to));
            }
            (plain, _) if PLAIN.contains(&plain) => {
                out.insert(word.clone(), value.clone());
            }
            _ => {}
        }
    }
    if let Some(Value::Array(all)) = fields.get("allOf") {
        let listed = out.get("required").and_then(Value::as_array);
        let mut required = listed.into_iter().flatten().cloned().collect();
        for part in all {
            merge(&mut out, cleaned(part, depth + 1), &mut required);
        }
    }
    Value::Object(out)
}

/// What both demand: properties and names of required ones are put together, of the rest the first
/// stays. `required` is what `into` requires already: to look for each name in the list would take
/// the square of what a client sends.
fn merge(into: &mut Map<String, Value>, part: Value, required: &mut HashSet<Value>) {
    let Value::Object(part) = part else { return };
    for (word, value) in part {
        let value = match value {
            Value::Array(mut names) if word == "required" => {
                names.retain(|name| required.insert(name.clone()));
                if let Some(Value::Array(have)) = into.get_mut(&word) {
                    have.append(&mut names);
                    continue;
                }
                Value::Array(names)
            }
            other => other,
        };
        match (into.get_mut(&word), value) {
            (Some(Value::Object(have)), Value::Object(more)) if word == "properties" => {
                for (name, schema) in more {
                    have.entry(name).or_insert(schema);
                }
            }
            (Some(_), _) => {}
            (None, value) => {
                into.insert(word, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gemini_does_not_know_is_left_out_or_said_another_way() {
        for (schema, sent) in [
            (json!(true), json!({})),
            (
                json!({"$schema": "x", "type": "object", "properties": {
                    "a": {"type": "string", "pattern": "^x", "minLength": 1, "format": "date"},
                    "pattern": {"const": "one"},
                    "n": {"type": "integer", "exclusiveMinimum": 0, "default": 3},
                }, "required": ["a"], "additionalProperties": false}),
                json!({"type": "object", "properties": {
                    "a": {"type": "string", "format": "date"},
                    "pattern": {"enum": ["one"]},
                    "n": {"type": "integer", "minimum": 0},
                }, "required": ["a"], "additionalProperties": false}),
            ),
            (
                json!({"definitions": {"p": {"type": ["string", "null"]}}, "items": {"$ref": "#/definitions/p"}}),
                json!({"$defs": {"p": {"type": ["string", "null"]}}, "items": {"$ref": "#/$defs/p"}}),
            ),
            (
                json!({"anyOf": [{"not": {}}, {"type": "null"}]}),
                json!({"anyOf": [{}, {"type": "null"}]}),
            ),
            (
                json!({"type": "object", "properties": {"a": {}}, "required": ["a"], "allOf": [
                    {"properties": {"a": {"type": "string"}, "b": {"type": "null"}}, "required": ["a", "b"]},
                    {"description": "d"},
                ]}),
                json!({"type": "object", "properties": {"a": {}, "b": {"type": "null"}}, "required": ["a", "b"], "description": "d"}),
            ),
        ] {
            assert_eq!(for_google(&schema), sent, "{schema}");
        }
    }

    #[test]
    fn many_required_names_are_put_together_at_once() {
        const NAMES: u32 = 200_000;
        let names = |from: u32| (from..from + NAMES / 2).map(|n| format!("n{n}")).collect();
        let (first, second): (Vec<String>, Vec<String>) = (names(0), names(NAMES / 2));
        let whole =
            json!({"required": first, "allOf": [{"required": second}, {"required": first}]});
        // The same, a name to a part.
        let apart: Vec<Value> =
            first.iter().chain(&second).map(|name| json!({"required": [name]})).collect();
        for schema in [whole, json!({ "allOf": apart })] {
            let required = for_google(&schema)["required"].take();
            let all: Vec<&String> = first.iter().chain(&second).collect();
            assert!(required == json!(all), "{:?}", required.as_array().map(Vec::len));
        }
    }

    #[test]
    fn a_schema_that_nests_too_deeply_ends_somewhere() {
        let mut schema = json!({"type": "string"});
        for _ in 0..1000 {
            schema = json!({"items": schema});
        }
        let text = for_google(&schema).to_string();
        assert!(text.len() < 10 * (DEEPEST + 3), "{}", text.len());
        // Dropped without recursion, as the test's own value is deep.
        while let Some(inner) = schema.get_mut("items").map(Value::take) {
            schema = inner;
        }
    }
}
