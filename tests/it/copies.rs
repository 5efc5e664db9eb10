//! Where the value of a secret leaves its type: every plain copy is known, and none is a field that
//! lives on.

use regex::Regex;
use std::path::{Path, PathBuf};

/// Files that make a plain copy of a value, with the reason.
const COPIES: &[(&str, &str)] = &[
    ("app/child.rs", "only its length is told"),
    ("commands/auth/rotate.rs", "a new key is shown once"),
    ("commands/auth/service_key.rs", "a new key is shown once"),
    ("commands/auth/token.rs", "a new token is shown once"),
    ("commands/env/run.rs", "a child is given its environment"),
    ("commands/keys/show.rs", "`--reveal` on a terminal"),
    ("provider/admin/openai.rs", "a header, in a secret of its own"),
    ("provider/openai/mod.rs", "a header, wiped when it is made"),
    ("secrets/backend/passphrase.rs", "the secret type of `age`, which is wiped"),
    ("secrets/crypto.rs", "a line of a file, in a secret of its own"),
    ("secrets/followed.rs", "the key of fingerprints, on its way into a seal and out of it"),
    ("serve/auth/dev_key.rs", "the file of the developer's key"),
    ("settings/compare/judge.rs", "only its length, and texts that are no secrets"),
    ("settings/layers/dotenv_files.rs", "what a dotenv file refers to, while it is read"),
];

/// Fields that sound like secrets and are none.
const HARMLESS: &[&str] = &["key_id", "keys", "sealed"];

/// Fields that are keys of maps, names or digests, and the key of fingerprints on its way into a seal.
const KEYS: &[(&str, &str)] = &[
    ("check/facts.rs", "key"),
    ("cli/auth.rs", "key"),
    ("cli/usage.rs", "key"),
    ("commands/auth/rotate.rs", "key"),
    ("commands/env/render/facts.rs", "key"),
    ("commands/usage.rs", "key"),
    ("gateway/usage/wanted.rs", "key"),
    ("rotation/fleet.rs", "fingerprint_key"),
    ("rotation/journal.rs", "fingerprint_key"),
    ("secrets/crypto.rs", "mac"),
    ("secrets/followed.rs", "fingerprint_key"),
    ("settings/compare/described.rs", "fingerprint_key"),
    ("settings/compare/judge.rs", "key"),
    ("settings/secret.rs", "key"),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// The code that ships: by file, without its tests.
fn shipped() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut shipped = Vec::new();
    for file in files {
        let name = file.strip_prefix(&src).unwrap().display().to_string();
        if ["test", "fakes", "model.rs", "suite.rs"].iter().any(|part| name.contains(part)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
        shipped.push((name, text[..end].to_owned()));
    }
    assert!(shipped.len() > 200);
    shipped
}

#[test]
fn every_plain_copy_of_a_secret_is_known() {
    let copy = Regex::new(
        r"expose\(\)\s*\.(to_owned|to_string|into|clone|as_bytes\(\)\s*\.to_vec)|(format!|String::from|OsString::from)\([^;\n]*expose\(\)",
    );
    let copy = copy.unwrap();
    let mut found: Vec<String> = Vec::new();
    for (name, text) in shipped() {
        if copy.is_match(&text) {
            found.push(name);
        }
    }
    found.sort();
    let known: Vec<&str> = COPIES.iter().map(|(file, _)| *file).collect();
    assert_eq!(
        found, known,
        "a copy of a secret in plain text: look at it, and name it with its reason"
    );
}

#[test]
fn no_field_holds_a_secret_as_plain_text() {
    let field = Regex::new(
        r"(?m)^\s+(?:pub(?:\([a-z]+\))? )?(\w*(?:secret|password|passphrase|token|credential|identity|key|seal|mac)\w*): (?:Option<|Arc<|Vec<)*(?:String|Vec<u8>|Box<str>|str|Bytes|\[u8)[>,; ]",
    );
    let field = field.unwrap();
    let mut found = Vec::new();
    for (name, text) in shipped() {
        for line in text.lines().filter(|line| line.trim_end().ends_with(',')) {
            let Some(field) = field.captures(line).map(|c| c[1].to_owned()) else { continue };
            let known = KEYS.contains(&(name.as_str(), field.as_str()));
            if !known && !HARMLESS.contains(&field.as_str()) && !field.ends_with("_tokens") {
                found.push(format!("{name}: {}", line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "a secret belongs into the type for it: {found:#?}");
}
