//! What is found wrong, where, and that no finding gives a secret away.

use super::super::*;
use super::read;
use crate::report::Problem;
use std::path::Path;

#[test]
fn all_errors_are_told_with_positions_and_without_values() {
    let text = b"A=canary\nA=canary2\n1B=canary\ncanary\nC: canary\nD=\"canary\" canary\nE=${canary\nF=${1canary}\nG=canary\0x\nH=\xffcanary\nI=${NOPE:?canary}\nJ=${A!canary}\nZ='canary\n";
    let (entries, problems) = read(text);
    let found: Vec<String> =
        problems.iter().map(|p| format!("{} {}", p.place.as_ref().unwrap(), p.code)).collect();
    assert_eq!(
        found,
        [
            ".env:2:1 duplicate-name",
            ".env:3:1 bad-name",
            ".env:4:1 bad-name",
            ".env:5:1 bad-name",
            ".env:6:12 text-after-quotes",
            ".env:7:3 bad-reference",
            ".env:8:3 bad-reference",
            ".env:9:9 nul",
            ".env:10:3 not-utf8",
            ".env:12:3 bad-reference",
            ".env:13:3 unclosed-quote",
            ".env:11:3 required-variable",
        ]
    );
    assert!(problems.iter().all(Problem::is_error));
    assert!(!format!("{problems:?}").contains("canary"), "{problems:?}");
    let names: Vec<&str> = entries.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["A", "G", "H"]);
}

#[test]
fn warnings_never_make_a_file_an_error_nor_hide_one() {
    let dollars: String = (0..150).map(|n| format!("V{n}=a$b\n")).collect();
    let (entries, problems) = read(&dollars);
    assert_eq!((entries.len(), problems.len()), (150, 101));
    assert!(problems.iter().all(|problem| !problem.is_error()));
    assert_eq!(problems[100].what, "50 more warnings");
    let (_, problems) = read(format!("{dollars}1X=1\n"));
    let errors: Vec<_> = problems.iter().filter(|p| p.is_error()).map(|p| p.code).collect();
    assert_eq!(errors, ["bad-name"]);
    assert_eq!(problems.len(), 102);
    let (_, problems) = read(format!("{}{dollars}", "1X=1\n".repeat(150)));
    let told: Vec<_> = problems[200..].iter().map(|p| (p.is_error(), p.what.as_str())).collect();
    assert_eq!(told, [(true, "50 more errors"), (false, "50 more warnings")]);
    // What was found within quotes that do not close is found again, once.
    assert_eq!(read("A=\"${\nB=a$b\n").1.len(), 2);
}

#[test]
fn findings_of_references_are_told_once_and_counted() {
    let (_, problems) = read(format!("X={}\nY=${{Q}}\n", "${Q}".repeat(100_000)));
    let found: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 2, "{}", found[2]);
    let many: String = (0..1000).map(|n| format!("V{n}=${{N{n}}}${{M{n}:?}}\n")).collect();
    let (_, problems) = read(many);
    let told: Vec<_> = problems[200..].iter().map(|p| (p.is_error(), p.what.as_str())).collect();
    assert_eq!(told, [(true, "900 more errors"), (false, "900 more warnings")]);
}

#[test]
fn a_byte_order_mark_is_no_column() {
    let place = |text: &[u8]| read(text).1[0].place.as_ref().unwrap().to_string();
    assert_eq!(place("\u{feff}1X=1".as_bytes()), ".env:1:1");
    assert_eq!(place("\u{feff}X=\0".as_bytes()), ".env:1:3");
    assert_eq!(position("\u{feff}X=1".as_bytes(), 3), (1, 1));
}

#[test]
fn what_may_be_a_piece_of_a_secret_is_no_name_in_a_finding() {
    for text in [
        "MY_SECRET=ab${hunter2canary}c\n",
        "MY_SECRET=ab${hunter2canary:?}c\n",
        "MY_SECRET='x'\nA=${q7Gm2xVt9LrB4nWz8KdY5c}\n",
        "A=${q7Gm2xVt9LrB4nWz8KdY5c:?}\n",
        "q7Gm2xVt9LrB4nWz8KdY5c=${q7Gm2xVt9LrB4nWz8KdY5c}\n",
        "A=${q7Gm2xVt9LrB4nWz8KdY5c}\nq7Gm2xVt9LrB4nWz8KdY5c=${A}\n",
    ] {
        let (_, problems) = read(text);
        let told = format!("{problems:?}");
        assert!(
            !told.contains("hunter2") && !told.contains("7Gm2") && !problems.is_empty(),
            "{told}"
        );
    }
    for (text, name) in [
        ("MY_SECRET=ab${LATER}c\nLATER=1\n", "LATER"),
        ("MY_SECRET=${OPENAI_API_KEY}\n", "OPENAI_API_KEY"),
        ("A=${hunter}\n", "hunter"),
    ] {
        let told = read(text).1[0].to_string();
        assert!(told.contains(&format!("`{name}` is not set")), "{told}");
    }
}

#[test]
fn literal_dollars_and_unset_references_are_warned_about() {
    let (_, problems) = read("A=pa$word\nB='pa$word'\nC=${D}\nD=1\nE=\"pa\\$word\"\n");
    let found: Vec<String> =
        problems.iter().map(|p| format!("{} {}", p.place.as_ref().unwrap(), p.code)).collect();
    assert_eq!(found, [".env:1:5 bare-dollar", ".env:3:3 unset-reference"]);
    assert!(problems.iter().all(|p| !p.is_error()));
}

#[test]
fn circles_are_named() {
    let (entries, problems) = read("A=${B}\nB=${C}\nC=${A}\nD=${D}\nE=${A}\nF=1\nPROC=${PROC}:x\n");
    let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            ".env:1:3: `A` refers to itself by way of `B`, `C`: nothing else gives it a value",
            ".env:2:3: `B` refers to itself by way of `C`, `A`: nothing else gives it a value",
            ".env:4:3: `D` refers to itself: nothing else gives it a value",
        ]
    );
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["F", "PROC"]);
}

#[test]
fn what_goes_into_a_value_by_reference_keeps_it_secret() {
    let text = "MY_SECRET=a\nURL=x${MY_SECRET}\nCOPY=${URL}\nPLAIN=${OTHER:-b}\n";
    let document = parse(Path::new(".env"), text.as_bytes(), &mut Vec::new());
    let all = expand(&document, &Outside::NOTHING, &mut Vec::new());
    let found: Vec<_> = all.iter().map(|e| (e.name.as_str(), e.secret)).collect();
    assert_eq!(found, [("MY_SECRET", false), ("URL", true), ("COPY", true), ("PLAIN", false)]);
}
