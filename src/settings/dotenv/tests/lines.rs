//! Lines hold every byte of a file, and what is written reads back.

use super::super::line::print;
use super::super::*;
use super::read;
use proptest::prelude::*;
use std::path::Path;

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
pub(crate) fn dotenv_like() -> impl Strategy<Value = Vec<u8>> {
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
