//! Code that must not go live: mocks, switched-off tests, well-known keys, unfinished work,
//! unchecked certificates, branches around authentication.

use super::finding::{Hit, Rule};
use super::lexer::{Syntax, Views, views};
use super::patterns::{PATTERNS, View};
use aho_corasick::AhoCorasick;
use std::path::Path;
use std::sync::LazyLock;

static FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(PATTERNS.iter().map(|p| p.text)).ok());

/// How the file is written, if it is source code.
pub(super) fn syntax(path: &Path) -> Option<Syntax> {
    let extension = path.extension()?.to_str()?;
    match extension {
        "rs" => Some(Syntax::Rust),
        "js" | "mjs" | "cjs" | "ts" | "tsx" | "jsx" | "go" | "java" | "kt" | "c" | "h" | "cc"
        | "cpp" | "hpp" | "cs" | "swift" | "scala" | "php" => Some(Syntax::Braces),
        "py" | "rb" | "sh" | "bash" | "zsh" | "pl" => Some(Syntax::Hash),
        _ => None,
    }
}

/// Whether the file is part of a test, an example or a benchmark, which may hold what others may
/// not.
pub(super) fn is_test(path: &Path) -> bool {
    const FOLDERS: &[&str] = &[
        "tests",
        "test",
        "__tests__",
        "spec",
        "benches",
        "bench",
        "examples",
        "fixtures",
        "testdata",
        "e2e",
    ];
    let folder = path
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .any(|c| FOLDERS.iter().any(|f| c.as_os_str() == *f));
    let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    folder
        || stem == "tests"
        || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || name.contains(".test.")
        || name.contains(".spec.")
}

/// Everything in the source `text` that must not go live.
pub(super) fn find(text: &str, syntax: Syntax, test: bool, hits: &mut Vec<Hit>) {
    let Some(finder) = FINDER.as_ref() else { return };
    // Most files hold no pattern at all; only the others are looked at closely.
    if !finder.is_match(text) {
        return;
    }
    let Views { code, written, comments } = views(text, syntax);
    for (view, seen) in
        [(View::Code, &code), (View::Written, &written), (View::Comments, &comments)]
    {
        for found in finder.find_overlapping_iter(seen) {
            let Some(pattern) = PATTERNS.get(found.pattern().as_usize()) else { continue };
            let allowed = test && pattern.rule != Rule::Disabled;
            if pattern.view != view || allowed || !whole(seen, found.start(), found.end()) {
                continue;
            }
            let line = line_of(seen, found.start());
            if pattern.with.is_empty() || pattern.with.iter().any(|word| line.contains(word)) {
                hits.push(Hit {
                    at: found.start(),
                    rule: pattern.rule,
                    what: pattern.what.to_owned(),
                    shown: pattern.text.trim().to_owned(),
                });
            }
        }
    }
}

/// Whether the match is not the inside of a longer word.
fn whole(text: &str, start: usize, end: usize) -> bool {
    let word = |at: Option<usize>| {
        at.and_then(|at| text.as_bytes().get(at))
            .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
    };
    let first = word(Some(start));
    let last = word(end.checked_sub(1));
    let key = text.get(start..end).is_some_and(|t| t.ends_with('_'));
    !(first && word(start.checked_sub(1))) && (key || !(last && word(Some(end))))
}

fn line_of(text: &str, at: usize) -> &str {
    let start = text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1);
    let rest = text.get(start..).unwrap_or_default();
    rest.lines().next().unwrap_or_default()
}

/// A mock that a manifest makes part of every build.
pub(super) fn manifest(text: &str, hits: &mut Vec<Hit>) {
    let mut at = 0;
    let mut section = "";
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            section = trimmed;
        }
        let default_feature = section == "[features]"
            && trimmed.split('=').next().is_some_and(|name| name.trim() == "default")
            && ["\"mock", "\"stub", "\"fake"].iter().any(|word| trimmed.contains(word));
        let dependency = section == "[dependencies]"
            && [concat!("mock", "all"), concat!("wire", "mock"), concat!("mock", "ito")]
                .iter()
                .any(|name| trimmed.split([' ', '=', '.']).next() == Some(name));
        if default_feature || dependency {
            hits.push(Hit {
                at,
                rule: Rule::MockReachable,
                what: "a mock in every build".to_owned(),
                shown: trimmed.chars().take(80).collect(),
            });
        }
        at += line.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<Rule> {
        let path = Path::new(path);
        let mut hits = Vec::new();
        find(text, syntax(path).unwrap(), is_test(path), &mut hits);
        hits.into_iter().map(|h| h.rule).collect()
    }

    #[test]
    fn what_must_not_go_live_is_found() {
        for (path, text, rule) in [
            ("a.rs", "fn a() { todo!() }", Rule::Unfinished),
            ("a.rs", "// TODO: later", Rule::Unfinished),
            ("a.rs", "#[ignore = \"slow\"]\nfn t() {}", Rule::Disabled),
            ("a.js", "it.skip('x', f)", Rule::Disabled),
            ("a.py", "requests.get(u, verify=False)", Rule::TlsOff),
            ("a.js", "tls({ rejectUnauthorized: false })", Rule::TlsOff),
            ("a.rs", "let u = \"postgres://postgres:postgres@db/x\";", Rule::DevKey),
            ("a.py", "if skip_auth:\n  pass", Rule::AuthBypass),
            ("a.py", "from unittest.mock import Mock", Rule::MockReachable),
        ] {
            assert_eq!(found(path, text), [rule], "{path}: {text}");
        }
    }

    #[test]
    fn comments_strings_and_tests_are_told_apart() {
        for (path, text) in [
            ("a.rs", "// todo!() is denied here"),
            ("a.rs", "let s = \"TODO\";"),
            ("a.rs", "#[cfg(test)]\nmod t { fn x() { todo!() } }"),
            ("tests/a.rs", "fn x() { todo!() }"),
            ("a.rs", "client.danger_accept_invalid_certs(settings.x)"),
            ("a.rs", "/// Never skip_auth."),
            ("a.rs", "let mastodon = 1;"),
        ] {
            assert_eq!(found(path, text), [], "{path}: {text}");
        }
    }

    #[test]
    fn manifests_that_build_mocks_are_found() {
        let mut hits = Vec::new();
        manifest("[features]\ndefault = [\"mock\"]\n[dependencies]\nmockall = \"1\"\n", &mut hits);
        assert_eq!(hits.len(), 2);
        hits.clear();
        manifest("[dev-dependencies]\nmockall = \"1\"\n[features]\nmock = []\n", &mut hits);
        assert_eq!(hits.len(), 0);
    }
}
