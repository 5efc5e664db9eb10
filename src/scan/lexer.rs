//! Tells code, strings and comments apart, so that a word in a comment is not taken for code.
//!
//! No parser: one pass over the bytes that knows how a family of languages writes comments and
//! strings, and for Rust where `#[cfg(test)]` items end.

/// How a language writes comments and strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// Rust: nested block comments, raw strings, lifetimes.
    Rust,
    /// `//`, `/* */`, three kinds of quotes.
    Braces,
    /// `#` to the end of the line, triple quotes.
    Hash,
}

/// A text seen three ways. Each has the length of the original and its line breaks; what does not
/// belong to the view is blank.
#[derive(Debug)]
pub(super) struct Views {
    /// Code without strings and comments.
    pub(super) code: String,
    /// Code with strings.
    pub(super) written: String,
    /// Comments alone.
    pub(super) comments: String,
}

/// What a byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Text,
    Comment,
}

/// Looks at `text` as `syntax` says.
pub(super) fn views(text: &str, syntax: Syntax) -> Views {
    let mut kinds = classify(text.as_bytes(), syntax);
    if syntax == Syntax::Rust {
        blank_tests(text, &mut kinds);
    }
    let view = |keep: &[Kind]| -> String {
        let bytes = text.bytes().zip(&kinds).map(|(byte, kind)| match kind {
            Some(kind) if keep.contains(kind) => byte,
            _ if byte == b'\n' => byte,
            _ => b' ',
        });
        // Whole characters are kept or blanked, since no class changes inside of one.
        String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
    };
    Views {
        code: view(&[Kind::Code]),
        written: view(&[Kind::Code, Kind::Text]),
        comments: view(&[Kind::Comment]),
    }
}

/// The class of every byte; `None` is set later for tests.
fn classify(bytes: &[u8], syntax: Syntax) -> Vec<Option<Kind>> {
    let mut kinds = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let (kind, length) =
            token(rest, at.checked_sub(1).and_then(|b| bytes.get(b)).copied(), syntax);
        let length = length.clamp(1, rest.len());
        kinds.extend(std::iter::repeat_n(Some(kind), length));
        at += length;
    }
    kinds
}

/// The token at the beginning of `rest`: what it is and how long.
fn token(rest: &[u8], before: Option<u8>, syntax: Syntax) -> (Kind, usize) {
    let starts = |text: &str| rest.starts_with(text.as_bytes());
    match syntax {
        Syntax::Hash => {
            if starts("#") {
                return (Kind::Comment, line(rest));
            }
            for quotes in ["\"\"\"", "'''"] {
                if starts(quotes) {
                    return (Kind::Text, until(rest, quotes, 3));
                }
            }
        }
        Syntax::Rust | Syntax::Braces => {
            if starts("//") {
                return (Kind::Comment, line(rest));
            }
            if starts("/*") {
                return (Kind::Comment, block(rest, syntax == Syntax::Rust));
            }
        }
    }
    if syntax == Syntax::Rust {
        let word = before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !word && let Some(length) = raw_string(rest) {
            return (Kind::Text, length);
        }
        if starts("'") {
            return (Kind::Text, character(rest).unwrap_or(1));
        }
    }
    match rest.first() {
        Some(quote @ (b'"' | b'\'' | b'`')) => (Kind::Text, string(rest, *quote, syntax)),
        _ => (Kind::Code, 1),
    }
}

fn line(rest: &[u8]) -> usize {
    rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
}

fn until(rest: &[u8], end: &str, skip: usize) -> usize {
    rest.get(skip..)
        .and_then(|tail| tail.windows(end.len()).position(|w| w == end.as_bytes()))
        .map_or(rest.len(), |n| skip + n + end.len())
}

fn block(rest: &[u8], nested: bool) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(pair) = rest.get(at..at + 2) {
        match pair {
            b"/*" if depth == 0 || nested => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth = depth.saturating_sub(1);
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// A string with escapes. One that does not end on its line is taken to end there, except where
/// strings span lines.
fn string(rest: &[u8], quote: u8, syntax: Syntax) -> usize {
    let spans = syntax == Syntax::Rust || quote == b'`';
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' if !spans => return at,
            byte if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, with `b` before it too.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let r = usize::from(rest.first() == Some(&b'b'));
    (rest.get(r) == Some(&b'r')).then_some(())?;
    let hashes = rest.get(r + 1..)?.iter().take_while(|b| **b == b'#').count();
    (rest.get(r + 1 + hashes) == Some(&b'"')).then_some(())?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(until(rest, &end, r + 2 + hashes))
}

/// A character literal; a lifetime is none.
fn character(rest: &[u8]) -> Option<usize> {
    match rest.get(1)? {
        b'\\' => rest.get(2..)?.iter().skip(1).position(|b| *b == b'\'').map(|n| n + 4),
        _ => rest.iter().take(6).skip(2).position(|b| *b == b'\'').and_then(|n| {
            let inner = rest.get(1..n + 2)?;
            (std::str::from_utf8(inner).ok()?.chars().count() == 1).then_some(n + 3)
        }),
    }
}

/// Blanks everything that only tests compile: the item after each `#[cfg(test)]`.
fn blank_tests(text: &str, kinds: &mut [Option<Kind>]) {
    let bytes = text.as_bytes();
    for (start, marker) in text.match_indices("#[cfg(test)]") {
        if kinds.get(start) != Some(&Some(Kind::Code)) {
            continue;
        }
        let mut depth = 0_usize;
        let mut end = start + marker.len();
        while let Some(byte) = bytes.get(end) {
            if kinds.get(end) == Some(&Some(Kind::Code)) {
                match byte {
                    b'{' => depth += 1,
                    b'}' if depth <= 1 => break,
                    b'}' => depth -= 1,
                    b';' | b',' if depth == 0 => break,
                    _ => {}
                }
            }
            end += 1;
        }
        for kind in kinds.iter_mut().take(end + 1).skip(start) {
            *kind = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_is_told_apart() {
        let text =
            "let a = \"x // y\"; // note 'q\nlet c: &'a str = r#\"raw \" z\"#; let d = '\\''; b();";
        let views = views(text, Syntax::Rust);
        assert_eq!(views.code.len(), text.len());
        assert!(!views.code.contains("raw") && !views.code.contains("note"));
        assert!(views.code.ends_with("b();"), "{}", views.code);
        assert!(views.written.contains("x // y") && views.written.contains("raw"));
        assert_eq!(views.comments.trim(), "// note 'q");
    }

    #[test]
    fn tests_are_left_out() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { todo!() }\n}\nfn c() {}\n";
        let code = views(text, Syntax::Rust).code;
        assert!(code.contains("fn a") && code.contains("fn c") && !code.contains("todo"));
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn python_and_javascript_are_told_apart() {
        let python = views("x = '''a # b'''\ny = 1  # note\n", Syntax::Hash);
        assert!(python.comments.contains("# note") && !python.comments.contains("# b"));
        let script = views("a(`x /* y`); /* gone */ b('//')", Syntax::Braces);
        assert!(script.code.contains("b(") && !script.code.contains("gone"));
        assert!(script.written.contains("'//'"));
    }

    #[test]
    fn endings_that_never_come_end_with_the_text() {
        for text in ["\"abc", "/* abc", "r#\"abc", "'", "'\\", "#[cfg(test)]"] {
            for syntax in [Syntax::Rust, Syntax::Braces, Syntax::Hash] {
                assert_eq!(views(text, syntax).code.len(), text.len());
            }
        }
    }
}
