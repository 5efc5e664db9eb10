//! The npm package `dotenv`, version 18.0.10, in its default mode.
//!
//! It finds assignments with one regular expression, and what does not look like one is passed
//! over in silence.
//! - Names have letters, digits, `_`, `.` and `-`; `NAME: value` counts too, and a value may
//!   stand on a later line than its `=`.
//! - `#` ends a value without quotes wherever it stands; nothing is expanded.
//! - Quotes are `"`, `'` and the backtick; a backslash before the closing one keeps it open and
//!   stays in the value. In double quotes `\n` and `\r` are line ends.
//! - Quotes that do not close, or are followed by more, stay part of the value.

use super::reading::{Lines, Reading};
use regex::Regex;
use std::sync::LazyLock;

/// What JavaScript takes as white space.
const SPACE: &str = r"[\t\n\x0b\x0c\r \u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}]";

/// An assignment. This engine takes the same one of several possible matches as JavaScript's
/// does: the first by the order of alternatives.
static ASSIGNMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = r"([A-Za-z0-9_.\-]+)";
    let value = [r"S*'(?:\\'|[^'])*'", r#"S*"(?:\\"|[^"])*""#, r"S*`(?:\\`|[^`])*`", r"[^#\r\n]+"]
        .join("|");
    let comment = r"(?:#[^\n\r\u{2028}\u{2029}]*)?";
    // Four characters end a line in JavaScript, one in this engine; carriage returns are gone.
    let end = r"[\n\u{2028}\u{2029}]";
    let pattern =
        format!(r"(?:\A|{end})S*(?:exportS+)?{name}(?:S*=S*?|:S+?)({value})?S*{comment}({end}|\z)");
    Regex::new(&pattern.replace('S', SPACE)).ok()
});

/// What the package reads.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = Lines::new(text.as_bytes());
    let mut out = Reading::default();
    let Some(pattern) = ASSIGNMENT.as_ref() else { return out };
    let mut at = 0;
    while let Some(found) = pattern.captures_at(&text, at) {
        // What ends this one begins the next.
        at = found.get(3).map_or(text.len(), |end| end.start());
        let Some(name) = found.get(1) else { continue };
        let value = found.get(2).map_or("", |value| value.as_str()).trim_matches(is_space);
        let double = value.starts_with('"');
        let value = unquoted(value);
        let value =
            if double { value.replace("\\n", "\n").replace("\\r", "\r") } else { value.to_owned() };
        out.set(name.as_str().as_bytes(), lines.at(name.start()), value.into_bytes());
    }
    out
}

/// Without the quotes that enclose it, if it is enclosed.
fn unquoted(value: &str) -> &str {
    ['\'', '"', '`']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}
