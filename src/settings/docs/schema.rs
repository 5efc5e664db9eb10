//! JSON Schema for `profiles/*.yaml`, for editors:
//! `# yaml-language-server: $schema=./profile.schema.json`.
//!
//! Draft 7, because that is what the YAML language server understands best. The schema is help
//! while typing; what counts is `ultra env validate`, which knows more.

use super::words::{need, paragraph};
use crate::settings::catalogue::{self, VarSpec};
use crate::settings::profile::{Gate, Mode, ProviderKind, StreamCommit};
use crate::settings::value::{Kind, Value as _};
use serde_json::{Map, Value, json};

/// A time span as the environment writes it.
const DURATION: &str = "^[0-9]+(ms|s|m|h|d)$";
/// A reference to a secret.
const REFERENCE: &str = "^(vault|file|env):.+$";
/// A name that a variable can have.
const NAME: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
/// A name outside the catalogue: it belongs to the application.
const FOREIGN: &str = "^(?!ULTRA_)[A-Za-z_][A-Za-z0-9_]*$";

/// The text of `profiles/profile.schema.json`.
pub(crate) fn profile_schema() -> String {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Written by `ultra generate` from the declarations in src/settings.",
        "title": "A profile of ultra",
        "description": "A named environment: values, references to secrets, providers, routes and policy.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "extends": {"type": "string", "description": "The profile whose content this one starts from."},
            "protected": {"type": "boolean", "description": "Whether changes to, into, out of or under the profile need a confirmation."},
            "mode": choice("Whether answers come from the mock or from real providers; the same as `ULTRA_MODE` in `vars`.", Mode::KIND),
            "vars": vars(),
            "secrets": secrets(),
            "providers": {
                "type": "object",
                "description": "Providers by name, beside those that variables alone define.",
                "additionalProperties": {"$ref": "#/definitions/provider"},
            },
            "routes": {
                "type": "object",
                "description": "Routes by the model name that a client asks for.",
                "additionalProperties": {"$ref": "#/definitions/route"},
            },
            "policy": policy(),
        },
        "definitions": {
            "duration": {"type": "string", "pattern": DURATION, "description": Kind::Duration.expected()},
            "scalar": {"type": ["string", "number", "boolean"]},
            "reference": {
                "type": "string",
                "pattern": REFERENCE,
                "description": "Where the secret is: `vault:NAME`, `vault:PROFILE/NAME`, `file:PATH` or `env:NAME`. Never the secret itself.",
            },
            "provider": provider(),
            "route": route(),
            "target": target(),
        },
    });
    format!("{schema:#}\n")
}

fn choice(doc: &str, kind: Kind) -> Value {
    match kind {
        Kind::Choice(words) => json!({"enum": words, "description": doc}),
        _ => json!({"description": doc}),
    }
}

/// Plain values: the catalogue's by their kind, secrets never, names of the application as text.
fn vars() -> Value {
    let mut properties = Map::new();
    for spec in catalogue::all().filter(|spec| !spec.bootstrap) {
        let schema = if spec.secret { Value::Bool(false) } else { variable(spec) };
        properties.insert(spec.name.to_owned(), schema);
    }
    json!({
        "type": "object",
        "description": "Values of variables. Secrets go to `secrets`, as references.",
        "properties": properties,
        "patternProperties": {FOREIGN: {"$ref": "#/definitions/scalar"}},
        "additionalProperties": false,
    })
}

fn variable(spec: &VarSpec) -> Value {
    let mut schema = match spec.kind {
        Kind::Boolean => json!({"enum": [true, false, "true", "false"]}),
        Kind::Integer { min, max } => json!({"anyOf": [
            {"type": "integer", "minimum": min, "maximum": max},
            {"type": "string", "pattern": "^[0-9]+$"},
        ]}),
        Kind::Choice(words) => json!({"enum": words}),
        Kind::Port => json!({"anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 65535},
            {"type": "string", "pattern": "^([0-9]+|auto)$"},
        ]}),
        Kind::Duration => json!({"type": "string", "pattern": DURATION}),
        Kind::Size => json!({"anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$"},
        ]}),
        Kind::Url => json!({"type": "string", "pattern": "^https?://."}),
        Kind::Address | Kind::List | Kind::Path => json!({"type": "string"}),
        Kind::Text => json!({"$ref": "#/definitions/scalar"}),
    };
    if let Value::Object(map) = &mut schema {
        // Siblings of `$ref` are passed over in draft 7, so that one is wrapped.
        if map.contains_key("$ref") {
            let inner = Value::Object(std::mem::take(map));
            map.insert("allOf".to_owned(), json!([inner]));
        }
        map.insert("description".to_owned(), json!(describe(spec)));
        if let Some(default) = spec.default {
            map.insert("default".to_owned(), json!(default));
        }
        if let Some(example) = spec.example {
            map.insert("examples".to_owned(), json!([example]));
        }
    }
    schema
}

