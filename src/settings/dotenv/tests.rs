//! Tests of the dialect.

use super::line::print;
use super::*;
use crate::report::Problem;
use proptest::prelude::*;
use std::path::Path;

fn read(text: impl AsRef<[u8]>) -> (Vec<(String, String)>, Vec<Problem>) {
    let mut problems = Vec::new();
    let document = parse(Path::new(".env"), text.as_ref(), &mut problems);
    let outside = Outside {
        first: &|name| (name == "PROC").then(|| "from-process".to_owned()),
        last: &|name| (name == "LOW").then(|| "from-below".to_owned()),
        secret: &|name| name.contains("SECRET"),
    };
    let expanded = expand(&document, &outside, &mut problems);
    (expanded.into_iter().map(|e| (e.name, e.text)).collect(), problems)
}

fn value(line: &str) -> String {
    let (entries, problems) = read(format!("PLAIN=abc\n{line}"));
    let errors: Vec<_> = problems.iter().filter(|p| p.is_error()).collect();
    assert!(errors.is_empty(), "{line}: {errors:?}");
    entries.into_iter().find(|(name, _)| name == "X").expect(line).1
}

#[test]
fn values_are_read_as_stated() {
    for (line, expected) in [
        ("X=a#b", "a#b"),
        ("X=#abc", "#abc"),
        ("X= # c", ""),
        ("X=a # c", "a"),
        ("X=", ""),
        ("X=pa$$word", "pa$$word"),
        ("X=cost$5", "cost$5"),
        ("X=pa\\$word", "pa\\$word"),
        ("X='a $PLAIN'", "a $PLAIN"),
        ("X='a ${PLAIN}'", "a ${PLAIN}"),
        ("X=\"a $PLAIN\"", "a $PLAIN"),
        ("X=\"a ${PLAIN}\"", "a abc"),
        ("X=${PLAIN}/x", "abc/x"),
        ("X=${NOPE:-d}", "d"),
        ("X=${NOPE-d}", "d"),
        ("X=${NOPE:-${PLAIN} # e}", "abc # e"),
        ("X=${PLAIN:+yes}", "yes"),
        ("X=${NOPE:+yes}", ""),
        ("X=${PLAIN:?needed}", "abc"),
        ("X=${PROC}-${LOW}", "from-process-from-below"),
        ("X=$(echo pwned)", "$(echo pwned)"),
        ("X=`x y`", "`x y`"),
        ("X=\"a \\\"q\\\" b\"", "a \"q\" b"),
        ("X='it\\'s'", "it's"),
        ("X=\"a\\tb\\nc\\d\"", "a\tb\nc\\d"),
        ("X=hello world  ", "hello world"),
        ("X={\"a\": \"b c\"}", "{\"a\": \"b c\"}"),
        ("X=C:\\new\\table", "C:\\new\\table"),
        ("X=héllo ✓", "héllo ✓"),
        ("X = abc", "abc"),
        ("export X=1", "1"),
        ("export\tX='1' # c", "1"),
        ("X=\"-----BEGIN\nabc\n\"", "-----BEGIN\nabc\n"),
        ("X=a\r\nY=b", "a"),
        ("X='a\r\nb'\r\n", "a\nb"),
        ("X=a=b=c", "a=b=c"),
    ] {
        assert_eq!(value(line), expected, "{line}");
    }
    assert_eq!(read("\u{feff}X=1").0, [("X".to_owned(), "1".to_owned())]);
    assert_eq!(read("export=1").0, [("export".to_owned(), "1".to_owned())]);
}

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
fn a_line_costs_little_memory() {
    assert!(size_of::<Line>() <= 56, "{}", size_of::<Line>());
    let document = parse(Path::new(".env"), &b"1\n".repeat(1000), &mut Vec::new());
    assert_eq!((document.lines.len(), document.lines.capacity()), (1000, 1002));
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

/// The table of dotenv lines that programs read differently, by its numbers, and what `ultra`
/// reads; `None` is an error.
const ROWS: &[(u8, &str, Option<&str>)] = &[
    (1, "X=a#b", Some("a#b")),
    (2, "X=#abc", Some("#abc")),
    (3, "X=pa$$word", Some("pa$$word")),
    (4, "X=cost$5", Some("cost$5")),
    (5, "X=pa\\$word", Some("pa\\$word")),
    (6, "X='a $PLAIN'", Some("a $PLAIN")),
    (7, "X=\"a $PLAIN\"", Some("a $PLAIN")),
    (8, "X=${PLAIN}/x", Some("abc/x")),
    (9, "X=${NOPE:-d}", Some("d")),
    (10, "X=$(echo pwned)", Some("$(echo pwned)")),
    (11, "X=`x y`", Some("`x y`")),
    (12, "X=\"a \\\"q\\\" b\"", Some("a \"q\" b")),
    (13, "X='it\\'s'", Some("it's")),
    (14, "X=\"a\\tb\"", Some("a\tb")),
    (15, "X=\"a\\nb\"", Some("a\nb")),
    (16, "X=hello world", Some("hello world")),
    (17, "X={\"a\": \"b c\"}", Some("{\"a\": \"b c\"}")),
    (18, "X=C:\\new\\table", Some("C:\\new\\table")),
    (19, "X=héllo ✓", Some("héllo ✓")),
    (20, "X = abc", Some("abc")),
    (21, "X: abc", None),
    (22, "X", None),
    (23, "lower.dot-key=1", None),
    (24, "X=\"a\"'b'c", None),
    (25, "X=$FROMENV", Some("$FROMENV")),
    (26, "X=${LATER}\nLATER=1", Some("")),
    (28, "X=a\r\n", Some("a")),
    (29, "X='open", None),
    (30, "X=1\nX=2", None),
    (31, "X=\"-----BEGIN\nabc\n-----END\"", Some("-----BEGIN\nabc\n-----END")),
    // Beyond the numbered rows.
    (40, "export X=1", Some("1")),
    (41, "X= # c", Some("")),
    (42, "# it's a comment\nX=1", Some("1")),
    (43, "X=a  \t", Some("a")),
    (44, "X=a\0b", None),
    (45, "1X=1", None),
    (46, "X=a=b", Some("a=b")),
    (47, "X=\"\"\"a\"\"\"", None),
    (48, "X=${NOPE:-${PLAIN:-${PLAIN}}}", Some("abc")),
    (49, "X='${PLAIN}'", Some("${PLAIN}")),
    (50, "X=${NOPE?e}", None),
    (51, "X=${NOPE+e}", None),
    (52, "X=${X}", None),
    (53, "X=${Y}\nY=${X}", None),
    (54, "X=${NOPE:?e}", None),
    (55, "X=${X:-}:a", Some(":a")),
];

#[test]
fn every_row_of_the_table_is_read_as_stated() {
    for (row, line, expected) in ROWS {
        let (entries, problems) = read(format!("PLAIN=abc\n{line}"));
        let errors = problems.iter().filter(|p| p.is_error()).count();
        let found = entries.into_iter().find(|(name, _)| name == "X").map(|(_, value)| value);
        match expected {
            Some(value) => assert_eq!((found.as_deref(), errors), (Some(*value), 0), "row {row}"),
            None => assert!(errors > 0, "row {row}: {found:?}"),
        }
    }
    // Row 27: a byte order mark. It is taken at the beginning of a file only.
    assert_eq!(read("\u{feff}X=1").0, [("X".to_owned(), "1".to_owned())]);
    assert_eq!(read("A=1\n\u{feff}X=1").1.len(), 1);
    // Invalid UTF-8.
    assert_eq!(read(b"X=\xff").1[0].code, "not-utf8");
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

/// A kind of text by its name, in any size.
type Shape = (&'static str, fn(usize) -> String);

/// How many characters are taken for reading a text.
fn steps(text: &str) -> u64 {
    let before = cursor::STEPS.with(std::cell::Cell::get);
    read(text);
    cursor::STEPS.with(std::cell::Cell::get) - before
}

#[test]
fn reading_takes_steps_in_proportion_to_the_size() {
    let shapes: [Shape; 11] = [
        ("lines", |n| (0..n).map(|i| format!("V{i}=value # {i}\n")).collect()),
        ("one value", |n| format!("A='{}'", "x".repeat(n))),
        ("one unquoted value", |n| format!("A={}", "x ".repeat(n))),
        ("open references", |n| "${".repeat(n)),
        ("nested references", |n| format!("A={}", "${A:-".repeat(n))),
        ("closed nested references", |n| format!("A={}{}", "${A:-".repeat(n), "}".repeat(n))),
        ("open references in quotes", |n| format!("A=\"{}\"", "${A:-x".repeat(n))),
        ("open quotes", |n| "A=\"\n".repeat(2 * n + 1)),
        ("open quotes of two kinds", |n| "A='x\nB=\"y\n".repeat(n)),
        ("open quotes with escapes", |n| "A=\"\\\"\n".repeat(n)),
        ("quotes in words", |n| "A=\"${B:-\n".repeat(n)),
    ];
    for (shape, text) in shapes {
        let (small, large) = (text(2_000), text(16_000));
        let size = large.len() as f64 / small.len() as f64;
        let cost = steps(&large) as f64 / steps(&small).max(1) as f64;
        assert!(cost <= size * 1.2, "{shape}: {size} times the size costs {cost} times the steps");
        assert!(steps(&large) <= 100 * large.len() as u64, "{shape}: {}", steps(&large));
    }
}

#[test]
fn references_cannot_make_a_file_grow_without_bounds() {
    let mut doubling = "A0=xxxxxxxxxxxxxxxx\n".to_owned();
    for n in 0..60 {
        doubling.push_str(&format!("A{}=${{A{n}}}${{A{n}}}\n", n + 1));
    }
    let (entries, problems) = read(doubling);
    assert!(entries.iter().map(|(_, v)| v.len()).sum::<usize>() <= 64 << 20);
    assert_eq!(problems.last().unwrap().code, "too-large");
    assert!(!problems.last().unwrap().to_string().contains("xx"));
    // Looking at a long value often copies it never.
    let long = format!("A='{}'\nB={}", "x".repeat(1 << 20), "${A:+y}".repeat(50_000));
    assert_eq!(read(long).0[1].1, "y".repeat(50_000));
    // A long chain keeps no list of all that went before.
    let chain: String = (1..20_000).map(|n| format!("A{n}=${{A{}}}\n", n - 1)).collect();
    assert_eq!(read(format!("A0=x\n{chain}")).0.len(), 20_000);
}

#[test]
fn large_files_are_read_whole() {
    let text: String = (0..1_000_000).map(|n| format!("V{n}={n}\n")).collect();
    let (entries, problems) = read(&text);
    assert_eq!((entries.len(), problems), (1_000_000, Vec::new()));
    assert_eq!(entries[999_999].1, "999999");
    let value = "x".repeat(1 << 20);
    assert_eq!(read(format!("A='{value}'")).0[0].1, value);
    for bytes in [vec![b'\0'; 1 << 20], vec![0xff; 1 << 20]] {
        assert_eq!(read(bytes).1.last().unwrap().code, "more-problems");
    }
}

#[test]
fn what_goes_into_a_value_by_reference_keeps_it_secret() {
    let text = "MY_SECRET=a\nURL=x${MY_SECRET}\nCOPY=${URL}\nPLAIN=${OTHER:-b}\n";
    let document = parse(Path::new(".env"), text.as_bytes(), &mut Vec::new());
    let all = expand(&document, &Outside::NOTHING, &mut Vec::new());
    let found: Vec<_> = all.iter().map(|e| (e.name.as_str(), e.secret)).collect();
    assert_eq!(found, [("MY_SECRET", false), ("URL", true), ("COPY", true), ("PLAIN", false)]);
}

/// Asserts that the lines hold every byte of the file once, in order.
fn is_lossless(bytes: &[u8]) {
    let document = parse(Path::new(".env"), bytes, &mut Vec::new());
    assert_eq!(print(&document.lines, bytes), bytes, "{:?}", String::from_utf8_lossy(bytes));
    let mut at = 0;
    for line in &document.lines {
        for part in line.parts() {
            assert_eq!(part.start, at, "{line:?}");
            assert!(part.end >= part.start, "{line:?}");
            at = part.end;
        }
        assert_eq!(line.span.end, at);
    }
    assert_eq!(at, bytes.len());
}

/// Text with much of what the dialect knows in it.
pub(super) fn dotenv_like() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        "[A-C=\"'$\\{\\}:?+\\-#\n\r\\\\ x]{0,6}".prop_map(String::into_bytes),
        "(export )?[A-F]{1,2} ?= ?('[a \\\\#]{0,4}'|\"[a$\\{\\}A:'#\n-]{0,6}\"|[a-z#$ ]{0,4})( # [a-c']{0,3})?\r?\n"
            .prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..4),
        Just("\u{feff}".into()),
    ];
    proptest::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}

