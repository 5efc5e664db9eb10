//! Profile files that are wrong: each error with its file, line and column, and no panic whatever
//! the text.

use super::*;
use crate::settings::profile_file::Document;

/// What is wrong with a text: `place code: what (why) [hint]`.
fn wrong(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let _ = Document::parse(Path::new("p.yaml"), text, &mut problems);
    problems
        .iter()
        .map(|p| {
            let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
            let why = p.why.as_deref().map(|w| format!(" ({w})")).unwrap_or_default();
            let hint = p.hint.as_deref().map(|h| format!(" [{h}]")).unwrap_or_default();
            format!("{place} {}: {}{why}{hint}", p.code, p.what)
        })
        .collect()
}

/// Texts, and everything that is wrong with each.
#[rustfmt::skip]
const CASES: &[(&str, &[&str])] = &[
    ("- a\n", &[
        "p.yaml:1:1 wrong-type: a profile must be a mapping (found a list)",
    ]),
    ("text\n", &[
        "p.yaml:1:1 wrong-type: a profile must be a mapping (found a text)",
    ]),
    ("1\n", &[
        "p.yaml:1:1 wrong-type: a profile must be a mapping (found a number)",
    ]),
    ("mode: [mock]\n", &[
        "p.yaml:1:7 wrong-type: `mode` must be one of `mock`, `real` (found a list)",
    ]),
    ("mode: Mock\n", &[
        "p.yaml:1:7 malformed-value: `mode` is `Mock` (expected one of `mock`, `real`)",
    ]),
    ("mode:\n  - real\n", &[
        "p.yaml:2:3 wrong-type: `mode` must be one of `mock`, `real` (found a list)",
    ]),
    ("protected: yes\n", &[
        "p.yaml:1:12 wrong-type: `protected` must be `true` or `false` (found a text)",
    ]),
    ("protected: 1\n", &[
        "p.yaml:1:12 wrong-type: `protected` must be `true` or `false` (found a number)",
    ]),
    ("protected: 'true'\n", &[
        "p.yaml:1:12 wrong-type: `protected` must be `true` or `false` (found a text)",
    ]),
    ("extends: [a]\n", &[
        "p.yaml:1:10 wrong-type: `extends` must be a text (found a list)",
    ]),
    ("extends: ''\n", &[
        "p.yaml:1:10 malformed-value: `extends` is empty",
    ]),
    ("extends: 1\n", &[
        "p.yaml:1:10 wrong-type: `extends` must be a text (found a number)",
    ]),
    ("extend: dev\n", &[
        "p.yaml:1:1 unknown-key: unknown key `extend` in a profile [did you mean `extends`?]",
    ]),
    ("Mode: mock\n", &[
        "p.yaml:1:1 unknown-key: unknown key `Mode` in a profile [did you mean `mode`?]",
    ]),
    ("vars: []\n", &[
        "p.yaml:1:7 wrong-type: `vars` must be a mapping (found a list)",
    ]),
    ("vars: a\n", &[
        "p.yaml:1:7 wrong-type: `vars` must be a mapping (found a text)",
    ]),
    ("vars:\n  A: [1]\n", &[
        "p.yaml:2:6 wrong-type: `A` must be a text, a number or a boolean (found a list)",
    ]),
    ("vars:\n  A: {b: 1}\n", &[
        "p.yaml:2:6 wrong-type: `A` must be a text, a number or a boolean (found a mapping)",
    ]),
    ("vars:\n  A:\n", &[
        "p.yaml:2:4 wrong-type: `A` must be a text, a number or a boolean (found nothing)",
    ]),
    ("vars:\n  1A: x\n", &[
        "p.yaml:2:3 bad-name: `1A` is no name of a variable (a name has letters, digits and `_`, and does not begin with a digit)",
    ]),
    ("vars:\n  A B: x\n", &[
        "p.yaml:2:3 bad-name: `A B` is no name of a variable (a name has letters, digits and `_`, and does not begin with a digit)",
    ]),
    ("vars:\n  A: 1\n  A: 2\n", &[
        "p.yaml:3:3 duplicate-key: `A` stands here again (the first is at p.yaml:2:3)",
    ]),
    ("mode: mock\nmode: real\n", &[
        "p.yaml:2:1 duplicate-key: `mode` stands here again (the first is at p.yaml:1:1)",
    ]),
    ("secrets: []\n", &[
        "p.yaml:1:10 wrong-type: `secrets` must be a mapping (found a list)",
    ]),
    ("secrets:\n  A: 1\n", &[
        "p.yaml:2:6 wrong-type: the reference of `A` must be a text (found a number)",
    ]),
    ("secrets:\n  A: vault\n", &[
        "p.yaml:2:6 literal-secret: `A` has a value that is no reference (expected `vault:NAME`, `vault:PROFILE/NAME`, `file:PATH` or `env:NAME`) [if it is the secret itself, take it out and replace it: it is known now]",
    ]),
    ("secrets:\n  A: 'vault:'\n", &[
        "p.yaml:2:6 literal-secret: `A` has a value that is no reference (expected `vault:NAME`, `vault:PROFILE/NAME`, `file:PATH` or `env:NAME`) [if it is the secret itself, take it out and replace it: it is known now]",
    ]),
    ("secrets:\n  A: env:1A\n", &[
        "p.yaml:2:6 literal-secret: `A` has a value that is no reference (expected `vault:NAME`, `vault:PROFILE/NAME`, `file:PATH` or `env:NAME`) [if it is the secret itself, take it out and replace it: it is known now]",
    ]),
    ("secrets:\n  ULTRA_PORT: env:A\n", &[
        "p.yaml:2:3 no-secret: `ULTRA_PORT` is no secret [give its value in `vars:`, as `ULTRA_PORT: …`]",
    ]),
    ("providers: []\n", &[
        "p.yaml:1:12 wrong-type: `providers` must be a mapping (found a list)",
    ]),
    ("providers:\n  a: 1\n", &[
        "p.yaml:2:6 wrong-type: provider `a` must be a mapping (found a number)",
        "p.yaml:2:3 missing-key: provider `a` has no `kind`",
        "p.yaml:2:3 missing-key: provider `a` has no `base_url`",
    ]),
    ("providers:\n  a: {}\n", &[
        "p.yaml:2:3 missing-key: provider `a` has no `kind`",
        "p.yaml:2:3 missing-key: provider `a` has no `base_url`",
    ]),
    ("providers:\n  a:\n    kind: opnai\n    base_url: https://a\n", &[
        "p.yaml:3:11 malformed-value: `kind` of provider `a` is `opnai` (expected one of `openai`, `anthropic`, `azure`, `google`, `cohere`, `ollama`)",
    ]),
    ("providers:\n  a:\n    kind: openai\n    base_url: https://a\n    api_version: v1\n", &[
        "p.yaml:5:18 unknown-key: provider `a` takes no `api_version` (only a provider of kind `azure` has versions)",
    ]),
    ("providers:\n  a:\n    kind: openai\n    base_url: ftp://a\n", &[
        "p.yaml:4:15 malformed-value: `base_url` of provider `a` is `ftp://a` (expected an absolute `http` or `https` URL)",
    ]),
    ("providers:\n  a:\n    kind: openai\n    base_url: https://a\n    keys: A\n", &[
        "p.yaml:5:11 wrong-type: `keys` of provider `a` must be a list (found a text)",
    ]),
    ("providers:\n  a:\n    kind: openai\n    base_url: https://a\n    keys: [1]\n", &[
        "p.yaml:5:12 wrong-type: a key of provider `a` must be a text (found a number)",
    ]),
    ("providers:\n  a:\n    kind: openai\n    base_url: https://a\n    model: [x]\n", &[
        "p.yaml:5:5 unknown-key: unknown key `model` in provider `a` [did you mean `models`?]",
    ]),
    ("routes:\n  m: []\n", &[
        "p.yaml:2:6 wrong-type: route `m` must be a mapping (found a list)",
    ]),
    ("routes:\n  m: {}\n", &[
        "p.yaml:2:3 missing-key: route `m` has no targets",
    ]),
    ("routes:\n  m:\n    targets: x\n", &[
        "p.yaml:3:14 wrong-type: `targets` of route `m` must be a list (found a text)",
    ]),
    ("routes:\n  m:\n    targets: [x]\n", &[
        "p.yaml:3:15 wrong-type: a target of route `m` must be a mapping (found a text)",
        "p.yaml:3:15 missing-key: a target of route `m` has no `provider`",
        "p.yaml:3:15 missing-key: a target of route `m` has no `model`",
    ]),
    ("routes:\n  m:\n    targets:\n      - provider: a\n", &[
        "p.yaml:4:9 missing-key: a target of route `m` has no `model`",
    ]),
    ("routes:\n  m:\n    targets:\n      - {provider: a, model: b, wieght: 1}\n", &[
        "p.yaml:4:33 unknown-key: unknown key `wieght` in a target of route `m` [did you mean `weight`?]",
    ]),
    ("routes:\n  m:\n    targets:\n      - {provider: a, model: b, weight: -1}\n", &[
        "p.yaml:4:41 wrong-type: `weight` of a target of route `m` must be a whole number, at least 1 (found a number)",
    ]),
    ("routes:\n  m:\n    targets:\n      - {provider: a, model: b}\n    timeouts:\n      total: 5\n", &[
        "p.yaml:6:14 malformed-value: `total` in `timeouts` of route `m` is `5` (expected a time span such as `500ms`, `30s`, `10m`, `1h` or `90d`)",
    ]),
    ("routes:\n  m:\n    targets:\n      - {provider: a, model: b}\n    timeouts: 5s\n", &[
        "p.yaml:5:15 wrong-type: `timeouts` of route `m` must be a mapping (found a text)",
    ]),
    ("routes:\n  m:\n    targets:\n      - {provider: a, model: b}\n    requests_per_minute: 0\n", &[
        "p.yaml:5:26 wrong-type: `requests_per_minute` of route `m` must be a whole number, at least 1 (found a number)",
    ]),
    ("policy: 1\n", &[
        "p.yaml:1:9 wrong-type: `policy` must be a mapping (found a number)",
    ]),
    ("policy:\n  gates: P0\n", &[
        "p.yaml:2:10 wrong-type: `gates` must be a list (found a text)",
    ]),
    ("policy:\n  gates: [P3]\n", &[
        "p.yaml:2:11 malformed-value: a gate is `P3` (expected one of `P0`, `P1`, `P2`)",
    ]),
    ("policy:\n  gates: [[P0]]\n", &[
        "p.yaml:2:11 wrong-type: a gate must be one of `P0`, `P1`, `P2` (found a list)",
    ]),
    ("policy:\n  key_max_age: 90d\n", &[
        "p.yaml:2:16 wrong-type: `key_max_age` must be a mapping (found a text)",
    ]),
    ("policy:\n  key_max_age:\n    jwt: 90 days\n", &[
        "p.yaml:3:10 malformed-value: `jwt` in `key_max_age` is `90 days` (expected a time span such as `500ms`, `30s`, `10m`, `1h` or `90d`)",
    ]),
    ("policy:\n  key_max_age:\n    provder: 30d\n", &[
        "p.yaml:3:5 unknown-key: unknown key `provder` in `key_max_age` [did you mean `provider`?]",
    ]),
    ("policy:\n  require_postgres: no\n", &[
        "p.yaml:2:21 wrong-type: `require_postgres` must be `true` or `false` (found a text)",
    ]),
    ("policy:\n  requests_per_minute: 1.5\n", &[
        "p.yaml:2:24 wrong-type: `requests_per_minute` of `policy` must be a whole number, at least 1 (found a number)",
    ]),
    ("policy:\n  gate: [P0]\n", &[
        "p.yaml:2:3 unknown-key: unknown key `gate` in `policy` [did you mean `gates`?]",
    ]),
    ("routes:\n  \"a\\nb\": {targets: [{provider: p, model: m}]}\n", &[
        "p.yaml:2:3 bad-name: route a name that cannot be shown has a name that nobody can ask by (a name has 1 to 256 bytes and no control characters such as line breaks)",
    ]),
    ("providers:\n  p: {kind: openai, base_url: \"https://a.example/v1\", models: [\"a\\tb\"]}\n", &[
        "p.yaml:2:64 bad-name: an item of `models` of provider `p` has a name that nobody can ask by (a name has 1 to 256 bytes and no control characters such as line breaks)",
    ]),
    ("mode: mock\n---\nmode: real\n", &[
        "p.yaml:2:1 yaml-syntax: malformed YAML (the file holds more than one document; remove what follows the second `---`)",
    ]),
    ("mode:\tmock\n\tx: 1\n", &[
        "p.yaml:1:7 yaml-syntax: malformed YAML (while scanning a plain scalar, found a tab)",
    ]),
    ("a: &x [*x]\n", &[
        "p.yaml:1:8 yaml-syntax: malformed YAML (recursive references require weak recursion types)",
    ]),
    ("a: *nowhere\n", &[
        "p.yaml:1:4 yaml-syntax: malformed YAML (alias references unknown anchor)",
    ]),
    ("vars: {A: 'x\n", &[
        "p.yaml:1:11 yaml-syntax: malformed YAML (unclosed quote)",
    ]),
    ("? [a]\n: b\n", &[
        "p.yaml:1:3 yaml-key: a key must be a text",
    ]),
    ("vars:\n A: 1\n  B: 2\n", &[
        "p.yaml:3:4 yaml-syntax: malformed YAML (mapping values are not allowed in this context)",
    ]),
    ("\0mode: mock\n", &[
        "p.yaml:1:1 yaml-syntax: malformed YAML (U+0000 is no character of YAML) [take it away]",
    ]),
    ("vars:\n  A: \"a\\0b\"\n", &[
        "p.yaml:2:6 nul: the value of `A` holds a NUL byte (no process and no file of variables can hold one)",
    ]),
    ("vars:\n  A: !!int x\n", &[
        "p.yaml:2:12 yaml-syntax: malformed YAML (invalid)",
    ]),
    ("%YAML 9.9\n---\nmode: x\n", &[
        "p.yaml:1:1 yaml-syntax: malformed YAML (unsupported major version)",
    ]),
];

