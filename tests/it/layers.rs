//! The layout is the architecture: modules import downward only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The ranks, lowest first; modules of one rank do not import each other.
const RANKS: &[&[&str]] = &[
    &["base", "exit"],
    &["report"],
    &["settings"],
    &["secrets", "store", "cache", "provider", "scan"],
    &["rotation", "gateway"],
    &["smoke"],
    &["check"],
    &["serve"],
    &["commands"],
    &["cli", "render"],
    &["app"],
];

/// Imports within a rank or upward that are allowed, each with its reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Modules that never import another, although the ranks would let them.
const FORBIDDEN: &[(&str, &str)] = &[
    ("commands", "cli"),
    ("commands", "render"),
    ("check", "serve"),
    ("smoke", "serve"),
    ("render", "cli"),
    ("render", "settings"),
];

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|modules| modules.contains(&module))
}

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

/// Every `crate::<module>` in the code of a file: comments and strings are not imports.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            if let Some(group) = rest.strip_prefix('{') {
                let names = group.split('}').next().unwrap_or_default();
                found.extend(
                    names.split(',').filter_map(|item| first_name(item.trim())).map(|m| (n + 1, m)),
                );
            } else if let Some(module) = first_name(rest) {
                found.push((n + 1, module));
            }
        }
    }
    found
}

fn first_name(path: &str) -> Option<String> {
    let name: String = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn imports_point_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    let mut used = BTreeMap::new();
    for file in &files {
        let relative = file.strip_prefix(&src).unwrap();
        let top = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let from = top.trim_end_matches(".rs").to_owned();
        if from == "lib" || from == "main" {
            continue;
        }
        let from_rank =
            rank(&from).unwrap_or_else(|| panic!("`{from}` has no rank: add it to RANKS"));
        for (line, to) in imports(&std::fs::read_to_string(file).unwrap()) {
            let Some(to_rank) = rank(&to) else { continue };
            if to == from {
                continue;
            }
            let excepted = EXCEPTIONS.iter().any(|(f, t, _)| *f == from && *t == to);
            if excepted {
                used.insert((from.clone(), to.clone()), ());
            }
            let down = to_rank < from_rank && !FORBIDDEN.contains(&(from.as_str(), to.as_str()));
            if !down && !excepted {
                wrong.push(format!("{}:{line}: `{from}` imports `{to}`", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that do not point down:\n{}", wrong.join("\n"));
    for (from, to, _) in EXCEPTIONS {
        assert!(
            used.contains_key(&((*from).to_owned(), (*to).to_owned())),
            "exception {from} → {to} is not used"
        );
    }
}

#[test]
fn every_file_says_what_it_is() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let silent: Vec<_> =
        files.iter().filter(|f| !std::fs::read_to_string(f).unwrap().starts_with("//!")).collect();
    assert!(silent.is_empty(), "files without a module doc: {silent:?}");
}

#[test]
fn the_import_reader_sees_groups_and_skips_comments() {
    let text = "use crate::{base::x, report};\n// crate::serve\nlet a = crate::store::open();";
    let modules: Vec<String> = imports(text).into_iter().map(|(_, m)| m).collect();
    assert_eq!(modules, ["base", "report", "store"]);
}
