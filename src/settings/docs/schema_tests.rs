//! Tests of the schema, and of `docs/profiles.md` against it.

use super::*;
use crate::settings::profile::Policy;
use crate::settings::profile_file::Document;
use std::path::Path;

#[test]
fn every_variable_of_profiles_is_known_and_secrets_are_references_only() {
    let schema: Value = serde_json::from_str(&profile_schema()).unwrap();
    let vars = &schema["properties"]["vars"]["properties"];
    let secrets = &schema["properties"]["secrets"]["properties"];
    for spec in catalogue::all() {
        match (spec.bootstrap, spec.secret) {
            (true, _) => assert!(vars.get(spec.name).is_none(), "{}", spec.name),
            (false, true) => {
                assert_eq!(vars[spec.name], Value::Bool(false), "{}", spec.name);
                assert!(secrets[spec.name].is_object(), "{}", spec.name);
            }
            (false, false) => assert!(vars[spec.name].is_object(), "{}", spec.name),
        }
    }
}

/// A profile that uses everything there is.
const EVERYTHING: &str = r#"
extends: prod
protected: true
mode: real
vars: {ULTRA_PORT: 8000, MINE: text}
secrets: {ACME_KEY: vault:acme}
providers:
  acme: {kind: openai, base_url: https://acme.example/v1, keys: [ACME_KEY], models: [m], stream_usage: false, responses: false, max_in_flight: 3}
  azure: {kind: azure, base_url: https://acme.example, api_version: "2024-10-21"}
routes:
  m:
    targets: [{provider: acme, model: m, weight: 2, context: 9, max_in_flight: 4}]
    timeouts: {connect: 1s, headers: 2s, first_event: 2s, stall: 3s, total: 4s}
    stream_commit: complete
    cache: {ttl: 10m}
    requests_per_minute: 5
policy:
  require_postgres: true
  gates: [P0]
  key_max_age: {jwt: 1d, encryption: 2d, provider: 3d, service: 4d}
  requests_per_minute: 6
"#;

#[test]
fn the_schema_names_what_the_reader_reads_and_no_more() {
    fn keys(value: &Value, found: &mut Vec<String>) {
        if let Some(Value::Object(properties)) = value.get("properties") {
            for (name, inner) in properties {
                found.push(name.clone());
                // Variables are another matter.
                if name != "vars" && name != "secrets" {
                    keys(inner, found);
                }
            }
        }
    }
    let mut problems = Vec::new();
    Document::parse(Path::new("everything.yaml"), EVERYTHING, &mut problems).unwrap();
    assert_eq!(problems, []);
    let schema: Value = serde_json::from_str(&profile_schema()).unwrap();
    let mut found = Vec::new();
    keys(&schema, &mut found);
    for definition in schema["definitions"].as_object().unwrap().values() {
        keys(definition, &mut found);
        if let Some(timeouts) = definition.pointer("/properties/timeouts") {
            keys(timeouts, &mut found);
        }
    }
    for name in &found {
        assert!(EVERYTHING.contains(&format!("{name}:")), "{name} is not in the sample");
    }
    assert!(found.len() > 20, "{found:?}");
}

/// The lines of `docs/profiles.md` from a heading to the next one.
fn section<'a>(document: &'a str, heading: &str) -> Vec<&'a str> {
    let from = document.lines().skip_while(|line| *line != heading).skip(1);
    from.take_while(|line| !line.starts_with('#')).collect()
}

