//! The lines on which the programs are known to differ, with what each one reads.
//!
//! The tests hold the models to them and the models to the programs, so that the table in
//! `docs/dotenv-compat.md` is what the programs do.

/// A line behind `PLAIN=abc`, and what dotenvy, motdotla, python, node, compose and bash make of
/// its variable: `∅` is no such variable, `<…>` is told in words. `LATER` is set below.
pub(crate) const EXAMPLES: &[(&str, [&str; 6])] = &[
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
