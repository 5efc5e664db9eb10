//! Texts without what steers a terminal: names and values come from files that anybody may have
//! written, and a line on the screen must be the line that was meant.

use std::borrow::Cow;

/// `text` with every control character (ECMA-48: C0, DEL, C1) and every mark that turns the
/// direction of writing (Unicode UAX #9) as an escape, such as `\n` or `\u{1b}`.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if steers(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_steers_a_terminal_is_written_out_and_the_rest_stays() {
        assert_eq!(visible("a\u{1b}[2K\r\nb\t\u{7f}\u{9b}"), "a\\u{1b}[2K\\r\\nb\\t\\u{7f}\\u{9b}");
        assert_eq!(visible("a\u{202e}b\u{2066}"), "a\\u{202e}b\\u{2066}");
        assert_eq!(visible("größe ✓ \\n"), "größe ✓ \\n");
    }
}
