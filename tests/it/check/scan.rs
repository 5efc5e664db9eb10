//! Secrets in files.

use crate::support::Ultra;
use std::path::Path;

/// Random-looking, and in pieces, so that no secret-like text stands in this file.
fn value() -> String {
    ["9fK2", "mQx7", "Lw0Z", "tB4v", "Rj8N"].concat()
}

#[test]
fn this_repository_is_clean() {
    let ultra = Ultra::empty();
    let repository = env!("CARGO_MANIFEST_DIR");
    ultra.run(&["check", "scan", repository]).exits(0);
}

#[test]
fn findings_are_placed_and_masked() {
    let ultra = Ultra::empty();
    ultra.write(".gitignore", ".env.local\n");
    ultra.write(".env.local", format!("# mine\nAPI_TOKEN={}\n", value()));
    ultra.write("config/app.yaml", format!("db:\n  password: {}\n", value()));
    ultra.write("src/key.py", format!("KEY = 'ghp_{}'\n", value().repeat(2).split_at(36).0));
    let outcome = ultra.run(&["check", "scan", "-o", "json"]).exits(3);
    assert!(!outcome.stdout.contains(&value()), "a value was shown");
    let document = outcome.json();
    assert_eq!(document["schema"], "ultra.scan/1");
    let places: Vec<(String, u64)> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["file"].as_str().unwrap().to_owned(), f["line"].as_u64().unwrap()))
        .collect();
    let expected = [(".env.local", 2), ("config/app.yaml", 2), ("src/key.py", 1)];
    assert_eq!(places, expected.map(|(file, line)| (file.to_owned(), line)));
    let human = ultra.run(&["check", "scan"]).exits(3).stdout;
    assert!(human.contains(".env.local:2:11") && !human.contains(&value()));
}

#[test]
fn templates_and_references_are_no_secrets() {
    let ultra = Ultra::checkout();
    ultra.write(".env.example", "OPENAI_API_KEY=your-key-here\nJWT_SECRET=change-me-please-1\n");
    ultra.write("compose.yaml", "environment:\n  DB_PASSWORD: ${DB_PASSWORD}\n");
    ultra.run(&["check", "scan"]).exits(0);
}

#[test]
fn a_path_that_is_not_there_ends_with_usage() {
    let ultra = Ultra::empty();
    let outcome = ultra.run(&["check", "scan", "nowhere"]).exits(2);
    assert!(outcome.stderr.contains("nowhere"));
    assert!(!Path::new("nowhere").exists());
}