#[test]
fn lines_know_what_they_are_and_where_their_parts_stand() {
    let text = "\u{feff}# c\r\n\n \t\nexport A = 'x\ny'  # d\nB= # e\nC=a b  \nA=1\n1=2\nD=\"x\r"
        .as_bytes();
    is_lossless(text);
    let document = parse(Path::new(".env"), text, &mut Vec::new());
    let shown: Vec<String> = document
        .lines
        .iter()
        .map(|line| {
            let of = |span: Span| String::from_utf8_lossy(span.of(text)).into_owned();
            let kind = match &line.kind {
                LineKind::Bom => "bom".to_owned(),
                LineKind::Blank => "blank".to_owned(),
                LineKind::Comment(text) => format!("comment {}", of(*text)),
                LineKind::Assignment(a) => format!(
                    "{}{}|{}|{:?}|{}|{:?}",
                    if a.export { "export " } else { "" },
                    of(a.name),
                    of(a.value),
                    a.quote,
                    a.comment.map(of).unwrap_or_default(),
                    a.entry
                ),
                LineKind::Error => "error".to_owned(),
            };
            format!("{} {:?} {kind}", line.number, line.ending)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "1 None bom",
            "1 CrLf comment # c",
            "2 Lf blank",
            "3 Lf blank",
            "4 Lf export A|'x\ny'|Single|# d|Some(0)",
            "6 Lf B||Nothing|# e|Some(1)",
            "7 Lf C|a b|Nothing||Some(2)",
            "8 Lf A|1|Nothing||None",
            "9 Lf error",
            "10 None error",
        ]
    );
}

proptest! {
    #[test]
    fn what_was_read_prints_as_it_was(bytes in proptest::collection::vec(any::<u8>(), 0..300), like in dotenv_like()) {
        is_lossless(&bytes);
        is_lossless(&like);
    }

    #[test]
    fn what_is_written_reads_back(value in "[^\0]{0,40}", pick in proptest::collection::vec("['\"\\\\$\\{\\}#\n\r\t =a]", 0..12)) {
        for value in [value, pick.concat()] {
            let text = format!("X={}\nY=1\n", quote(&value));
            let (entries, problems) = read(&text);
            prop_assert_eq!(&problems, &[], "{:?}", text);
            prop_assert_eq!(&entries[0].1, &value, "{:?}", text);
            prop_assert_eq!(entries.len(), 2);
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read(bytes);
    }

    #[test]
    fn any_dotenv_like_text_is_read_without_panic(parts in proptest::collection::vec("[A-C=\"'$\\{\\}:?+\\-#\n\r\\\\ x]{0,6}", 0..30)) {
        let (entries, _) = read(parts.concat());
        let mut names: Vec<_> = entries.iter().map(|(n, _)| n).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), entries.len());
    }
}
