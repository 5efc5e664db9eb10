//! The lines on which the programs are known to differ, with what each one reads.

/// A line behind `PLAIN=abc`, and what dotenvy, motdotla, python, node, compose and bash make of
/// its variable; `∅` is no such variable. `LATER` is set below. All but the first are what the models say,
/// and the tests ask the real programs whether it is so.
pub(super) const ROWS: &[(&str, [&str; 6])] = &[
    ("X=a#b", ["a#b", "a", "a#b", "a", "a#b", "a#b"]),
    ("X=#abc", ["", "", "#abc", "", "#abc", "#abc"]),
    ("X=pa$$word", ["pa", "pa$$word", "pa$$word", "pa$$word", "pa$word", "<varies>"]),
    ("X=cost$5", ["cost", "cost$5", "cost$5", "cost$5", "cost$5", "cost"]),
    ("X=pa\\$word", ["pa$word", "pa\\$word", "pa\\$word", "pa\\$word", "pa\\", "pa$word"]),
    ("X='a $PLAIN'", ["a $PLAIN", "a $PLAIN", "a $PLAIN", "a $PLAIN", "a $PLAIN", "a $PLAIN"]),
    ("X=\"a $PLAIN\"", ["∅", "a $PLAIN", "a $PLAIN", "a $PLAIN", "a abc", "a abc"]),
    ("X=${PLAIN}/x", ["abc/x", "${PLAIN}/x", "abc/x", "${PLAIN}/x", "abc/x", "abc/x"]),
    ("X=${NOPE:-d}", ["", "${NOPE:-d}", "d", "${NOPE:-d}", "d", "d"]),
    (
        "X=$(echo pwned)",
        [
            "∅",
            "$(echo pwned)",
            "$(echo pwned)",
            "$(echo pwned)",
            "$(echo pwned)",
            "<runs echo pwned>",
        ],
    ),
    ("X=`x y`", ["∅", "x y", "`x y`", "x y", "`x y`", "<runs x y>"]),
    (
        "X=\"a \\\"q\\\" b\"",
        ["a \"q\" b", "a \\\"q\\\" b", "a \"q\" b", "a \\", "a \"q\" b", "a \"q\" b"],
    ),
    ("X='it\\'s'", ["∅", "it\\'s", "it's", "it\\", "it's", "∅"]),
    ("X=\"a\\tb\"", ["∅", "a\\tb", "a\tb", "a\\tb", "a\tb", "a\\tb"]),
    ("X=\"a\\nb\"", ["a\nb", "a\nb", "a\nb", "a\nb", "a\nb", "a\\nb"]),
    ("X=hello world", ["∅", "hello world", "hello world", "hello world", "hello world", "∅"]),
    (
        "X={\"a\": \"b c\"}",
        ["∅", "{\"a\": \"b c\"}", "{\"a\": \"b c\"}", "{\"a\": \"b c\"}", "{\"a\": \"b c\"}", "∅"],
    ),
    (
        "X=C:\\new\\table",
        ["∅", "C:\\new\\table", "C:\\new\\table", "C:\\new\\table", "C:\\new\\table", "C:newtable"],
    ),
    ("X=héllo ✓", ["∅", "héllo ✓", "héllo ✓", "héllo ✓", "héllo ✓", "∅"]),
    ("X = abc", ["abc", "abc", "abc", "abc", "abc", "∅"]),
    ("X: abc", ["∅", "abc", "∅", "∅", "abc", "∅"]),
    ("X", ["∅", "∅", "∅", "∅", "∅", "∅"]),
    ("lower.dot-key=1", ["∅", "1", "1", "1", "1", "∅"]),
    ("X=\"a\"'b'c", ["abc", "\"a\"'b'c", "∅", "a", "∅", "abc"]),
    ("X=$FROMENV", ["", "$FROMENV", "$FROMENV", "$FROMENV", "", ""]),
    ("X=${LATER}", ["", "${LATER}", "", "${LATER}", "", ""]),
    ("X='open", ["∅", "'open", "∅", "'open", "∅", "∅"]),
    (
        "X=\"line1\\nline2\"",
        [
            "line1\nline2",
            "line1\nline2",
            "line1\nline2",
            "line1\nline2",
            "line1\nline2",
            "line1\\nline2",
        ],
    ),
    ("export X=1", ["1", "1", "1", "1", "1", "1"]),
    ("X= # c", ["", "", "", "", "# c", ""]),
    ("X=  padded  ", ["padded", "padded", "padded", "padded", "padded", "∅"]),
    ("X=a=b", ["a=b", "a=b", "a=b", "a=b", "a=b", "a=b"]),
    ("X=\"\"\"q\"\"\"", ["q", "\"\"q\"\"", "∅", "", "∅", "q"]),
    ("X=~/d", ["~/d", "~/d", "~/d", "~/d", "~/d", "<varies>"]),
    ("X=${NOPE:?m}", ["", "${NOPE:?m}", "${NOPE:?m}", "${NOPE:?m}", "∅", "∅"]),
    ("X=a\\ b", ["a b", "a\\ b", "a\\ b", "a\\ b", "a\\ b", "a b"]),
    ("\u{feff}X=1", ["1", "1", "1", "∅", "1", "∅"]),
    ("X=a\r", ["a", "a", "a", "a", "a", "a\r"]),
    ("X=1\nX=2", ["1", "2", "2", "2", "2", "2"]),
    (
        "X=\"-----BEGIN\nab=\n-----END\"",
        [
            "-----BEGIN\nab=\n-----END",
            "-----BEGIN\nab=\n-----END",
            "-----BEGIN\nab=\n-----END",
            "-----BEGIN\nab=\n-----END",
            "-----BEGIN\nab=\n-----END",
            "-----BEGIN\nab=\n-----END",
        ],
    ),
];

