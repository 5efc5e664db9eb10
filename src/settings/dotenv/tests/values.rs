//! What values are read as, line by line.

use super::read;

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