/// What `docs/profiles.md` fails to say of the keys of an object, and those within them.
fn undocumented(schema: &Value, at: &str, lines: &[&str], missing: &mut Vec<String>) {
    let object = schema.pointer(at).unwrap();
    for (key, inner) in object["properties"].as_object().unwrap() {
        let row = lines.iter().find(|line| line.starts_with(&format!("| `{key}` |")));
        // Keys of inner objects stand in the row of theirs.
        let said = row.copied().map_or_else(|| lines.join("\n"), str::to_owned);
        let mut want = |text: String| {
            if !said.contains(&text) {
                missing.push(format!("{at}/{key}: {text}"));
            }
        };
        want(format!("`{key}`"));
        for choices in [&inner["enum"], &inner["items"]["enum"]] {
            for word in choices.as_array().into_iter().flatten() {
                want(format!("`{}`", word.as_str().unwrap()));
            }
        }
        if let Some(least) = inner["minimum"].as_u64() {
            want(format!("from {least}"));
        }
        if let Some(default) = inner["default"].as_str() {
            want(format!("`{default}`"));
        }
        let required = object["required"].as_array();
        if row.is_some() && required.is_some_and(|r| r.contains(&json!(key))) {
            want("| required |".to_owned());
        }
        if inner["type"] == "boolean" {
            want("| boolean |".to_owned());
        }
        let variables = ["vars", "secrets"].contains(&key.as_str());
        if inner["properties"].is_object() && !variables && !at.is_empty() {
            undocumented(schema, &format!("{at}/properties/{key}"), lines, missing);
        }
    }
}

#[test]
fn the_document_on_profiles_names_every_key() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/profiles.md")).unwrap();
    let schema: Value = serde_json::from_str(&profile_schema()).unwrap();
    let mut missing = Vec::new();
    for (at, heading) in [
        ("", "# Profiles: every key"),
        ("/definitions/provider", "## A provider"),
        ("/definitions/route", "## A route"),
        ("/definitions/target", "## A route"),
        ("/properties/policy", "## The policy"),
    ] {
        let lines = section(&document, heading);
        undocumented(&schema, at, &lines, &mut missing);
        let properties = schema.pointer(at).unwrap()["properties"].as_object().unwrap();
        for line in lines.iter().filter_map(|line| line.strip_prefix("| `")) {
            let key = line.split('`').next().unwrap();
            if !properties.contains_key(key) && at != "/definitions/target" {
                missing.push(format!("{at}/{key} in the schema"));
            }
        }
    }
    let units = DURATION.split(['(', ')']).nth(1).unwrap();
    let policy = Policy::default();
    let ages = policy.key_max_age;
    let days = [ages.jwt, ages.encryption, ages.provider, ages.service]
        .map(|age| format!("`{}d`", age.as_secs() / 86_400));
    let gates = json!(policy.gates).to_string().replace('"', "");
    for text in [
        units.replace('|', "`, `"),
        format!("| {} |", days.join(", ")),
        format!("| `{gates}` |"),
        format!("| `require_postgres` | boolean | `{}` |", policy.require_postgres),
        "\n# yaml-language-server: $schema=./profile.schema.json\n".to_owned(),
    ] {
        if !document.replace("` and `", "`, `").contains(&text) {
            missing.push(text);
        }
    }
    assert!(missing.is_empty(), "docs/profiles.md lacks:\n{}", missing.join("\n"));
}

#[test]
fn a_key_that_the_document_lacks_is_found() {
    let schema: Value = serde_json::from_str(&profile_schema()).unwrap();
    let lines = ["| `requests_per_minute` | number | no limit |", "| `targets` | `provider` |"];
    let mut missing = Vec::new();
    undocumented(&schema, "/definitions/route", &lines, &mut missing);
    for wanted in [
        "/definitions/route/requests_per_minute: from 1",
        "/definitions/route/targets: | required |",
        "/definitions/route/timeouts: `timeouts`",
        "/definitions/route/properties/timeouts/stall: `stall`",
    ] {
        assert!(missing.contains(&wanted.to_owned()), "{wanted}: {missing:?}");
    }
}

#[test]
fn every_reference_of_the_schema_has_its_definition() {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(target)) = map.get("$ref") {
                    found.push(target.clone());
                }
                map.values().for_each(|v| walk(v, found));
            }
            Value::Array(items) => items.iter().for_each(|v| walk(v, found)),
            _ => {}
        }
    }
    let schema: Value = serde_json::from_str(&profile_schema()).unwrap();
    let mut found = Vec::new();
    walk(&schema, &mut found);
    assert!(!found.is_empty());
    for target in found {
        assert!(schema.pointer(target.trim_start_matches('#')).is_some(), "{target}");
    }
}