/// The file of a row.
pub(super) fn file(line: &str) -> Vec<u8> {
    let (mark, line) = line.strip_prefix('\u{feff}').map_or(("", line), |rest| ("\u{feff}", rest));
    if mark.is_empty() {
        format!("PLAIN=abc\n{line}\nLATER=later\n").into_bytes()
    } else {
        format!("{mark}{line}\nLATER=later\n").into_bytes()
    }
}

/// The variable of a row.
pub(super) fn name(line: &str) -> &str {
    let line = line.trim_start_matches('\u{feff}');
    let line = line.strip_prefix("export ").unwrap_or(line);
    line.split(['=', ':', '\n']).next().unwrap().trim()
}

/// All files: the rows and those that are no single line.
pub(super) fn files() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = ROWS.iter().map(|(line, _)| file(line)).collect();
    files.extend([
        b"X=a\r\nY='b'\r\nZ=\"c\r\nd\"\r\n".to_vec(),
        b"\xef\xbb\xbfX=1\nY=2\n".to_vec(),
        b"X=1\nX=2\nY=$X-${X}\nX=3\n".to_vec(),
        b"KEY=\"-----BEGIN\nline one\nline=two\n-----END\"\nY=1\n".to_vec(),
        b"X='a\nY=1\nZ='b'\n".to_vec(),
        b"X=\xff\xfe\nY=1\n".to_vec(),
        b"# it's a comment\nX=1 # it's one too\nY=2\n".to_vec(),
        b"  X=1  \n\tY = 2\t\n\n\n#\nZ=3".to_vec(),
        b"1X=a\nX1=b\n_x=c\n".to_vec(),
        b"X=a=b=c\nY==\n".to_vec(),
        b"X=\"\"\"a\nb\"\"\"\nY=1\n".to_vec(),
        b"A=1\n\nB: 2\nC\nD=4\n".to_vec(),
        b"X=${Y}\nY=1\nZ=${X:-unset}${Y:-no}\n".to_vec(),
        [b"X=".as_slice(), &b"long ".repeat(200_000), b"\nY=1\n"].concat(),
        [b"X=\"".as_slice(), &b"long ".repeat(200_000), b"\"\nY=1\n"].concat(),
        b"".to_vec(),
        b"\n".to_vec(),
        b"X".to_vec(),
        b"X=".to_vec(),
    ]);
    files
}
