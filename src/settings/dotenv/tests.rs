//! Tests of the dialect.

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
fn literal_dollars_and_unset_references_are_warned_about() {
    let (_, problems) = read("A=pa$word\nB='pa$word'\nC=${D}\nD=1\nE=\"pa\\$word\"\n");
    let found: Vec<String> =
        problems.iter().map(|p| format!("{} {}", p.place.as_ref().unwrap(), p.code)).collect();
    assert_eq!(found, [".env:1:5 bare-dollar", ".env:3:3 unset-reference"]);
    assert!(problems.iter().all(|p| !p.is_error()));
}

#[test]
fn hostile_files_are_read_in_linear_time_and_bounded_space() {
    let begun = std::time::Instant::now();
    let mut doubling = "A0=xxxxxxxxxxxxxxxx\n".to_owned();
    for n in 0..60 {
        doubling.push_str(&format!("A{}=${{A{n}}}${{A{n}}}\n", n + 1));
    }
    let (entries, problems) = read(doubling);
    assert!(entries.iter().map(|(_, v)| v.len()).sum::<usize>() <= 16 << 20);
    assert_eq!(problems.last().unwrap().code, "too-large");
    read("A=\"\n".repeat(50_001));
    read("A='x\nB=\"y\n".repeat(30_000));
    read("${".repeat(100_000));
    read(format!("A={}", "${A:-".repeat(50_000)));
    read(vec![b'\0'; 1 << 20]);
    read(vec![0xff; 1 << 20]);
    read(format!("A='{}'", "x".repeat(1 << 20)));
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
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
fn dotenv_like() -> impl Strategy<Value = Vec<u8>> {
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
