//! Tests of the rules.

use super::*;
use crate::settings::dotenv::parse;
use std::collections::BTreeSet;

/// What the rules find in a file: `line:column code`.
fn found(text: &str, exposure: Exposure) -> (Vec<String>, Vec<Problem>) {
    let document = parse(Path::new(".env"), text.as_bytes(), &mut Vec::new());
    let file =
        File { shown: Path::new(".env"), bytes: text.as_bytes(), document: &document, exposure };
    let mut problems = Vec::new();
    judge(&file, &mut problems);
    let shown = problems.iter().map(|problem| {
        let place = problem.place.as_ref().unwrap();
        let level = if problem.is_error() { "!" } else { "" };
        format!("{}:{} {}{level}", place.line.unwrap_or(0), place.column.unwrap_or(0), problem.code)
    });
    (shown.collect(), problems)
}

fn private(text: &str) -> Vec<String> {
    found(text, Exposure::default()).0
}

/// For each rule a text that it finds something in, and one that it does not.
const CASES: &[(&str, &str, &str)] = &[
    ("byte-order-mark", "\u{feff}A=1\n", "A=1\n"),
    ("crlf", "A=1\r\nB=2\r\n", "A=1\nB=2\n"),
    ("missing-final-newline", "A=1", "A=1\n"),
    ("trailing-blanks", "A=1 \n", "A='1 '\n"),
    ("spacing", "A = 1\n", "A=1 # = c\n"),
    ("lower-case-name", "name=1\n", "NAME=1\nhttp_proxy=x\n"),
    ("unknown-variable", "ULTRA_PROT=1\n", "ULTRA_PORT=1\n"),
    ("near-miss", "REDIS_ULR=redis://h\n", "REDIS_URL=redis://h\n"),
    ("renamed-variable", "API_PORT=1\n", "APP_PORT=1\n"),
    ("unquoted-value", "A=a b\n", "A='a b'\n"),
    ("odd-character", "A=a\u{a0}b\n", "A=é # \u{201c}c\u{201d}\n"),
    ("not-portable", "A='it\\'s $5'\n", "A=\"it's 5\"\n"),
    ("placeholder", "A=change-me\n", "A=changed\n"),
];

#[test]
fn every_rule_finds_what_it_looks_for_and_nothing_else() {
    for (code, bad, good) in CASES {
        let has = |found: &[String]| found.iter().any(|f| f.contains(&format!(" {code}")));
        assert!(has(&private(bad)), "{code}: {:?}", private(bad));
        assert!(!has(&private(good)), "{code}: {:?}", private(good));
    }
    let told: BTreeSet<&str> = CASES.iter().map(|case| case.0).chain(["exposed-secret"]).collect();
    assert_eq!(told, RULES.iter().map(|rule| rule.code).collect());
    assert!(RULES.iter().all(|rule| rule.doc.ends_with('.')));
}

#[test]
fn a_name_that_may_be_a_piece_of_a_key_is_not_shown() {
    // The last line of a key in PEM, its quotes forgotten, is an assignment of nothing.
    let piece = "q7Gm2xVt9LrB4nWz8KdY5c";
    for value in ["a b", "change-me", "it's $5", "sk-proj-12345678"] {
        let exposure = Exposure { tracked: true, others_read: true };
        let (codes, problems) =
            found(&format!("{piece}={value}\nULTRA_{piece}={value}\n"), exposure);
        assert!(codes.len() > 1, "{codes:?}");
        assert!(!format!("{problems:?}").contains("7Gm2"), "{problems:?}");
    }
}

#[test]
fn findings_have_places_and_a_clean_file_has_none() {
    let clean = "# it's a comment\nA=1\n\nexport B='a b' # c\nC=\"it's\"\nD=${A}/x\nE=\n";
    assert_eq!(private(clean), Vec::<String>::new());
    assert_eq!(
        private("A=1\r\nB=\"x\ny\" \nC =a  b\t\nulTra=\u{201c}q\u{201d}"),
        [
            "1:4 crlf",
            "5:10 missing-final-newline",
            "3:3 trailing-blanks",
            "4:8 trailing-blanks",
            "4:2 spacing",
            "5:1 lower-case-name",
            "4:5 unquoted-value",
            "5:7 odd-character"
        ]
    );
}

#[test]
fn a_secret_that_others_see_is_an_error_and_never_shown() {
    let text = "OPENAI_API_KEY=canary-canary\nNAME=x\nURL=postgres://u:canary-canary@h/db\nTOKEN=\nKEY=on\n";
    assert_eq!(private(text), Vec::<String>::new());
    for exposure in [
        Exposure { tracked: true, others_read: false },
        Exposure { tracked: false, others_read: true },
    ] {
        let (found, problems) = found(text, exposure);
        assert_eq!(found, ["1:1 exposed-secret!", "3:1 exposed-secret!"]);
        assert!(!format!("{problems:?}").contains("canary"));
    }
}

#[test]
fn many_findings_of_a_rule_are_counted() {
    let (found, problems) = found(&"a=1 \n".repeat(1000), Exposure::default());
    assert!(found.len() < 110, "{}", found.len());
    assert!(problems.iter().any(|p| p.what == "950 more of these"), "{problems:?}");
}
