//! Fuzzes the dotenv dialect: what is printed is what was read, formatting keeps every value and
//! is done at once, what is written reads back, and no model of another program panics.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the product uses more of its modules than this")]

#[path = "../../src/exit.rs"]
mod exit;
mod report;
mod settings;

use crate::report::Problem;
use libfuzzer_sys::fuzz_target;
use settings::dotenv::{self, Document, Outside};
use std::path::Path;

fn read(bytes: &[u8]) -> (Document, Vec<Problem>) {
    let mut problems = Vec::new();
    let document = dotenv::parse(Path::new(".env"), bytes, &mut problems);
    (document, problems)
}

/// Names with their values, as if nothing were set.
fn values(document: &Document) -> Vec<(String, String)> {
    let all = dotenv::expand(document, &Outside::NOTHING, &mut Vec::new());
    all.into_iter().map(|entry| (entry.name, entry.text)).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let (document, problems) = read(bytes);
    let parts = document.lines.iter().flat_map(|line| line.parts());
    let printed: Vec<u8> = parts.flat_map(|part| part.of(bytes)).copied().collect();
    assert_eq!(printed, bytes);
    let before = values(&document);
    for (_, value) in &before {
        if value.contains('\0') {
            continue;
        }
        let text = format!("X={}\nY=1\n", dotenv::quote(value));
        let (again, problems) = read(text.as_bytes());
        assert!(problems.is_empty());
        assert_eq!(values(&again), [("X".to_owned(), value.clone()), ("Y".into(), "1".into())]);
    }
    if !problems.iter().any(Problem::is_error)
        && let Some(lines) = dotenv::format(bytes, &document)
    {
        let text = lines.concat();
        let (formatted, _) = read(&text);
        assert_eq!(values(&formatted), before);
        let twice = dotenv::format(&text, &formatted).expect("a formatted file can be formatted");
        assert_eq!(twice.concat(), text);
    }
    if bytes.len() <= 4096 {
        for tool in dotenv::compat::Tool::ALL {
            if tool != dotenv::compat::Tool::Dotenvy {
                let read = dotenv::compat::differences(tool, Path::new(""), bytes, &[]);
                read.expect("a model needs no program");
            }
        }
    }
});
