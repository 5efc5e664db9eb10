//! Lines that nobody would write, and some that everybody does; the same ones in every run.

/// A small generator of numbers (xorshift): the lines must not change with a library.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const NAMES: &[&str] = &[
    "X",
    "X",
    "X",
    "X",
    "X",
    "X",
    "FOO_1",
    "export X",
    "export  FOO",
    " X",
    "X ",
    "\tX",
    "lower.dot-key",
    "a-b",
    "1X",
    "é",
    "",
    "'X'",
    "export",
    "a b",
    "exportX",
    "PLAIN",
];
const BETWEEN: &[&str] =
    &["=", "=", "=", "=", "=", "=", "=", " = ", "= ", " =", "=\t", ": ", ":", "", "+="];
const PIECES: &[&str] = &[
    "a",
    "hello",
    "word",
    "b c",
    " ",
    "  ",
    "#",
    " #c",
    " # it's",
    "$",
    "$PLAIN",
    "${PLAIN}",
    "${NOPE}",
    "${NOPE:-d}",
    "${NOPE-d e}",
    "${PLAIN:+q}",
    "${PLAIN+q}",
    "${EMPTY:-e}",
    "${EMPTY-e}",
    "$NOPE",
    "$AFTER",
    "$$",
    "\\",
    "\\n",
    "\\t",
    "\\\"",
    "\\'",
    "\\$",
    "\\\\",
    "\\r",
    "'",
    "\"",
    "`",
    "'q r'",
    "\"q r\"",
    "\"q $PLAIN\"",
    "'q $PLAIN'",
    "`q r`",
    "'it\\'s'",
    "\"a \\\"q\\\"\"",
    "\"${NOPE:-x y}\"",
    "=",
    ":",
    ",",
    "{",
    "}",
    "[k]",
    "${",
    "${PLAIN",
    "${1}",
    "$5",
    "${NOPE:?m}",
    "$(q)",
    "``",
    "$()",
    "\"$()\"",
    "é",
    "✓",
    "\u{a0}",
    "\t",
    "~",
    "~/d",
    "!",
    "*",
    "%",
    "/",
    "-",
    "@",
    "0",
    "12",
    "\\0101",
    "\\u0041",
    "\"\"",
    "''",
    "#'",
    "\"#\"",
    "'#'",
    "\"l1\nl2\"",
    "'l1\nl2'",
];
const RARE: &[&str] =
    &["&", ";", "|", "&&", "<", "(", ")", "\r", "\u{2028}x", "\u{feff}", "\u{c}", "\\\n", "\n"];
const ENDS: &[&str] =
    &["\n", "\n", "\n", "\n", "\r\n", " \n", "\t\n", " # c\n", " #c\r\n", "#\n", ""];

/// `count` files, each with one generated statement between others.
pub(super) fn files(count: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut numbers = Numbers(seed);
    (0..count).map(|_| file(&mut numbers)).collect()
}

fn file(numbers: &mut Numbers) -> Vec<u8> {
    let mut text = String::from("PLAIN=abc\nEMPTY=\n");
    text.push_str(numbers.one(NAMES));
    text.push_str(numbers.one(BETWEEN));
    let quote = numbers.one(&["", "", "", "\"", "\"", "'", "`"]);
    text.push_str(quote);
    for _ in 0..numbers.below(5) {
        let rare = numbers.below(20) == 0;
        text.push_str(numbers.one(if rare { RARE } else { PIECES }));
    }
    if numbers.below(12) != 0 {
        text.push_str(quote);
    }
    text.push_str(numbers.one(ENDS));
    if text.ends_with('\n') && numbers.below(8) != 0 {
        text.push_str(numbers.one(&["AFTER=z\n", "AFTER=z\n", "AFTER=z", "AFTER='z'\n", "X=2\n"]));
    }
    text.into_bytes()
}