fn describe(spec: &VarSpec) -> String {
    let mut text = paragraph(spec.doc);
    if let Some(need) = need(spec.need) {
        text.push_str(&format!(" It is {need}."));
    }
    text
}

fn secrets() -> Value {
    let mut properties = Map::new();
    for spec in catalogue::all().filter(|spec| spec.secret && !spec.bootstrap) {
        properties.insert(
            spec.name.to_owned(),
            json!({"allOf": [{"$ref": "#/definitions/reference"}], "description": describe(spec)}),
        );
    }
    json!({
        "type": "object",
        "description": "Where the secrets are, by variable. References only.",
        "properties": properties,
        "patternProperties": {FOREIGN: {"$ref": "#/definitions/reference"}},
        "additionalProperties": false,
    })
}

fn provider() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["kind", "base_url"],
        "properties": {
            "kind": choice("The wire protocol.", ProviderKind::KIND),
            "base_url": {"type": "string", "pattern": "^https?://.", "description": "Base URL as the vendor's SDK writes it: with `/v1` for openai, without a version for all others."},
            "keys": {"type": "array", "items": {"type": "string", "pattern": NAME}, "description": "The variables that hold its keys."},
            "models": {"type": "array", "items": {"type": "string"}, "description": "Models it serves, for routes that nobody declared."},
            "api_version": {"type": "string", "description": "For azure: asks by deployments, with this version of the API."},
            "stream_usage": {"type": "boolean", "description": "Whether it may be asked to count the tokens of a stream (`stream_options`); true if left out."},
            "responses": {"type": "boolean", "description": "For openai: whether it has `/v1/responses`; false has it asked for chat completions instead. True if left out, but for services that are known to lack it."},
            "max_in_flight": {"type": "integer", "minimum": 1, "description": "Requests that it is asked at a time, over all its models; as many as the server works on if left out."},
        },
    })
}

fn route() -> Value {
    let duration = json!({"$ref": "#/definitions/duration"});
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["targets"],
        "properties": {
            "targets": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/target"}, "description": "What answers, in order of preference."},
            "timeouts": {
                "type": "object",
                "additionalProperties": false,
                "description": "Time-outs that differ from the server's.",
                "properties": {"connect": duration, "headers": duration, "first_event": duration, "stall": duration, "total": duration},
            },
            "stream_commit": choice("When the answer to a request for a stream begins.", StreamCommit::KIND),
            "cache": {
                "type": "object",
                "additionalProperties": false,
                "required": ["ttl"],
                "description": "Keeps answers to requests that ask for determinism, for whoever asks the same again.",
                "properties": {"ttl": duration},
            },
            "requests_per_minute": {"type": "integer", "minimum": 1, "description": "Over all clients."},
        },
    })
}

fn target() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["provider", "model"],
        "properties": {
            "provider": {"type": "string", "description": "The provider, by name."},
            "model": {"type": "string", "description": "The model's name there."},
            "weight": {"type": "integer", "minimum": 1, "description": "Share of the requests that ask this target first; 1 where only others of the route have one. Without any weight, targets are asked in their order."},
            "context": {"type": "integer", "minimum": 1, "description": "Tokens of a conversation that it takes: one that is too long for another target is asked only of those that take more."},
            "max_in_flight": {"type": "integer", "minimum": 1, "description": "Requests that it is asked at a time; fewer while it says that it has too much to do."},
        },
    })
}

fn policy() -> Value {
    let duration = json!({"$ref": "#/definitions/duration"});
    let gate = match Gate::KIND {
        Kind::Choice(words) => json!({"enum": words}),
        _ => Value::Bool(true),
    };
    json!({
        "type": "object",
        "additionalProperties": false,
        "description": "What the profile demands.",
        "properties": {
            "require_postgres": {"type": "boolean", "description": "Whether SQLite is an error."},
            "gates": {"type": "array", "items": gate, "description": "The gates at which a failing check means `not-ready`."},
            "key_max_age": {
                "type": "object",
                "additionalProperties": false,
                "description": "Greatest age of keys, by kind; a warning is due at 80 %.",
                "properties": {"jwt": duration, "encryption": duration, "provider": duration, "service": duration},
            },
            "requests_per_minute": {"type": "integer", "minimum": 1, "description": "Per service key, where the key has no limit of its own."},
        },
    })
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