#[test]
fn every_error_has_its_place_and_says_what_is_expected() {
    for (text, expected) in CASES {
        assert_eq!(wrong(text), *expected, "{text:?}");
    }
}

#[test]
fn files_that_are_none_are_refused_and_nothing_hangs() {
    let place = Place::new(&[("profiles/good.yaml", "mode: mock\n")]);
    let dir = place.dir.path().join("app/profiles");
    std::fs::create_dir(dir.join("dir.yaml")).unwrap();
    std::os::unix::fs::symlink("loop.yaml", dir.join("loop.yaml")).unwrap();
    std::fs::write(dir.join("big.yaml"), vec![b'#'; 10 << 20]).unwrap();
    std::fs::write(dir.join("latin.yaml"), b"mode: mock\nvars:\n  A: \xe9\n").unwrap();
    std::fs::write(dir.join("empty.yaml"), b"").unwrap();
    let fifo = std::process::Command::new("mkfifo").arg(dir.join("fifo.yaml")).status();
    assert_eq!(codes(&place.load("empty").problems), ["~profiles/empty.yaml empty-profile"]);
    assert_eq!(
        codes(&place.load("latin").problems),
        ["profiles/latin.yaml:3:6 unreadable-profile"]
    );
    for name in ["dir", "loop", "big", "fifo"] {
        if name == "fifo" && !fifo.as_ref().is_ok_and(std::process::ExitStatus::success) {
            continue;
        }
        let problems = place.load(name).problems;
        assert_eq!(codes(&problems), [format!("profiles/{name}.yaml unreadable-profile")]);
        assert!(problems[0].why.is_some());
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(
        parts in proptest::collection::vec(
            "(extends|mode|vars|secrets|providers|routes|policy|gates|targets)?[:\\[\\]{}&*!|>'\"#%@`?,\\n\\t -]{0,4}[a-z0-9é\u{0}]{0,3}",
            0..24,
        ),
    ) {
        for problem in wrong(&parts.concat()) {
            proptest::prop_assert!(problem.starts_with("p.yaml:"), "{problem}");
        }
    }
}
